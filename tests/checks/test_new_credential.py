"""A new credential class is refused until every question about it is answered.

Each test adds the class to a scratch copy of the tree. What it forgets is reported by Python, by mypy or by
tools/check_credentials.py, all of which `make check` runs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.check_credentials import SECRECY_TESTS

from mstoken.credentials.base import ANSWERS

ROOT = Path(__file__).resolve().parents[2]

ANSWERED = {
    "interactive": "    interactive = False\n",
    "acts_for_user": "    acts_for_user = True\n",
    "can_bind_key": "    can_bind_key = False\n",
    "needs_client_id": "    needs_client_id = True\n",
    "serves_user_flows": "    serves_user_flows = False\n",
    "cache_partition": """\
    def cache_partition(self, authority: Authority) -> str:
        return f"ticket:{self.user}"
""",
    "account_name": "    account_name = no_account\n",
}
HEAD = """from __future__ import annotations

from mstoken.credentials.base import BaseCredential, no_account
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.authority import Authority


@value
class Ticket(BaseCredential):
    user: str

"""
FLOW = """from __future__ import annotations

from mstoken.credentials.ticket import Ticket
from mstoken.flows.port import Port
from mstoken.model import Token, TokenRequest


async def ticket(request: TokenRequest, credential: Ticket, port: Port) -> Token:
    raise NotImplementedError
