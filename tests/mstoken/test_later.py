"""A module that is imported when it is first used, in a process that shows whether it is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mstoken.later import Later


def test_nothing_is_imported_before_the_first_use() -> None:
    program = (
        "import sys\n"
        "from mstoken.later import Later\n"
        "colors = Later('colorsys')\n"
        "before = 'colorsys' in sys.modules\n"
        "print(before, colors.rgb_to_hls(0, 0, 0), 'colorsys' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False (0.0, 0.0, 0.0) True\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="rgb_to_nothing"):
        Later("colorsys").rgb_to_nothing  # noqa: B018


@pytest.mark.parametrize("names", ["Client", "AsyncClient", "Client, AsyncClient, default"])
def test_both_clients_are_found_in_the_package(names: str) -> None:
    program = f"from mstoken import {names}\nfrom mstoken.client import {names}\nprint('found')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "found\n"


def test_a_program_with_blocking_calls_does_not_load_the_asyncio_client() -> None:
    program = "import sys\nfrom mstoken import Client\nprint('mstoken.client.asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
