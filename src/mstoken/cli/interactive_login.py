"""`mstoken login` with a user: in the browser, or with a code on another device."""

from __future__ import annotations

import re

from mstoken.cli import output, standard_input
from mstoken.cli.get_token import claims_text, sign_in_scopes
from mstoken.cli.identity import open_stores
from mstoken.errors import NotConfigured, UsageError
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.cli.options import LoginArguments
    from mstoken.config.layers import Layers
    from mstoken.config.settings import Settings
    from mstoken.credentials import DevicePrompt, SignIn
    from mstoken.protocol.id_token import SignedInUser

_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

ANY_ORGANIZATION = "organizations"
"""The tenant to sign in to by default: the user's own."""


def sign_in(name: str, layers: Layers, arguments: LoginArguments, *, device: bool) -> tuple[Settings, SignedInUser]:
    """Let the user sign in, and store the sign-in as `name`. Return the settings for the profile, and the user.

    Raises NotConfigured without an application, else what the sign-in raises.
    """
    from mstoken.client import Client

    if layers.authority_settings()[2]:
        raise UsageError(
            "Interactive sign-in works with Entra only; mstoken knows just the token endpoint of other OAuth servers.",
            "Sign in with the server's own tools and store the refresh token: mstoken login --refresh-token-stdin",
        )
    if not layers.text("client_id"):
        layers = replace(layers, flags={**layers.flags, "client_id": _chosen_application()})
    if not layers.text("tenant"):
        layers = replace(layers, flags={**layers.flags, "tenant": ANY_ORGANIZATION})
    settings = layers.settings(_credential(name, layers, arguments, device=device))
    with Client.from_settings(settings, open_stores(layers.store())) as client:
        person = client.sign_in(*sign_in_scopes(client, arguments), claims=claims_text(arguments.claims) or None)
    if settings.tenant == ANY_ORGANIZATION and person.tenant:
        settings = replace(settings, tenant=person.tenant)
    return settings, person


def _credential(name: str, layers: Layers, arguments: LoginArguments, *, device: bool) -> SignIn:
    from mstoken.credentials import Browser, DeviceCode
    from mstoken.credentials.sign_ins import BROWSER_TIMEOUT_IN

    client = layers.client()
    if device:
        return DeviceCode(_show_code, account=name, client=client)
    output.message("Sign in with the browser; press Ctrl-C to cancel.")
    return Browser(
        account=name,
        client=client,
        login_hint=arguments.login_hint,
        domain_hint=arguments.domain_hint,
        prompt=arguments.prompt,
        timeout_in=arguments.timeout or BROWSER_TIMEOUT_IN,
        paste=True,
    )


def _show_code(prompt: DevicePrompt) -> None:
    output.message(f"Open {prompt.verification_uri} on any device and enter the code {prompt.user_code}")
    output.message(f"The code is valid for {prompt.expires_in // 60} minutes; press Ctrl-C to cancel.")
    output.waiting(prompt.expires_in)


def _chosen_application() -> str:
    """Have the user at a terminal choose an application, and return its client id; in a pipe, nothing is chosen.

    Raises NotConfigured without a terminal or a choice, UsageError for a choice that is none of those offered.
    """
    from mstoken.services.public_clients import client_id_of, public_clients

    if not standard_input.at_terminal():
        raise _no_application()
    offered = public_clients()
    output.message("No application is named. Enter the client ID of your own, or choose one of Microsoft's:")
    for number, client in enumerate(offered, 1):
        output.stderr_line(f"  {number}  {client.name:<17} may use {client.may}")
        output.stderr_line(f"     {'':<17} {client.consent}")
    output.stderr_line("Client ID, number or name (empty to cancel):")
    answer = standard_input.read_line().strip()
    if not answer:
        raise _no_application()
    if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(offered):
        return offered[int(answer) - 1].id
    client_id = client_id_of(answer)
    if not _GUID.fullmatch(client_id):
        raise UsageError(
            f"{shown(answer)!r} is neither a client ID nor one of the names offered.",
            f"Run the command again, or name one: --client-id {offered[0].name}",
        )
    return client_id


def _no_application() -> NotConfigured:
    return NotConfigured(
        "There is no application to sign in with; mstoken does not have one of its own.",
        "Name your own with --client-id ID or AZURE_CLIENT_ID. To register one, which needs no administrator in "
        "most tenants:\naz ad app create --display-name mstoken --is-fallback-public-client true "
        "--public-client-redirect-uris http://localhost\nOr use one of Microsoft's: --client-id azure-cli, "
        "azure-powershell, graph-cli, …",
    )
