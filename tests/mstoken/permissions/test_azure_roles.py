"""Which Azure role allows an action."""

from __future__ import annotations

from typing import Any

import pytest

from mstoken.permissions.azure_roles import arm_action, arm_scope, is_data_action, known_roles, roles_for


@pytest.mark.parametrize(
    ("action", "role", "data"),
    [
        ("Microsoft.Compute/virtualMachines/read", "Reader", False),
        ("Microsoft.Compute/virtualMachines/write", "Virtual Machine Contributor", False),
        ("Microsoft.Authorization/roleAssignments/write", "User Access Administrator", False),
        ("Microsoft.KeyVault/vaults/secrets/getSecret/action", "Key Vault Secrets User", True),
        ("microsoft.keyvault/VAULTS/secrets/getsecret/ACTION", "Key Vault Secrets User", True),
        ("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "Storage Blob Data Reader", True),
        ("Microsoft.Resources/subscriptions/resourceGroups/write", "Contributor", False),
    ],
)
def test_a_role_that_allows_the_action_is_suggested(action: str, role: str, data: Any) -> None:
    found = roles_for(action)
    assert role in found
    assert is_data_action(action) is data


def test_owner_is_not_suggested_for_data() -> None:
    """Owner allows every action and no data action."""
    assert "Owner" not in roles_for("Microsoft.KeyVault/vaults/secrets/getSecret/action", most=100)
    assert "Owner" in roles_for("Microsoft.Compute/virtualMachines/write", most=100)


def test_contributor_does_not_assign_roles() -> None:
    """`not` takes away what `*` gives."""
    assert "Contributor" not in roles_for("Microsoft.Authorization/roleAssignments/write", most=100)


def test_an_unknown_action_gets_only_general_roles() -> None:
    assert roles_for("Contoso.Things/parts/read")[0] == "Reader"
    assert "Virtual Machine Contributor" not in roles_for("Contoso.Things/parts/write", most=100)


def test_every_role_allows_something() -> None:
    assert len(known_roles()) > 40
    assert all(role.actions or role.data_actions for role in known_roles())


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", "/subscriptions", "Microsoft.Resources/subscriptions/read", "/subscriptions/SUBSCRIPTION_ID"),
        ("put", "/subscriptions/1?x=/a", "Microsoft.Resources/subscriptions/write", "/subscriptions/1"),
        (
            "DELETE",
            "/subscriptions/1/resourcegroups/g/",
            "Microsoft.Resources/subscriptions/resourceGroups/delete",
            "/subscriptions/1/resourcegroups/g",
        ),
        (
            "POST",
            "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v/start",
            "Microsoft.Compute/virtualMachines/start/action",
            "/subscriptions/1/resourceGroups/g",
        ),
        (
            "GET",
            "/subscriptions/1/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets",
            "Microsoft.Network/virtualNetworks/subnets/read",
            "/subscriptions/1/resourceGroups/g",
        ),
        (
            "PUT",
            "/subscriptions/1/resourceGroups/g/providers/Microsoft.Web/sites/s/providers/Microsoft.Insights/things/t",
            "Microsoft.Insights/things/write",
            "/subscriptions/1/resourceGroups/g",
        ),
        (
            "GET",
            "/providers/Microsoft.Management/managementGroups/m",
            "Microsoft.Management/managementGroups/read",
            "/",
        ),
        ("GET", "/tenants", "", "/"),
        ("POST", "/subscriptions/1", "", "/subscriptions/1"),
        ("TRACE", "/subscriptions/1", "", "/subscriptions/1"),
    ],
)
def test_a_path_of_resource_manager_names_its_action_and_scope(method: str, path: str, action: str, scope: str) -> None:
    """The type of the resource with the verb; of nested providers, the last one counts."""
    assert (arm_action(method, path), arm_scope(path)) == (action, scope)
