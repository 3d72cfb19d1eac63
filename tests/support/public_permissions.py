"""Small public data sets of permissions and roles in the form of the real ones, and a server that has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.token_service import RecordedRequest, Reply, TokenService

READ_ID, WRITE_ID = "11111111-aaaa-4bbb-8ccc-000000000001", "11111111-aaaa-4bbb-8ccc-000000000002"


def _permission(level: int, paths: dict[str, str], methods: list[str]) -> dict[str, Any]:
    schemes = {
        "DelegatedWork": {"privilegeLevel": level, "requiresAdminConsent": False},
        "Application": {"privilegeLevel": level, "requiresAdminConsent": True},
    }
    return {
        "schemes": schemes,
        "pathSets": [{"schemeKeys": ["DelegatedWork", "Application"], "methods": methods, "paths": paths}],
    }


PERMISSIONS = {
    "permissions": {
        "Bicycle.Read.All": _permission(2, {"/bicycles/{bicycle-id}": "least=DelegatedWork,Application"}, ["GET"]),
        "Bicycle.ReadWrite.All": _permission(4, {"/bicycles/{bicycle-id}": ""}, ["GET", "PATCH"]),
    }
}

DEPLOYMENTS = {
    "permissionDeployments": {
        "Bicycle.Read.All": [
            {"id": READ_ID, "scheme": "DelegatedWork", "environment": "PPE;public"},
            {"id": READ_ID, "scheme": "Application", "environment": "public"},
            {"scheme": "Application", "environment": "public"},
        ],
        "Bicycle.ReadWrite.All": [
            {"id": WRITE_ID, "scheme": "Application", "environment": "PPE"},
            {"id": WRITE_ID, "scheme": "DelegatedWork", "environment": "public"},
            {"id": READ_ID, "scheme": "DelegatedWork", "environment": "public"},
        ],
        "Elsewhere.Read.All": [{"id": WRITE_ID, "scheme": "Application", "environment": "public"}],
    }
}


def role(name: str, *actions: str, **more: Any) -> dict[str, Any]:
    """Return a role definition as the public list has it."""
    permission = {
        "actions": list(actions),
        "notActions": [],
        "dataActions": [],
        "notDataActions": [],
        "condition": None,
    }
    return {
        "roleName": name,
        "roleType": "BuiltInRole",
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": f"id of {name}",
        "permissions": [permission | more],
    }


ROLES = [
    role("Bicycle Contributor", "Microsoft.Bicycles/shops/*", "Microsoft.Resources/deployments/*"),
    role("Bicycle Repair Operator", "Microsoft.Bicycles/shops/repair/action", "Microsoft.Insights/alertRules/*"),
    role("Bicycle Agent", "Microsoft.Bicycles/shops/repair/action"),
    role("Traffic Contributor", "Microsoft.Traffic/*", "Microsoft.Lights/*", "Microsoft.Bicycles/shops/*"),
    role("Bicycle Night Operator", "Microsoft.Bicycles/shops/*", condition="@Resource[x] StringEquals 'y'"),
]

FILES = {"permissions.json": PERMISSIONS, "provisioningInfo.json": DEPLOYMENTS, "built-in-roles-raw.json": ROLES}


def serve(service: TokenService, **changed: Any) -> str:
    """Let the service have the files, with others in `changed` by name up to the dot. Return the folder's address."""

    def answer(request: RecordedRequest) -> Reply:
        name = request.path.removeprefix("/data/")
        if name not in FILES:
            return Reply(404, {"error": {"code": "NotFound", "message": "No such file."}})
        return Reply(200, changed.get(name.partition(".")[0], FILES[name]))

    service.script = [answer]
    return f"{service.url}/data"


def write(folder: Path) -> Path:
    """Write the files into a folder, as somebody does who carries them to a machine without a network."""
    folder.mkdir()
    for name, document in FILES.items():
        (folder / name).write_text(json.dumps(document))
    return folder
