"""`mstoken git-credential`: Git's credential protocol, line by line, and a real Git against a server that checks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.at_entra import NADIA, sign_in
from tests.support.git_server import PATH, URL, GitServer
from tests.support.program import UNREACHABLE, Program

from entra_emulator import Emulator
from mstoken import UsageError
from mstoken.integrations.git import GitRequest, parse

_VERSION = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
GIT = tuple(int(part) for part in re.findall(r"\d+", _VERSION)[:2])
OLD = "protocol=https\nhost=dev.azure.com\npath=contoso/project/_git/repo\nusername=contoso\n\n"


def challenge(tenant: str) -> str:
    """The line in which Git passes the server's header on."""
    return f"wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/{tenant}\n"


def new(tenant: str) -> str:
    """What Git 2.46 and later sends."""
    return (
        "capability[]=authtype\ncapability[]=state\n"
        + OLD.rstrip()
        + "\n"
        + challenge(tenant)
        + 'wwwauth[]=Basic realm="https://dev.azure.com/"\nwwwauth[]=TFS-Federated\n\n'
    )


def values(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.fixture
def server(entra: Emulator, tmp_path: Path) -> Iterator[GitServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    with GitServer(entra, folder) as made:
        yield made


def git(program: Program, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the installed Git with our helper, without a terminal."""
    helper = "credential.helper=!mstoken git-credential"
    return subprocess.run(
        ["git", "-c", "credential.helper=", "-c", helper, *arguments],
        env=program.environment | {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_PROTOCOL_VERSION": "2"},
        cwd=cwd or program.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_real_git_clones_commits_and_pushes(at_entra: Program, server: GitServer, tmp_path: Path) -> None:
    """The server takes only the emulator's token for Azure DevOps; one token serves every command."""
    at_entra.environment |= server.environment()
    before = len(server._entra.token_requests)
    cloned = git(at_entra, "clone", "--quiet", URL, "work")
    assert cloned.returncode == 0, cloned.stderr
    work = at_entra.folder / "work"
    (work / "README").write_text("hello\n")
    for arguments in (
        ["add", "README"],
        ["-c", "user.name=N", "-c", "user.email=n@example.com", "commit", "--quiet", "--message", "hello"],
        ["push", "--quiet", "origin", "HEAD:main"],
        ["fetch", "--quiet"],
    ):
        done = git(at_entra, *arguments, cwd=work)
        assert done.returncode == 0, done.stderr
    log = subprocess.run(
        ["git", "-C", str(server.repository), "log", "--format=%s"], capture_output=True, text=True, check=True
    )
    assert log.stdout == "hello\n"
    assert {scheme for scheme, _ in server.accepted} == {"Bearer" if GIT >= (2, 46) else "Basic"}
    assert len(server._entra.token_requests) == before + 1


def test_a_user_clones_too(anonymous: Program, server: GitServer, entra: Emulator) -> None:
    """A person signed in with a profile; the token is that of the person."""
    sign_in(anonymous, entra)
    anonymous.environment |= server.environment()
    cloned = git(anonymous, "clone", "--quiet", URL, "work")
    assert cloned.returncode == 0, cloned.stderr
    assert {claims["upn"] for _, claims in server.accepted} == {NADIA}


def test_a_refused_token_is_requested_anew(at_entra: Program, server: GitServer, entra: Emulator) -> None:
    """Git calls `erase` after a 401; the next command gets another token, and only one."""
    at_entra.environment |= server.environment()
    assert git(at_entra, "ls-remote", URL).returncode == 0
    before = len(entra.token_requests)
    server.accepting = False
    refused = git(at_entra, "ls-remote", URL)
    assert refused.returncode == 128
    assert "Authentication failed" in refused.stderr
    server.accepting = True
    assert git(at_entra, "ls-remote", URL).returncode == 0
    assert len(entra.token_requests) == before + 1


def test_git_before_2_46_gets_user_name_and_password(at_entra: Program, entra: Emulator) -> None:
    """Nothing that Git did not offer: no authtype, no capability."""
    at_entra.environment |= {"HTTPS_PROXY": UNREACHABLE, "https_proxy": UNREACHABLE}
    done = at_entra("git-credential", "get", stdin=OLD)
    assert (done.code, done.err) == (0, "")
    fields = values(done.out)
    assert list(fields) == ["username", "password", "password_expiry_utc"]
    assert fields["username"] == "contoso"  # the one of the URL
    assert fields["password"] == at_entra("get", "ado").out.strip()
    assert 0 < int(fields["password_expiry_utc"]) - entra.token_requests[-1].at <= 24 * 3600


def test_without_a_user_name_it_is_the_applications(at_entra: Program, entra: Emulator) -> None:
    done = at_entra("git-credential", "get", stdin=OLD.replace("username=contoso\n", ""))
    assert values(done.out)["username"] == entra.state.default_app.id


def test_git_2_46_gets_a_bearer_token(at_entra: Program, entra: Emulator) -> None:
    """`capability[]` comes first, `ephemeral=1` keeps other helpers from storing it, the state names the tenant.

    This is a test of the protocol, for machines whose Git is older; the tests above use whatever Git is installed.
    """
    tenant = entra.state.default_tenant.id
    done = at_entra("git-credential", "get", stdin=new(tenant))
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:4] == [
        "capability[]=authtype",
        "capability[]=state",
        "authtype=Bearer",
        f"credential={at_entra('get', 'ado', '--tenant', tenant).out.strip()}",
    ]
    assert lines[4] == "ephemeral=1"
    assert re.fullmatch(r"password_expiry_utc=\d{10}", lines[5])
    assert lines[6:] == [f"state[]=mstoken.tenant={tenant}"]


def test_one_capability_without_the_other(at_entra: Program, entra: Emulator) -> None:
    """State is answered only if Git offers it; and so is authtype."""
    tenant = entra.state.default_tenant.id
    without_state = at_entra("git-credential", "get", stdin=new(tenant).replace("capability[]=state\n", "")).out
    assert "state" not in without_state
    assert "authtype=Bearer" in without_state
    without_type = at_entra("git-credential", "get", stdin=new(tenant).replace("capability[]=authtype\n", "")).out
    assert list(values(without_type)) == ["capability[]", "username", "password", "password_expiry_utc", "state[]"]


def test_the_tenant_is_the_organizations(at_entra: Program, entra: Emulator) -> None:
    """The server names it; --tenant wins; a tenant of zeros, or one that is no GUID, leaves the client's own."""
    customer = entra.state.default_customer
    assert customer is not None
    at_entra("git-credential", "get", stdin=new(customer.id))
    assert entra.token_requests[-1].path.startswith(f"/{customer.id}/")
    own = entra.state.default_tenant.id
    at_entra("git-credential", "get", "--tenant", own, stdin=new(customer.id))
    assert entra.token_requests[-1].path.startswith(f"/{own}/")
    for odd in ("00000000-0000-0000-0000-000000000000", "evil.example/x", ""):
        done = at_entra("git-credential", "get", stdin=new(odd))
        assert done.code == 0
        assert entra.token_requests[-1].path.startswith(f"/{own}/")


def test_old_git_does_not_say_and_the_server_is_asked_once_a_day(at_entra: Program, server: GitServer) -> None:
    """Without wwwauth[] the organization's server is asked, without a token; `erase` ends what is remembered."""
    customer = server._entra.state.default_customer
    assert customer is not None
    server.tenant = customer.id
    at_entra.environment |= server.environment()
    for _ in range(2):
        done = at_entra("git-credential", "get", stdin=OLD)
        assert done.code == 0, done.err
        assert server._entra.token_requests[-1].path.startswith(f"/{customer.id}/")
    assert [(request.method, request.path) for request in server.requests] == [("HEAD", "/contoso")]
    assert "Authorization" not in server.requests[0].headers
    at_entra("git-credential", "erase", stdin=OLD)
    at_entra("git-credential", "get", stdin=OLD)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "host", ["github.com", "dev.azure.com.evil.example", "evildev.azure.com", "visualstudio.com", "dev.azure.com:8443"]
)
def test_other_hosts_are_left_to_other_helpers(at_entra: Program, entra: Emulator, host: str) -> None:
    """Nothing on either stream, exit code 0, no request."""
    before = len(entra.token_requests)
    done = at_entra("git-credential", "get", stdin=OLD.replace("dev.azure.com", host))
    assert (done.code, done.raw, done.err) == (0, b"", "")
    assert len(entra.token_requests) == before


@pytest.mark.parametrize("host", ["DEV.azure.com", "dev.azure.com:443", "contoso.VisualStudio.com"])
def test_hosts_of_azure_repos(at_entra: Program, entra: Emulator, host: str) -> None:
    stdin = new(entra.state.default_tenant.id).replace("host=dev.azure.com", f"host={host}")
    assert "credential=" in at_entra("git-credential", "get", stdin=stdin).out


def test_without_https_there_is_no_token(at_entra: Program) -> None:
    done = at_entra("git-credential", "get", stdin=OLD.replace("protocol=https", "protocol=http"))
    assert (done.code, done.raw) == (0, b"")
    assert done.err == "mstoken: No token for dev.azure.com without https, which would show it to the network.\n"


@pytest.mark.parametrize("operation", ["store", "erase", "something-new"])
def test_other_operations_print_nothing(at_entra: Program, operation: str) -> None:
    done = at_entra("git-credential", operation, stdin=OLD)
    assert (done.code, done.raw, done.err) == (0, b"", "")


def test_capability() -> None:
    """The answer that git-scm.com/docs/git-credential describes for the operation capability."""
    from mstoken.integrations.git import CAPABILITIES

    assert CAPABILITIES.decode().splitlines() == ["version 0", "capability authtype", "capability state"]


def test_garbage_is_refused(at_entra: Program) -> None:
    """A line without = is not Git's; keys and operations that are unknown are ignored."""
    done = at_entra("git-credential", "get", stdin="protocol=https\nhost=dev.azure.com\nnonsense\n")
    assert (done.code, done.raw) == (2, b"")
    assert "a line has no =" in done.err
    assert at_entra("git-credential", "get", stdin=b"\xff\xfe=\x00\n").raw == b""
    assert at_entra("git-credential", "get").raw == b""
    assert "password=" in at_entra("git-credential", "get", stdin=f"future[]=1\n{OLD}").out


def test_without_an_identity_git_asks_the_next_helper(anonymous: Program) -> None:
    """Nothing on standard output; what to do on standard error."""
    done = anonymous("git-credential", "get", stdin=OLD)
    assert (done.code, done.raw) == (2, b"")
    assert "No identity is available." in done.err


def test_when_a_person_must_sign_in_git_stops(anonymous: Program, entra: Emulator) -> None:
    """quit=1, so that Git asks for no password, and the command that signs in."""
    sign_in(anonymous, entra)
    entra.revoke(NADIA)
    done = anonymous("git-credential", "get", stdin=OLD)
    assert (done.code, done.out) == (3, "quit=1\n")
    assert "mstoken login" in done.err


def test_git_itself_stops_then(at_entra: Program, server: GitServer) -> None:
    at_entra.environment |= server.environment() | {"AZURE_CLIENT_SECRET": "wrong"}
    done = git(at_entra, "ls-remote", URL)
    assert done.returncode == 128
    assert "AADSTS7000215" in done.stderr
    assert "told us to quit" in done.stderr


def test_repeated_keys_are_reset_by_an_empty_value() -> None:
    """git-scm.com/docs/git-credential: an empty value discards all earlier ones."""
    assert parse(b"wwwauth[]=A\nwwwauth[]=\nwwwauth[]=B\nhost=x\n\nhost=y\n") == GitRequest(host="x", challenges=("B",))
    with pytest.raises(UsageError):
        parse(b"host\n")


def test_the_secret_is_in_no_repr() -> None:
    assert "s3cret" not in repr(parse(b"password=s3cret\n"))
    assert parse(b"credential=s3cret\n").secret == "s3cret"


def test_the_organization_of_a_url() -> None:
    """The first part of the path, else the user name, if it is no address."""
    assert GitRequest(host="dev.azure.com", path=PATH[1:]).organization_url == "https://dev.azure.com/contoso"
    assert GitRequest(host="dev.azure.com", username="fabrikam").organization_url == "https://dev.azure.com/fabrikam"
    assert GitRequest(host="dev.azure.com", username="a@b.example").organization_url == "https://dev.azure.com/"
    assert GitRequest(host="Fabrikam.visualstudio.com").organization_url == "https://fabrikam.visualstudio.com/"
