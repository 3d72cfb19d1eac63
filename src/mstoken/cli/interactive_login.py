"""`mstoken login` when a person signs in: in the browser, or with a code on another device."""

from __future__ import annotations

from mstoken.cli import output
from mstoken.cli.get_token import claims_text, scopes_wanted
from mstoken.cli.identity import open_stores
from mstoken.errors import NotConfigured, UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.cli.options import LoginArguments
    from mstoken.config.layers import Layers
    from mstoken.config.settings import Settings
    from mstoken.credentials import DevicePrompt, SignIn
    from mstoken.protocol.id_token import Person

ANY_ORGANIZATION = "organizations"
"""The tenant to sign in to when none is named: the person's own."""


def sign_in(name: str, layers: Layers, arguments: LoginArguments, *, device: bool) -> tuple[Settings, Person]:
    """Have the person sign in and keep it under `name`; the settings for the profile, and who it was.

    Raises NotConfigured without an application to sign in to, else what the sign-in raises.
    """
    from mstoken.client import Client

    if layers.place()[2]:
        raise UsageError(
            "People sign in at Entra; at a standard OAuth server only the token endpoint is known.",
            "Sign in there by its own means and keep the refresh token: mstoken login --refresh-token-stdin",
        )
    if not layers.text("client_id"):
        raise _no_application()
    if not layers.text("tenant"):
        layers = replace(layers, flags={**layers.flags, "tenant": ANY_ORGANIZATION})
    settings = layers.settings(_credential(name, layers, arguments, device=device))
    with Client.from_settings(settings, open_stores(layers.store())) as client:
        scopes = scopes_wanted(client, () if arguments.scope else ("graph",), arguments.scope)
        person = client.sign_in(*scopes, claims=claims_text(arguments.claims) or None)
    if settings.tenant == ANY_ORGANIZATION and person.tenant:
        settings = replace(settings, tenant=person.tenant)
    return settings, person


def _credential(name: str, layers: Layers, arguments: LoginArguments, *, device: bool) -> SignIn:
    from mstoken.credentials import Browser, DeviceCode
    from mstoken.credentials.sign_ins import BROWSER_TIMEOUT_IN

    client = layers.client()
    if device:
        return DeviceCode(_show_code, account=name, client=client)
    output.message("Sign in with the browser; Ctrl-C ends the wait.")
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
    output.message(f"The code is good for {prompt.expires_in // 60} minutes; Ctrl-C ends the wait.")


def _no_application() -> NotConfigured:
    return NotConfigured(
        "There is no application to sign in with: mstoken has none of its own.",
        "Name one with --client-id ID or AZURE_CLIENT_ID; register it once, which needs no administrator in most "
        "tenants:\n"
        "az ad app create --display-name mstoken --is-fallback-public-client true "
        "--public-client-redirect-uris http://localhost",
    )
