"""Resource Manager: the endpoints of a cloud. They need no token.

Source: learn.microsoft.com/azure-stack/user/azure-stack-version-profiles-azurecli2 and the requests of az
(ARM_CLOUD_METADATA_URL) and of Terraform's provider (`metadata_host`). The version of 2019 lists every cloud; that of
2022 contains only the cloud of the host.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.clouds import Cloud, clouds
from entra_emulator.routing import Route, route
from entra_emulator.web import json_response
from entra_emulator.world import Site

_NAMES = {"public": "AzureCloud", "china": "AzureChinaCloud", "usgov": "AzureUSGovernment", "bleu": "BleuCloud"}


def routes() -> list[Route]:
    """Return the route."""
    return [route("GET", "/metadata/endpoints", _endpoints)]


async def _endpoints(request: Request) -> Response:
    site: Site = request.state.site
    version = request.query_params.get("api-version", "")
    if not version:
        error = {"code": "MissingApiVersionParameter", "message": "The query parameter api-version is required."}
        return json_response(request.state.world, {"error": error}, 400)
    if version < "2018-05-01":
        return json_response(request.state.world, _first(site))
    if version < "2022-09-01":
        listed = [cloud for cloud in clouds() if cloud.name in _NAMES and cloud.arm]
        return json_response(request.state.world, [_full(_site_of(site, cloud)) for cloud in listed])
    return json_response(request.state.world, _full(site))


def _site_of(site: Site, cloud: Cloud) -> Site:
    return site if cloud is site.cloud else Site(cloud, "arm", None)


def _first(site: Site) -> dict[str, Any]:
    """Return the response of the version of 2015."""
    full = _full(site)
    return {
        "galleryEndpoint": full["gallery"],
        "graphEndpoint": full["graph"],
        "portalEndpoint": full["portal"],
        "authentication": {key: full["authentication"][key] for key in ("loginEndpoint", "audiences")},
    }


def _full(site: Site) -> dict[str, Any]:
    """Return a cloud's endpoints. Those of emulated services are the emulator's; the others are the cloud's own."""
    cloud, local = site.cloud, site.local_port
    arm, vault = cloud.arm[0], cloud.vault[0] if cloud.vault else ""
    domain = "windows.net" if cloud.name == "public" else arm.partition(".")[2]
    graph = f"https://{cloud.graph[0]}/" if cloud.graph else None
    return {
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": site.authority,
            "audiences": [f"https://{host}/" for host in reversed(cloud.arm)],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": f"https://{cloud.aad_graph}/",
        "graph": f"https://{cloud.aad_graph}/",
        "name": _NAMES.get(cloud.name, "AzureCloud"),
        "suffixes": {
            "keyVaultDns": vault,
            "storage": f"core.{domain}",
            "sqlServerHostname": f"database.{domain}",
            "acrLoginServer": "azurecr.io" if cloud.name == "public" else f"azurecr.{domain.rpartition('.')[2]}",
        },
        "batch": f"https://batch.core.{domain}/",
        "resourceManager": site.base if local else f"https://{arm}/",
        "microsoftGraphResourceId": graph,
        "gallery": f"https://gallery.{arm.partition('.')[2]}/",
    }
