"""Deployments of Azure Resource Manager: their state follows from the time."""

from dataclasses import dataclass, field
from typing import Any

from .ids import new_id
from .subscriptions import ResourceGroup


@dataclass
class Deployment:
    """A deployment: `kinds` are the types of the template's resources, `ends_on` is in epoch seconds."""

    name: str
    mode: str
    kinds: list[str]
    group: ResourceGroup
    began_on: float
    ends_on: float
    operation: str = field(default_factory=new_id)

    def state(self, now: float) -> str:
        """Return the provisioning state."""
        return "Running" if now < self.ends_on else "Failed" if self.kinds else "Succeeded"

    def error(self, now: float) -> dict[str, Any]:
        """Return the member `error` of a deployment that failed."""
        if self.state(now) != "Failed":
            return {}
        details = [
            {"code": "InvalidResourceType", "message": f"The emulator deploys no '{kind}'."} for kind in self.kinds
        ]
        message = "At least one resource deployment operation failed."
        return {"error": {"code": "DeploymentFailed", "message": message, "details": details}}
