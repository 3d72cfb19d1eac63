"""The dialect of each source, by the source's name."""

from __future__ import annotations

from mstoken.protocol.managed_identity.app_service import APP_SERVICE
from mstoken.protocol.managed_identity.azure_arc import AZURE_ARC
from mstoken.protocol.managed_identity.azure_ml import AZURE_ML
from mstoken.protocol.managed_identity.cloud_shell import CLOUD_SHELL
from mstoken.protocol.managed_identity.imds import IMDS
from mstoken.protocol.managed_identity.service_fabric import SERVICE_FABRIC

DIALECTS = {
    "app_service": APP_SERVICE,
    "azure_arc": AZURE_ARC,
    "azure_ml": AZURE_ML,
    "cloud_shell": CLOUD_SHELL,
    "imds": IMDS,
    "service_fabric": SERVICE_FABRIC,
}
