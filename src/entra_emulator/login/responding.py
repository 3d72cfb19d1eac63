"""The authorization endpoint's response to the application: in the query, the fragment, or a posted form."""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.parameters import Parameters

from . import front_channel, pages_flow
from .exchange import Exchange
from .redirects import with_answer


class ErrorResponse(Exception):
    """An error that goes to the application at its redirect URI."""

    def __init__(self, problem: EntraError) -> None:
        self.problem = problem
        super().__init__(problem.message)


def state(parameters: Parameters) -> dict[str, str]:
    """Return the request's `state`, which the response repeats."""
    return {"state": parameters["state"]} if "state" in parameters else {}


def respond(exchange: Exchange, parameters: Parameters, fields: dict[str, str], cookie: str = "") -> Response:
    """Send a response to the redirect URI, in the requested response mode."""
    response_mode = front_channel.response_mode(parameters)
    if response_mode == "form_post":
        return pages_flow.post_form(exchange, parameters["redirect_uri"], fields, cookie)
    return pages_flow.redirect(exchange, with_answer(parameters["redirect_uri"], fields, response_mode), cookie)


def error_fields(exchange: Exchange, request: Request, problem: EntraError) -> dict[str, str]:
    """Return the parameters of an error response; the request log gets the code."""
    request.state.notes["aadsts"] = problem.code
    body = exchange.error_body(problem)
    return {name: str(body[name]) for name in ("error", "error_description", "error_uri", "suberror") if name in body}
