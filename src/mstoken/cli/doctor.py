"""`mstoken doctor`: check what a token request would do."""

from __future__ import annotations

from mstoken.cli import exit_codes, output
from mstoken.cli.command import command, form_option
from mstoken.cli.identity import identity_options, open_stores
from mstoken.cli.options import IdentityArguments
from mstoken.messages import printable
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mstoken.config.diagnosis import Diagnosis
    from mstoken.config.reach import Reached

_MIN_SKEW_TO_REPORT_IN = 60
"""Entra accepts a difference of five minutes; one minute is already unusual."""


@command(short_help="Show which identity would be used, and what prevents a token.")
@identity_options
@form_option("text", "json")
def doctor(form: str, **arguments: Any) -> int:
    """Show which identity mstoken would use, and what prevents it from getting a token.

    The command checks, in this order, the options, the environment, workload identity, managed identity and the
    profile; then the sign-in host, the clock, proxies and certificates, and the locations of stored tokens. It requests
    no token, and sends and shows no secret. The exit code is 0 if a token can be requested, else that of mstoken get.

    \b
      mstoken doctor
      mstoken doctor --profile work
      mstoken doctor -o json
    """
    from mstoken.config.diagnosis import diagnose
    from mstoken.hidden import ENVIRON
    from mstoken.transports.blocking import HttpTransport

    transport = HttpTransport()
    try:
        found = diagnose(IdentityArguments(**arguments).flags(), ENVIRON, transport, open_stores())
    finally:
        transport.close()
    if form == "json":
        output.write_json(_fields(found))
    else:
        output.write("\n".join(_as_text(found)))
    if found.problem is None:
        return exit_codes.DONE
    code = exit_codes.exit_code_of(found.problem)
    output.failure(found.problem, code)
    return code


def _as_text(found: Diagnosis) -> list[str]:
    from mstoken.config.shown import is_network

    lines = _section("Identity", [(link.name, _joined(link.state, link.detail)) for link in found.links])
    lines += _section("Sign-in host", [(found.authority.url, _host_state(found.authority))] if found.authority else [])
    network = [
        (setting.name, setting.meaning or f"cannot be used: {setting.error} {setting.remedy}")
        for setting in found.network
    ]
    lines += _section("Proxies and certificates", network, none="none set; the system's certificates apply")
    others = {name: value for name, value in found.environment.items() if not is_network(name)}
    lines += _section("Environment", others.items(), none="no relevant variable is set")
    lines += _section("Places", [(location.what, _joined(location.path, location.state)) for location in found.places])
    lines += _section("Notes", [("-", note) for note in found.notes])
    used = next((link.name for link in found.links if link.state == "used"), "")
    verdict = (
        f"A token can be requested, with this identity: {used}." if not found.problem else "No token can be requested."
    )
    return [*lines, verdict]


def _section(title: str, rows: Iterable[tuple[str, str]], none: str = "") -> list[str]:
    lines = list(rows) or ([("", none)] if none else [])
    if not lines:
        return []
    width = max(len(name) for name, _ in lines)
    body = [f"  {printable(f'{name:<{width}}  {text}'.strip())}" for name, text in lines]
    return [title, *body, ""]


def _joined(first: str, second: str) -> str:
    return f"{first}: {second}" if second else first


def _host_state(reached: Reached) -> str:
    if reached.failure:
        return f"no response: {reached.failure.message}"
    ahead = reached.clock_ahead_in
    if ahead is None:
        return "answers"
    if abs(ahead) < _MIN_SKEW_TO_REPORT_IN:
        return "responds; the clocks agree"
    from mstoken.cli.inspection.description import format_duration

    difference = f"{format_duration(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"
    return f"responds; this machine's clock is {difference}: correct it"


def _fields(found: Diagnosis) -> dict[str, Any]:
    from mstoken.config.shown import is_network
    from mstoken.values import as_dict

    problem = found.problem
    # HTTPS_PROXY and https_proxy may both be set; PowerShell refuses an object whose names differ in case only.
    network = [{**as_dict(setting), "value": found.environment.get(setting.name)} for setting in found.network]
    return {
        "links": [as_dict(link) for link in found.links],
        "authority": _reached_fields(found.authority) if found.authority else None,
        "environment": {name: value for name, value in found.environment.items() if not is_network(name)},
        "network": network,
        "places": [as_dict(location) for location in found.places],
        "notes": list(found.notes),
        "problem": {"message": problem.message, "remedy": problem.remedy} if problem else None,
        "exit_code": exit_codes.exit_code_of(problem) if problem else exit_codes.DONE,
    }


def _reached_fields(reached: Reached) -> dict[str, Any]:
    error, remedy = (reached.failure.message, reached.failure.remedy) if reached.failure else ("", "")
    return {"url": reached.url, "error": error, "remedy": remedy, "clock_ahead_in": reached.clock_ahead_in}
