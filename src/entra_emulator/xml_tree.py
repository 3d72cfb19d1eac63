"""Read XML, and write it in exclusive canonical form (W3C Exclusive XML Canonicalization 1.0, without comments).

A signature covers the canonical form, so a reader has to keep prefixes as they are written; the standard library's
ElementTree replaces them. docs/decisions/0017-saml.md says why no library for XML signatures is used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

_MOST_NESTED = 100
_NAMESPACES = {"": "", "xml": "http://www.w3.org/XML/1998/namespace"}
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"},
)

_ANYWHERE = _ATTRIBUTE | _TEXT


class MalformedXml(ValueError):
    """The text is not well-formed XML with namespaces, is nested too deeply, or has a part that no SAML message has."""


@dataclass
class Element:
    """An element as it is written. `attributes` are without namespace declarations, which are in `scope`, by prefix."""

    name: str
    attributes: dict[str, str]
    scope: Mapping[str, str]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """The element's namespace, empty without one."""
        return self.scope[self.name.rpartition(":")[0]]

    @property
    def local_name(self) -> str:
        """The name without its prefix."""
        return self.name.rpartition(":")[2]

    @property
    def text(self) -> str:
        """The text directly in the element, without white space around it."""
        return "".join(child for child in self.children if isinstance(child, str)).strip()

    def elements(self) -> Iterator["Element"]:
        """Yield the child elements."""
        return (child for child in self.children if isinstance(child, Element))

    def every(self, namespace: str, local_name: str) -> list["Element"]:
        """Return the child elements with a name."""
        return [one for one in self.elements() if (one.namespace, one.local_name) == (namespace, local_name)]

    def find(self, namespace: str, *path: str) -> "Element | None":
        """Return the element at a path of local names in one namespace; None if an element is missing or not alone."""
        found: Element | None = self
        for local_name in path:
            candidates = found.every(namespace, local_name) if found else []
            found = candidates[0] if len(candidates) == 1 else None
        return found

    def text_at(self, namespace: str, *path: str) -> str:
        """Return the text of the element at a path; empty without the element."""
        found = self.find(namespace, *path)
        return found.text if found else ""


class _Builder:
    """Builds the tree from expat's events, and resolves prefixes."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        scope = dict(self._open[-1].scope) if self._open else dict(_NAMESPACES)
        plain = {}
        for written, value in attributes.items():
            prefix, _, local_name = written.rpartition(":")
            if written == "xmlns" or prefix == "xmlns":
                scope[local_name if prefix else ""] = value
            else:
                plain[written] = value
        prefixes = {written.rpartition(":")[0] for written in (name, *plain)}
        if len(self._open) >= _MOST_NESTED or not prefixes <= set(scope):
            raise MalformedXml("a prefix is not declared, or the elements are nested too deeply")
        element = Element(name, plain, scope)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].children.append(text)

    def refuse(self, *_: Any) -> None:
        raise MalformedXml("document type declarations and processing instructions are not allowed")


def parse(text: str | bytes) -> Element:
    """Return the root element, without comments.

    :raises MalformedXml: the text cannot be read.
    """
    builder, parser = _Builder(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.text, builder.refuse
    parser.ProcessingInstructionHandler = builder.refuse
    try:
        parser.Parse(text, True)  # noqa: FBT003  # expat's own positional parameter: this is all of the text
    except (expat.ExpatError, ValueError) as problem:
        raise MalformedXml(str(problem)) from None
    if builder.root is None:
        raise MalformedXml("there is no element")
    return builder.root


def canonical(element: Element, omitted: Element | None = None) -> bytes:
    """Return an element in canonical form, without the element `omitted` in it."""
    return "".join(_written(element, omitted, {"": ""})).encode()


def _written(element: Element, omitted: Element | None, declared: Mapping[str, str]) -> Iterator[str]:
    """Yield the parts of the text. `declared`: the namespaces that the output has in scope, by prefix."""
    used = {element.name.rpartition(":")[0], *(name.rpartition(":")[0] for name in element.attributes if ":" in name)}
    new = {prefix: element.scope[prefix] for prefix in used - {"xml"} if declared.get(prefix) != element.scope[prefix]}
    yield f"<{element.name}"
    for prefix, namespace in sorted(new.items()):
        yield f' {"xmlns:" if prefix else "xmlns"}{prefix}="{namespace.translate(_ATTRIBUTE)}"'
    for name, value in sorted(element.attributes.items(), key=lambda item: _order(item[0], element.scope)):
        yield f' {name}="{value.translate(_ATTRIBUTE)}"'
    yield ">"
    for child in element.children:
        if isinstance(child, str):
            yield child.translate(_TEXT)
        elif child is not omitted:
            yield from _written(child, omitted, {**declared, **new})
    yield f"</{element.name}>"


def _order(name: str, scope: Mapping[str, str]) -> tuple[str, str]:
    """Attributes are sorted by namespace, then name; those without a prefix have no namespace and come first."""
    prefix, _, local_name = name.rpartition(":")
    return (scope[prefix] if prefix else "", local_name)


def escaped(value: str) -> str:
    """Return text as it is written in an element, or in an attribute with double quotes."""
    return value.translate(_ANYWHERE)
