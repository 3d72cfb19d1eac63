"""What `mstoken serve` and `mstoken exec` share: options, clients for the requests, and the request log."""

from __future__ import annotations

import io
import sys

from mstoken.cli import output
from mstoken.cli.clients import Clients
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mstoken.client import Client
    from mstoken.integrations.serving.service import EndpointPlan

ARC_KEYS_HELP = "Folder of Azure Arc's key files, in place of /var/opt/azcmagent/tokens."
HOST_HELP = "Another name under which programs reach this service, such as host.docker.internal; may be repeated."
ENDPOINT = "[DIALECT[@PROFILE][=ADDRESS]]..."


def plans_of(endpoints: Sequence[str], flags: Mapping[str, str]) -> list[EndpointPlan]:
    """Return the endpoints that the arguments describe; App Service's without any. Raises UsageError."""
    from mstoken.errors import UsageError
    from mstoken.integrations.serving.service import APP_SERVICE, parse_plan
    from mstoken.redaction import shown

    plans = [parse_plan(text, flags["profile"]) for text in endpoints or (APP_SERVICE,)]
    for plan in plans:
        if sum(other.name == plan.name for other in plans) > 1:
            raise UsageError(f"{shown(plan.name)} is there twice.", "Give each of them a profile: DIALECT@PROFILE.")
    return plans


class ServingClients:
    """Returns the client of a profile for each request: the same one until its configuration or sign-in changes."""

    def __init__(self, flags: Mapping[str, str]) -> None:
        self._flags = flags
        self._clients = Clients(show=lambda _: None)  # its notes were shown when it was made

    def __call__(self, profile: str) -> Client:
        """Return the client. Raises UsageError."""
        flags = (
            self._flags if profile == self._flags["profile"] else {**dict.fromkeys(self._flags, ""), "profile": profile}
        )
        return self._clients.get(flags).client

    def reload(self) -> None:
        """Make the clients anew, without what they keep in memory."""
        self._clients.clear()


def check_identities(plans: Sequence[EndpointPlan], clients: Callable[[str], Client]) -> None:
    """Raise UsageError now for a profile that does not exist or is incomplete, not at the first request."""
    for plan in plans:
        for profile in plan.profiles:
            clients(profile)


def with_secret(plan: EndpointPlan, secret: str) -> EndpointPlan:
    """Return the endpoint with a secret that its callers know already."""
    return replace(plan, secret=secret)


def log(line: str) -> None:
    """Print a line of the request log on standard error. A disk that is full does not stop the service."""
    try:
        output.stderr_line(line)
    except (OSError, ValueError):
        return


def unbuffer_log() -> None:
    """Have standard error keep no line that a full disk refuses: Python would write it again at exit, and fail."""
    if sys.stderr is None:
        return
    try:
        raw = open(sys.stderr.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115 - until the process ends
    except (OSError, ValueError):  # not a file: a test's
        return
    sys.stderr = io.TextIOWrapper(raw, sys.stderr.encoding, sys.stderr.errors, write_through=True)
