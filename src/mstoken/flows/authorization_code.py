"""Authorization code with PKCE: a person signs in with the browser, which brings a code to this machine.

Sources: RFC 6749 section 4.1, RFC 7636, RFC 8252 (native apps: the system's browser, a loopback redirect),
OAuth 2.0 Form Post Response Mode (the code is posted, and is in no address);
learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

from functools import partial

from mstoken.credentials import AuthorizationCode
from mstoken.errors import MstokenError, SignInRequired
from mstoken.flows.client_auth import request_token
from mstoken.foreign import ForeignCode
from mstoken.messages import advice, warn
from mstoken.protocol.authorize_url import Secrets, authorize_url, code_of, is_ours
from mstoken.protocol.id_token import parse_id_token
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.credentials import Browser
    from mstoken.flows.port import BrowserSession, Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.authorize_url import ResponseMode
    from mstoken.protocol.id_token import SignedInUser
    from mstoken.protocol.token_endpoint import TokenResponse

_NO_BROWSER = "No browser could be opened here: open this address in one"
_SHOW = ForeignCode("The function that shows the address", "Correct `show` of the Browser; the cause is its own error.")


async def browser_sign_in(request: TokenRequest, credential: Browser, port: Port) -> tuple[TokenResponse, SignedInUser]:
    """Have the person sign in with the browser. Return the token response and the person.

    Raises SignInRequired if no redirect arrives within `timeout_in` or the person declines; otherwise the error that
    the redirect or the token endpoint reports.
    """
    secrets = Secrets(state=port.secret(), nonce=port.secret(), verifier=port.secret())
    deadline_on = port.now() + credential.timeout_in
    async with port.browser_session(credential) as browser_session:
        options = {name: getattr(credential, name) for name in ("login_hint", "domain_hint", "prompt")}
        url = partial(authorize_url, request, browser_session.redirect_uri, secrets, options)
        await _open_browser(url, credential, browser_session, port)
        while (remaining_in := deadline_on - port.now()) > 0:
            redirect = await browser_session.wait_for_redirect(remaining_in)
            if redirect is None:
                break
            if not is_ours(redirect, secrets):  # from another program, an old tab or an attacker
                await browser_session.show("unexpected")
                continue
            return await _finish(redirect, request, secrets, browser_session, credential, port)
    raise SignInRequired(
        f"The sign-in in the browser was not completed within {credential.timeout_in:.0f} seconds.",
        "Sign in again. If no browser can be opened, use the device code: "
        + advice(options="mstoken login --device", python="DeviceCode() in place of Browser()"),
    )


async def redeem_code(
    request: TokenRequest, credential: AuthorizationCode, port: Port
) -> tuple[TokenResponse, SignedInUser]:
    """Redeem a code, once. Return the token response and the person.

    Raises what `request_token` and `parse_id_token` raise.
    """
    form = {"grant_type": "authorization_code", "code": credential.code, "redirect_uri": credential.redirect_uri}
    if credential.verifier:
        form["code_verifier"] = credential.verifier
    answer = await request_token(credential.client, form, request, port)
    return answer, parse_id_token(answer.id_token, request, credential.nonce, port.now())


async def _open_browser(
    url: Callable[[ResponseMode], str], credential: Browser, browser_session: BrowserSession, port: Port
) -> None:
    if credential.show is not None:
        shown = url("query" if credential.paste else "form_post")
        await port.call(partial(_SHOW.calling(credential.show), shown), blocks=False)
    opened = await browser_session.open(url("form_post"))
    if credential.show is not None:
        return
    # A launcher may fail after it has started, so always show the address.
    reason = "If no browser opens, open this address in one on this machine" if opened else _NO_BROWSER
    shown = url("query" if browser_session.reads_pasted_urls else "form_post")
    port.show_message(f"{reason}.\n\n{shown}\n")
    if browser_session.reads_pasted_urls:
        port.show_message(
            "If that browser is on another machine it will end at an address that it cannot reach, beginning with "
            f"{browser_session.redirect_uri}. Copy that address from its address bar, paste it here and press Enter."
        )


async def _finish(
    redirect: Mapping[str, str],
    request: TokenRequest,
    secrets: Secrets,
    browser_session: BrowserSession,
    credential: Browser,
    port: Port,
) -> tuple[TokenResponse, SignedInUser]:
    """Redeem the code while the browser waits, so that its page can show the actual outcome."""
    try:
        code = code_of(redirect, request, port.now())
        code_credential = AuthorizationCode(
            code, browser_session.redirect_uri, secrets.verifier, credential.client, secrets.nonce
        )
        answer, person = await redeem_code(request, code_credential, port)
    except MstokenError as error:
        declined = isinstance(error, SignInRequired) or redirect.get("error") == "access_denied"
        await browser_session.show("declined" if declined else "failed")
        raise
    await browser_session.show("signed-in")
    hint = credential.login_hint
    if "@" in hint and person.username and person.username.lower() != hint.lower():
        warn(f"{person.username} signed in instead of {hint}, which was suggested.")
    return answer, person