"""


class Tree:
    """A scratch copy of the code and the tools, with the class `Ticket` in it."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self._cache = root, cache
        shutil.copytree(
            ROOT / "src" / "mstoken", root / "src" / "mstoken", ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", root)
        for name in SECRECY_TESTS:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        self.write("credentials/ticket.py", HEAD + "".join(ANSWERED.values()))
        self.edit(
            "credentials/__init__.py",
            "    from mstoken.credentials.union",
            "    from mstoken.credentials.ticket import Ticket\n    from mstoken.credentials.union",
        )
        self.edit("credentials/__init__.py", '    "union": ', '    "ticket": ("Ticket",),\n    "union": ')

    def write(self, name: str, text: str) -> None:
        (self.root / "src" / "mstoken" / name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / "src" / "mstoken" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def join_union(self) -> None:
        self.edit("credentials/union.py", "    | Chain\n", "    | Chain\n    | Ticket\n")
        self.edit(
            "credentials/union.py",
            "from mstoken.credentials.workload",
            "from mstoken.credentials.ticket import Ticket\nfrom mstoken.credentials.workload",
        )

    def export(self) -> None:
        self.edit("credentials/__init__.py", '    "TokenAssertion",\n', '    "Ticket",\n    "TokenAssertion",\n')
        self.edit("__init__.py", '    "TokenAssertion",\n', '    "Ticket",\n    "TokenAssertion",\n')

    def add_secrecy_tests(self) -> None:
        for name in SECRECY_TESTS:
            with (self.root / name).open("a") as file:
                file.write('\nPLANTED = Ticket("anna")\n')

    def add_row(self) -> None:
        self.edit("flows/table.py", '    "Chain": ', '    "Ticket": "ticket:ticket",\n    "Chain": ')

    def add_flow(self) -> None:
        self.write("flows/ticket.py", FLOW)

    def add_cases(self) -> None:
        self.edit("config/checks.py", "    RefreshToken,\n", "    RefreshToken,\n    Ticket,\n")
        self.edit("config/checks.py", "        case ClientSecret() |", "        case Ticket() | ClientSecret() |")

    def checked(self) -> subprocess.CompletedProcess[str]:
        """tools/check_credentials.py of the copy."""
        tool = [sys.executable, str(self.root / "tools" / "check_credentials.py")]
        return subprocess.run(tool, capture_output=True, text=True, check=False)

    def mypy(self) -> subprocess.CompletedProcess[str]:
        """Mypy of the files that treat credentials one by one."""
        files = [f"src/mstoken/{name}" for name in ("flows/table.py", "config/checks.py", "flows/client_auth.py")]
        command = [sys.executable, "-m", "mypy", "--cache-dir", str(self._cache), *files]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture
def tree(tmp_path: Path, cache: Path) -> Tree:
    return Tree(tmp_path, cache)


@pytest.mark.parametrize("forgotten", ANSWERS)
def test_python_refuses_a_class_that_leaves_an_answer_out(tree: Tree, forgotten: str) -> None:
    """The package cannot be imported; the error names the answer."""
    stated = "".join(text for name, text in ANSWERED.items() if name != forgotten)
    tree.write("credentials/ticket.py", HEAD + stated)
    done = tree.checked()
    assert done.returncode == 1
    assert f"TypeError: Ticket does not state {forgotten}" in done.stderr


def test_mypy_refuses_to_construct_a_class_without_an_answer(tree: Tree) -> None:
    """It has an abstract member left."""
    tree.write(
        "credentials/ticket.py", HEAD + "".join(text for name, text in ANSWERED.items() if name != "acts_for_user")
    )
    tree.edit("flows/table.py", "_loaded: ", 'PLANTED = credentials.Ticket("anna")\n_loaded: ')
    tree.edit("flows/table.py", "from mstoken.errors", "from mstoken import credentials\nfrom mstoken.errors")
    done = tree.mypy()
    assert done.returncode == 1
    assert "src/mstoken/flows/table.py" in done.stdout
    assert "[abstract]" in done.stdout


EVERYTHING: dict[str, Callable[[Tree], None]] = {
    "is not part of mstoken.credentials.Credential": Tree.join_union,
    "is not exported by mstoken.credentials": Tree.export,
    "has no row in mstoken.flows.table": Tree.add_row,
    "No module named 'mstoken.flows.ticket'": Tree.add_flow,
    "no test of secrecy with Ticket": Tree.add_secrecy_tests,
}


@pytest.mark.parametrize("forgotten", EVERYTHING)
def test_the_check_reports_what_the_class_itself_cannot_state(tree: Tree, forgotten: str) -> None:
    """The union, the exports, the row, the flow and the tests of secrecy: each is missed when it alone is missing."""
    for message, add in EVERYTHING.items():
        if message != forgotten:
            add(tree)
    done = tree.checked()
    assert done.returncode == 1
    assert "Ticket" in done.stderr
    assert forgotten in done.stderr


def test_a_class_that_is_no_value_is_reported(tree: Tree) -> None:
    """It would be mutable, and a repr of it would show its secrets."""
    for add in EVERYTHING.values():
        add(tree)
    tree.edit("credentials/ticket.py", "@value\n", "")
    assert "Ticket is not a @value" in tree.checked().stderr


def test_a_cache_partition_that_all_users_share_is_reported(tree: Tree) -> None:
    """A constant, and what an application states."""
    for add in EVERYTHING.values():
        add(tree)
    tree.edit("credentials/ticket.py", 'return f"ticket:{self.user}"', 'return f"ticket:{authority.tenant}"')
    assert "Ticket: the cache partition is the same for all users" in tree.checked().stderr
    stated = ANSWERED | {"cache_partition": "    cache_partition = application_partition\n"}
    head = HEAD.replace("import BaseCredential, no", "import BaseCredential, application_partition, no")
    tree.write("credentials/ticket.py", head + "".join(stated.values()))
    assert "Ticket: the cache partition is the same for all users" in tree.checked().stderr


def test_a_flow_that_takes_another_credential_is_reported(tree: Tree) -> None:
    """A row that names the wrong function."""
    for add in EVERYTHING.values():
        add(tree)
    tree.edit("flows/table.py", '"ticket:ticket"', '"managed_identity:managed_identity"')
    assert "managed_identity:managed_identity does not take Ticket" in tree.checked().stderr


def test_mypy_reports_a_match_that_leaves_the_class_out_and_accepts_the_whole(tree: Tree) -> None:
    """`assert_never` gets the class that no case takes; with the case, and everything else, all checks pass."""
    for add in EVERYTHING.values():
        add(tree)
    done = tree.mypy()
    assert done.returncode == 1
    assert 'Argument 1 to "assert_never" has incompatible type "Ticket"' in done.stdout
    tree.add_cases()
    assert (tree.mypy().returncode, tree.checked().stderr) == (0, "")


NO_ASSERT_NEVER = "this match over credentials does not end in assert_never"
UNNOTICED = {
    "a case for all others": (
        """\
def f(c: Credential) -> str:
    match c:
        case RefreshToken():
            return 'user'
        case _:
            return 'app'
""",
        NO_ASSERT_NEVER,
    ),
    "no case for others": (
        """\
def f(c: Credential) -> str:
    match c:
        case RefreshToken():
            return 'user'
    return 'app'
""",
        NO_ASSERT_NEVER,
    ),
    "a union": (
        """\
def f(c: Credential) -> bool:
    return isinstance(c, RefreshToken | Browser)
""",
        "isinstance lists RefreshToken, Browser",
    ),
    "a tuple": (
        """\
def f(c: Credential) -> bool:
    return isinstance(c, (RefreshToken, Browser))
""",
        "isinstance lists RefreshToken, Browser",
    ),
    "names of the package, in a match": (
        """\
def f(c: Credential) -> str:
    match c:
        case credentials.RefreshToken():
            return 'user'
    return 'app'
""",
        NO_ASSERT_NEVER,
    ),
    "names of the package, in a union": (
        """\
def f(c: Credential) -> bool:
    return isinstance(c, credentials.RefreshToken | credentials.Browser)
""",
        "isinstance lists RefreshToken, Browser",
    ),
}


@pytest.mark.parametrize("kind", UNNOTICED)
def test_code_that_would_let_a_new_class_pass_unnoticed_is_reported(tree: Tree, kind: str) -> None:
    """Neither a case for all others nor a list of classes may decide about a credential."""
    for add in (*EVERYTHING.values(), Tree.add_cases):
        add(tree)
    code, message = UNNOTICED[kind]
    tree.write("flows/planted.py", f"from mstoken.credentials import Browser, Credential, RefreshToken\n\n\n{code}")
    done = tree.checked()
    assert done.returncode == 1
    assert f"flows/planted.py:5: {message}" in done.stderr
