"""Deployments of Resource Manager: begun with 201, awaited by their operation's status or their own state."""

from collections.abc import Callable

import httpx
import pytest

from entra_emulator import Emulator

from .test_arm import ARM, code

Call = Callable[..., httpx.Response]
EMPTY = {"contentVersion": "1.0.0.0", "resources": []}
ONE = {"contentVersion": "1.0.0.0", "resources": [{"type": "Contoso.Nothing/things"}]}


@pytest.fixture
def deployment(entra: Emulator, http: httpx.Client, app_token: Callable[..., httpx.Response]) -> Call:
    """Call a deployment of the group rg-web; `url` calls that URL instead."""
    subscription = entra.state.default_tenant.subscriptions[0].id
    base = f"{entra.api('arm')}/subscriptions/{subscription}/resourceGroups"

    def call(
        method: str = "GET", template: object = None, *, name: str = "one", mode: str = "Incremental", url: str = ""
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {app_token(ARM).json()['access_token']}"}
        body = {"json": {"properties": {"mode": mode, "template": template}}} if method == "PUT" else {}
        where = url or f"{base}/rg-web/providers/Microsoft.Resources/deployments/{name}?api-version=2022-12-01"
        return http.request(method, where, headers=headers, **body)  # type: ignore[arg-type]

    return call


def test_a_deployment_succeeds_after_a_while(entra: Emulator, deployment: Call) -> None:
    began = deployment("PUT", EMPTY)
    assert (began.status_code, began.json()["properties"]["provisioningState"]) == (201, "Accepted")
    where = began.headers["Azure-AsyncOperation"]
    running = deployment(url=where)
    assert (running.status_code, running.json(), running.headers["Retry-After"]) == (200, {"status": "Running"}, "1")
    assert deployment().json()["properties"]["provisioningState"] == "Running"
    assert code(deployment("PUT", EMPTY)) == (409, "DeploymentActive")
    entra.clock.advance(2)
    assert deployment(url=where).json() == {"status": "Succeeded"}
    assert deployment().json()["properties"]["provisioningState"] == "Succeeded"
    assert deployment("PUT", EMPTY).status_code == 200


def test_resources_fail_when_the_deployment_runs(entra: Emulator, deployment: Call) -> None:
    """The operation's status has the error; its response is 200 all the same."""
    where = deployment("PUT", ONE, name="two").headers["Azure-AsyncOperation"]
    entra.clock.advance(2)
    status = deployment(url=where)
    assert (status.status_code, status.json()["status"]) == (200, "Failed")
    assert status.json()["error"]["code"] == "DeploymentFailed"
    assert deployment(name="two").json()["properties"]["error"] == status.json()["error"]


@pytest.mark.parametrize(
    ("template", "mode", "said"),
    [
        (None, "Incremental", "InvalidRequestContent"),
        (EMPTY, "Sideways", "InvalidRequestContent"),
        ({"resources": []}, "Complete", "InvalidTemplate"),
        ({"contentVersion": "1.0.0.0"}, "Complete", "InvalidTemplate"),
        ({**EMPTY, "outputs": {"x": 1}}, "Complete", "InvalidTemplate"),
    ],
)
def test_another_template_is_refused(deployment: Call, template: object, mode: str, said: str) -> None:
    assert code(deployment("PUT", template, name="three", mode=mode)) == (400, said)
    assert code(deployment(name="three")) == (404, "DeploymentNotFound")


def test_an_unknown_operation_is_not_found(deployment: Call) -> None:
    where = deployment("PUT", EMPTY, name="four").headers["Azure-AsyncOperation"]
    assert code(deployment(url=where.replace("operationStatuses/", "operationStatuses/x"))) == (
        404,
        "OperationNotFound",
    )
