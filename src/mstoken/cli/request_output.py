"""The output of `mstoken request`: JSON, lines of JSON, a table, CSV or TSV, after a JMESPath expression."""

from __future__ import annotations

import json

from mstoken.cli import output
from mstoken.errors import UsageError
from mstoken.messages import printable
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FORMATS = ("json", "ndjson", "table", "csv", "tsv")
_WHOLE = ("json", "table")
"""Formats that need all items before the first is printed."""
_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Printer:
    """Prints documents and items in a format. `whole`: collect all items before the expression and the format.

    An expression of a single response applies to its body. With all pages it applies to the list of items: of each
    page, or of all pages if `whole`.
    """

    def __init__(self, output_format: str, query: str, *, whole: bool = False) -> None:
        self.format, self._query = output_format or "ndjson", compiled(query)
        self.whole = whole or self.format in _WHOLE
        self._items: list[Any] = []
        self._columns: list[str] = []
        self._warned = False

    def document(self, body: Any, items: list[Any] | None) -> None:
        """Print the body of one response; `items` are its items if it is a collection."""
        found = self._query(body) if self._query else body
        if self.format == "json":
            output.write_json(found)
        else:
            self._print(_listed(found) if self._query or items is None else items)
            self._end_table()

    def page(self, items: list[Any]) -> None:
        """Print the items of a page, or collect them."""
        if self.whole:
            self._items += items
            return
        self._print(_listed(self._query(items)) if self._query else items)

    def end(self) -> None:
        """Print what was collected."""
        if not self.whole:
            return
        found = self._query(self._items) if self._query else self._items
        if self.format == "json":
            output.write_json(found)
        else:
            self._print(_listed(found))
            self._end_table()

    def _print(self, items: list[Any]) -> None:
        if self.format == "ndjson":
            for item in items:
                output.write(json.dumps(item).replace("\x7f", "\\u007f"))
        elif self.format == "table":
            self._items = items
        else:
            self._rows(items)

    def _rows(self, items: list[Any]) -> None:
        if items and not self._columns:
            self._columns = columns_of(items)
            if self.format == "csv" and not all(isinstance(item, list) for item in items):
                _write(_csv_line(self._columns))
        self._warn_of_new_fields(items)
        for item in items:
            cells = cells_of(item, self._columns)
            _write(_csv_line(cells) if self.format == "csv" else _tsv_line(cells))

    def _warn_of_new_fields(self, items: list[Any]) -> None:
        new = [name for name in columns_of(items) if name not in self._columns]
        if new and not self._warned:
            self._warned = True
            output.message(
                f"Later items have further fields, which the columns lack: {', '.join(map(printable, new))}. "
                "Choose the columns with --query '[].{name: name}'."
            )

    def _end_table(self) -> None:
        if self.format != "table" or not self._items:
            return
        columns = columns_of(self._items)
        rows = [cells_of(item, columns) for item in self._items]
        output.write_table(columns, rows if output.at_terminal() else [columns, *rows])


def compiled(query: str) -> Callable[[Any], Any] | None:
    """Return the function that applies the JMESPath expression; None without one. Raises UsageError."""
    if not query:
        return None
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        expression = jmespath.compile(query)
    except JMESPathError as error:
        raise UsageError(
            f"--query is not JMESPath: {_reason(error)}", "See jmespath.org, or the Azure CLI's --query."
        ) from None

    def search(document: Any) -> Any:
        try:
            return expression.search(document)
        except JMESPathError as error:
            raise UsageError(
                f"--query does not fit the response: {_reason(error)}", "Look at it without --query."
            ) from None

    return search


def selected_items(query: str) -> Callable[[list[Any]], list[Any]]:
    """Return the function that selects from the items of a page: all of them without an expression."""
    search = compiled(query)
    return (lambda items: _listed(search(items))) if search else (lambda items: items)


def _reason(error: Exception) -> str:
    return printable(" ".join(str(error).split())[:300])


def columns_of(items: Iterable[Any]) -> list[str]:
    """Return the names of the columns: the members of all objects in order, or numbers for lists."""
    names: dict[str, None] = {}
    for item in items:
        numbers = range(1, len(item) + 1) if isinstance(item, list) else ("value",)
        names.update(dict.fromkeys(map(str, item if isinstance(item, dict) else numbers)))
    return list(names)


def cells_of(item: Any, columns: list[str]) -> list[str]:
    """Return the texts of a row: numbers and words as in JSON, '' for null and what is missing, JSON for the rest."""
    if isinstance(item, dict):
        return [_cell(item.get(name)) for name in columns]
    values = item if isinstance(item, list) else [item]
    return [_cell(value) for value in values] + [""] * (len(columns) - len(values))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _csv_line(cells: list[str]) -> str:
    """Return a line of CSV (RFC 4180)."""
    import csv
    import io

    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()


def _tsv_line(cells: list[str]) -> str:
    r"""Return the cells between tabs. A tab in a cell is `\t` and a line end `\n`, so that a line stays an item."""
    return "\t".join(cell.translate(_ESCAPES) for cell in cells)


def _write(line: str) -> None:
    """Print a line as it is; at a terminal, without what would steer it."""
    output.write(printable(line) if output.at_terminal() else line)


def _listed(value: Any) -> list[Any]:
    """Return the items of a value: none for null."""
    return value if isinstance(value, list) else [] if value is None else [value]
