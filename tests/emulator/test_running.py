"""Emulators that run on their own: how they are found, and their settings in the words of shells and languages."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator import Emulator, folders, running
from entra_emulator.command import env
from entra_emulator.shells import KINDS, render


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Emulators of this test are looked for, and put, in a folder of its own, whose name is not easy on shells."""
    folder = tmp_path / "it's a place"
    folder.mkdir()
    monkeypatch.setattr(folders, "MEMORY", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def announced(places: Path) -> Iterator[Emulator]:
    """A running emulator that can be found."""
    with Emulator() as emulator:
        emulator.announce()
        yield emulator


def test_folder_is_in_memory(entra: Emulator) -> None:
    """Where the system has a memory-backed place, the private folder is in it, and is this user's alone."""
    if not os.access(folders.MEMORY, os.W_OK):
        pytest.skip("no memory-backed place here")
    folder = entra.ca_file.parent
    assert folder.parent == Path(folders.MEMORY)
    assert folder.stat().st_mode & 0o077 == 0


def test_without_shared_memory_the_folder_is_in_the_temporary_folder(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without such a place it is in the usual folder for temporary files."""
    monkeypatch.setattr(folders, "MEMORY", "/nowhere")
    with Emulator() as emulator:
        assert emulator.ca_file.parent.parent == places


def test_the_settings_of_a_running_emulator_are_printed(
    announced: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """The settings are found without being told where, and go to stdout alone."""
    assert env("json") == 0
    out = capsys.readouterr()
    assert out.err == ""
    told = json.loads(out.out)
    assert told["AZURE_AUTHORITY_HOST"] == announced.authority
    assert told["ENTRA_EMULATOR_ADMIN_KEY"] == announced.admin_key


def test_no_emulator_or_several_are_an_error(
    announced: Emulator, places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two have to be told apart by port; one that ended without clearing up is not found."""
    port = int(announced.authority.rpartition(":")[2])
    with Emulator() as other:
        other.announce()
        assert env() == 1
        assert "--port" in capsys.readouterr().err
        assert env("bash", port) == 0
        left = places / f"{folders.PREFIX}left"
        shutil.copytree(other.ca_file.parent, left)
    assert running.find().port == port
    assert env("bash", 1) == 1
    assert "port 1" in capsys.readouterr().err


def test_a_damaged_note_is_ignored(places: Path) -> None:
    """A note that cannot be read is nobody's."""
    for text in ("{", "[]", '{"port": "x"}'):
        folder = Path(tempfile.mkdtemp(prefix=folders.PREFIX, dir=places))
        (folder / running.NOTE).write_text(text)
    with pytest.raises(running.NotFound, match="mstoken emulator"):
        running.find()


VALUES = {"AZURE_A": "plain", "AZURE_B": 'it\'s $HOME `x` "y" \\ z', "HTTPS_PROXY": "http://127.0.0.1:99"}
READ = "import json, os; print(json.dumps([os.environ.get(name) for name in ('AZURE_A', 'AZURE_B', 'AZURE_C')]))"


@pytest.mark.parametrize(("kind", "shell"), [("bash", ["bash", "-c"]), ("node", ["sh", "-c"]), ("go", ["bash", "-c"])])
def test_shells_read_what_is_printed(kind: str, shell: list[str]) -> None:
    """What is printed for a shell sets exactly these values when it reads it, and takes away what leads elsewhere."""
    text = f"{render({**VALUES, 'AZURE_C': None}, kind)}\nexec '{sys.executable}' -c \"{READ}\""
    inherited = {**os.environ, "AZURE_C": "elsewhere"}
    done = subprocess.run([*shell, text], capture_output=True, text=True, check=True, env=inherited)
    assert json.loads(done.stdout) == [VALUES["AZURE_A"], VALUES["AZURE_B"], None]


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_reads_what_is_printed() -> None:
    """And so does fish, in its own words."""
    text = f"{render({**VALUES, 'AZURE_C': None}, 'fish')}\nexec '{sys.executable}' -c \"{READ}\""
    inherited = {**os.environ, "AZURE_C": "elsewhere"}
    done = subprocess.run(["fish", "-c", text], capture_output=True, text=True, check=True, env=inherited)
    assert json.loads(done.stdout) == [VALUES["AZURE_A"], VALUES["AZURE_B"], None]


def test_powershell_quotes() -> None:
    """PowerShell doubles single quotes within single quotes, and leaves the rest."""
    text = render({**VALUES, "AZURE_C": None}, "powershell")
    assert "$env:AZURE_B = 'it''s $HOME `x` \"y\" \\ z'" in text
    assert "Remove-Item Env:AZURE_C" in text


def test_python_reads_what_is_printed() -> None:
    """Python gets statements."""
    code = f"{render({**VALUES, 'AZURE_C': None}, 'python')}\n{READ}"
    inherited = {**os.environ, "AZURE_C": "elsewhere"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=inherited)
    assert json.loads(done.stdout) == [VALUES["AZURE_A"], VALUES["AZURE_B"], None]


def test_variables_of_real_configuration_are_removed(
    announced: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell's own identity and store of tokens do not stay beside the emulator's settings."""
    monkeypatch.setenv("MSTOKEN_STORE", "redis://somewhere.example")
    assert env("bash") == 0
    assert "unset MSTOKEN_STORE\n" in capsys.readouterr().out
    assert env("json") == 0
    assert "MSTOKEN_STORE" not in json.loads(capsys.readouterr().out)


def test_each_kind_names_the_authority(announced: Emulator) -> None:
    """Every shell and language is told the authority and the identity."""
    settings = announced.announce()
    for kind in KINDS:
        text = render(settings, kind)
        assert announced.authority in text
        assert announced.state.default_app.id in text


FORM = "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
BY_NAME = "login.microsoftonline.com"
CURL = f"""
curl --silent --show-error --fail "https://{BY_NAME}/$AZURE_TENANT_ID/oauth2/v2.0/token" \\
  --data "{FORM}&client_id=$AZURE_CLIENT_ID" --data-urlencode "client_secret=$AZURE_CLIENT_SECRET"
"""
PYTHON = f"""
import json, os, urllib.parse, urllib.request

names = ("client_id", "client_secret")
identity = urllib.parse.urlencode({{name: os.environ[f"AZURE_{{name.upper()}}"] for name in names}})
url = f"https://{BY_NAME}/{{os.environ['AZURE_TENANT_ID']}}/oauth2/v2.0/token"
print(urllib.request.urlopen(url, f"{FORM}&{{identity}}".encode()).read().decode())
"""
NODE = f"""
const {{AZURE_AUTHORITY_HOST: host, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client_id}} = process.env;
const body = new URLSearchParams("{FORM}");
body.set("client_id", client_id);
body.set("client_secret", process.env.AZURE_CLIENT_SECRET);
const answer = fetch(`${{host}}/${{tenant}}/oauth2/v2.0/token`, {{method: "POST", body}});
answer.then((one) => one.text()).then(console.log);
"""
JAVA = f"""
import java.net.*;
import java.net.http.*;
import java.nio.charset.StandardCharsets;

public class Probe {{
  public static void main(String[] words) throws Exception {{
    String secret = URLEncoder.encode(System.getenv("AZURE_CLIENT_SECRET"), StandardCharsets.UTF_8);
    String form = "{FORM}&client_id=" + System.getenv("AZURE_CLIENT_ID") + "&client_secret=" + secret;
    for (String host : new String[] {{"https://{BY_NAME}", System.getenv("AZURE_AUTHORITY_HOST")}}) {{
      URI url = URI.create(host + "/" + System.getenv("AZURE_TENANT_ID") + "/oauth2/v2.0/token");
      HttpRequest post = HttpRequest.newBuilder(url).header("Content-Type", "application/x-www-form-urlencoded")
          .POST(HttpRequest.BodyPublishers.ofString(form)).build();
      System.out.println(HttpClient.newHttpClient().send(post, HttpResponse.BodyHandlers.ofString()).body());
      var old = (HttpURLConnection) url.toURL().openConnection();
      old.setDoOutput(true);
      old.getOutputStream().write(form.getBytes(StandardCharsets.UTF_8));
      System.out.println(new String(old.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }}
  }}
}}
"""
GO = f"""
package main

import ("fmt"; "io"; "net/http"; "net/url"; "os")

func main() {{
  form, _ := url.ParseQuery("{FORM}")
  form.Set("client_id", os.Getenv("AZURE_CLIENT_ID"))
  form.Set("client_secret", os.Getenv("AZURE_CLIENT_SECRET"))
  for _, host := range []string{{"https://{BY_NAME}", os.Getenv("AZURE_AUTHORITY_HOST")}} {{
    answer, err := http.PostForm(host + "/" + os.Getenv("AZURE_TENANT_ID") + "/oauth2/v2.0/token", form)
    if err != nil {{ panic(err) }}
    body, _ := io.ReadAll(answer.Body)
    fmt.Println(string(body))
  }}
}}
"""


def run_with(settings: str, program: list[str]) -> list[str]:
    """The lines a program prints in an environment that has the settings, the way to programs, and nothing else."""
    script = f'{settings}\nexec "$@"'
    few = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", script, "bash", *program], capture_output=True, text=True, check=False, timeout=300, env=few
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("kind", "program", "host"),
    [
        ("bash", ["bash", "-c", CURL], BY_NAME),
        ("bash", [sys.executable, "-c", PYTHON], BY_NAME),
        ("node", ["node", "-e", NODE], "localhost"),
    ],
)
def test_the_printed_settings_are_enough_for_a_token(
    announced: Emulator, kind: str, program: list[str], host: str
) -> None:
    """curl, Python and Node get a token with these settings and no others."""
    if shutil.which(program[0]) is None or (program[-1] == CURL and shutil.which("curl") is None):
        pytest.skip(f"no {program[0]} or curl here")
    (line,) = run_with(render(announced.announce(), kind), program)
    assert json.loads(line)["access_token"]
    assert [one.host.partition(":")[0] for one in announced.token_requests] == [host]


def test_python_programs_can_set_them_themselves(announced: Emulator) -> None:
    """The statements printed for Python are enough at the head of a program."""
    (line,) = run_with("", [sys.executable, "-c", f"{render(announced.announce(), 'python')}\n{PYTHON}"])
    assert json.loads(line)["access_token"]


@pytest.mark.skipif(shutil.which("go") is None, reason="no Go here")
def test_go_programs_use_the_emulator(announced: Emulator, tmp_path: Path) -> None:
    """Go's own client gets a token by Microsoft's name and by URL, with the settings alone."""
    (tmp_path / "probe.go").write_text(GO)
    lines = run_with(render(announced.announce(), "go"), ["go", "run", str(tmp_path / "probe.go")])
    assert all(json.loads(line)["access_token"] for line in lines)
    assert [one.host.partition(":")[0] for one in announced.token_requests] == [BY_NAME, "localhost"]


@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java with a compiler here")
def test_java_programs_use_the_emulator(announced: Emulator, tmp_path: Path) -> None:
    """Both of Java's HTTP clients get a token by Microsoft's name and by URL, with the settings alone."""
    (tmp_path / "Probe.java").write_text(JAVA)
    lines = run_with(render(announced.announce(), "java"), ["java", str(tmp_path / "Probe.java")])
    assert all(json.loads(line)["access_token"] for line in lines)
    hosts = [one.host.partition(":")[0] for one in announced.token_requests]
    assert hosts == [BY_NAME, BY_NAME, "localhost", "localhost"]
