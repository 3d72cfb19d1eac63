"""The pytest plugin, run by pytest itself."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
PLUGIN = ("-p", "entra_emulator.pytest_plugin")
DOCS = Path(__file__).parents[2] / "docs/emulator-in-tests.md"


def run(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    """Run a test file in a process of its own, as a user would, without this project's settings."""
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess(*_announced(), "-q", "-p", "no:cacheprovider")


def _announced() -> tuple[str, ...]:
    """The plugin by name, unless the installed package announces it."""
    from importlib.metadata import entry_points

    known = {one.value for one in entry_points(group="pytest11")}
    return () if "entra_emulator.pytest_plugin" in known else PLUGIN


def test_fixture_is_fresh_for_each_test(pytester: pytest.Pytester) -> None:
    """Two tests see two emulators: what one changes the other does not see."""
    result = run(
        pytester,
        """
        def test_one(entra):
            entra.state.default_app.enabled = False
            assert not entra.requests

        def test_two(entra):
            assert entra.state.default_app.enabled
        """,
    )
    result.assert_outcomes(passed=2)


def test_environment_is_set_and_put_back(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """entra_environment points the environment at the emulator for one test, and takes away what leads elsewhere."""
    monkeypatch.setenv("AZURE_CLIENT_ID", "mine")
    monkeypatch.setenv("AZURE_USERNAME", "mine")
    result = run(
        pytester,
        """
        import os

        def test_inside(entra, entra_environment):
            assert os.environ["AZURE_AUTHORITY_HOST"] == entra.authority
            assert os.environ["AZURE_CLIENT_ID"] == entra.state.default_app.id
            assert "AZURE_USERNAME" not in os.environ

        def test_after():
            assert os.environ["AZURE_CLIENT_ID"] == os.environ["AZURE_USERNAME"] == "mine"
        """,
    )
    result.assert_outcomes(passed=2)


def test_configuration_of_ones_own(pytester: pytest.Pytester) -> None:
    """Overriding entra_config gives tenants of one's own."""
    result = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def entra_config():
            return {"tenants": [{"id": "11111111-2222-4333-8444-555555555551", "name": "Mine"}]}

        def test_it(entra):
            assert entra.state.default_tenant.name == "Mine"
        """,
    )
    result.assert_outcomes(passed=1)


def test_unused_plugin_imports_nothing(pytester: pytest.Pytester) -> None:
    """A run that does not use the fixture loads neither the emulator nor its packages."""
    result = run(
        pytester,
        """
        import sys

        def test_nothing():
            heavy = {"entra_emulator.emulator", "entra_emulator.config", "starlette", "uvicorn", "cryptography"}
            assert not heavy & set(sys.modules)
        """,
    )
    result.assert_outcomes(passed=1)


def test_plugin_module_alone_is_light() -> None:
    """Importing the plugin imports no more of the emulator than its package."""
    code = (
        "import sys, entra_emulator.pytest_plugin; print(*[m for m in sys.modules if m.startswith('entra_emulator')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["entra_emulator", "entra_emulator.pytest_plugin"]


def test_examples_of_the_page_run(pytester: pytest.Pytester) -> None:
    """The test file in docs/emulator-in-tests.md passes as it stands."""
    text = DOCS.read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    assert example.count("def test_") >= 5
    result = run(pytester, example)
    result.assert_outcomes(passed=example.count("def test_"))
