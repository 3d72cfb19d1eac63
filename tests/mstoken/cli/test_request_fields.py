"""`-F` and `-f`: the JSON body that they build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mstoken import UsageError
from mstoken.cli.request_fields import json_body


@pytest.mark.parametrize(
    ("typed", "raw", "body"),
    [
        ([], [], None),
        (["a=text"], [], {"a": "text"}),
        (["a=true", "b=false", "c=null"], [], {"a": True, "b": False, "c": None}),
        (["a=0", "b=-12", "c=007", "d=1.5"], [], {"a": 0, "b": -12, "c": "007", "d": "1.5"}),
        (["e=1e3", "f=+1"], [], {"e": "1e3", "f": "+1"}),
        (["a=9007199254740993", "b=12345678901234567890"], [], {"a": 9007199254740993, "b": "12345678901234567890"}),
        (["a=True", "b="], [], {"a": "True", "b": ""}),
        ([], ["a=true", "b=1", "c=@x"], {"a": "true", "b": "1", "c": "@x"}),
        (["a=x=y"], [], {"a": "x=y"}),
        (["a[b]=1", "a[c][d]=x"], [], {"a": {"b": 1, "c": {"d": "x"}}}),
        (["a[]=1", "a[]=x"], ["a[]=2"], {"a": [1, "x", "2"]}),
        (["a[][n]=1", "a[][m]=2", "a[][n]=3"], [], {"a": [{"n": 1, "m": 2}, {"n": 3}]}),
        (["a[b][]=1", "a[b][]=2"], [], {"a": {"b": [1, 2]}}),
        (["manager@odata.bind=https://x/users('1')"], [], {"manager@odata.bind": "https://x/users('1')"}),
    ],
)  # fmt: skip
def test_fields_have_types_and_paths(typed: list[str], raw: list[str], body: Any) -> None:
    assert json_body(typed, raw) == body


def test_a_field_may_be_a_file(tmp_path: Path) -> None:
    """Its text, whole, whatever it looks like."""
    path = tmp_path / "note.txt"
    path.write_text("\ufefftrue\n", encoding="utf-8")
    assert json_body([f"a=@{path}"], []) == {"a": "true\n"}
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not text in UTF-8"):
        json_body([f"a=@{path}"], [])
    with pytest.raises(UsageError, match="cannot be read"):
        json_body([f"a=@{path}.no"], [])


@pytest.mark.parametrize(
    "fields",
    [["a"], ["=1"], ["a[=1"], ["a]b=1"], ["a=1", "a=2"], ["a=1", "a[b]=2"], ["a[b]=1", "a[]=2"], ["a[][]=1"]],
)  # fmt: skip
def test_fields_that_fit_no_object_are_refused(fields: list[str]) -> None:
    with pytest.raises(UsageError, match="field"):
        json_body(fields, [])
