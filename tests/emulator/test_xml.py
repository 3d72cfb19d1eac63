"""XML as SAML needs it: the exclusive canonical form, and signatures of one kind."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tests.support.certificates import rsa_key

from entra_emulator.xml_signatures import NAMESPACE, BadXmlSignature, sign, verify
from entra_emulator.xml_tree import MalformedXml, canonical, escaped, parse

DOCUMENTS = [
    "<a/>",
    '<a xmlns="u" b="1" a="2"><c xmlns=""/></a>',
    '<p:a xmlns:p="u" xmlns:q="v" q:z="1" p:b="2" c="&lt;&#10;&#9;&quot;\'">x&amp;<q:b/>&#13;&gt;</p:a>',
    '<a xmlns:x="1"><b x:y="1"/><b x:y="2"/><x:c xmlns:x="2"/></a>',
    '<a xml:lang="en"><!-- c -->t<![CDATA[<&>]]></a>',
    '<a><b xmlns:p="u"><p:c/></b><b xmlns:p="v"><p:c p:d="1" e="2"/></b></a>',
    "<a>\r\n\t <b > \n</b ></a>",
    "<ä ö='ü'>€</ä>",
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_the_canonical_form_is_the_standard_librarys(text: str) -> None:
    """For a whole document, C14N 2.0 without options and exclusive C14N 1.0 write the same."""
    assert canonical(parse(text)).decode() == ElementTree.canonicalize(text)


@pytest.mark.parametrize("text", DOCUMENTS)
def test_the_canonical_form_is_stable(text: str) -> None:
    """The canonical form of the canonical form is itself."""
    once = canonical(parse(text))
    assert canonical(parse(once)) == once


def test_a_part_declares_the_namespaces_that_it_uses() -> None:
    """An element inside a document has its parents' namespaces, and only those that it uses are written."""
    tree = parse('<p:a xmlns:p="u" xmlns:q="v" xmlns="w"><q:b><c p:d="1"/></q:b></p:a>')
    (part,) = tree.elements()
    assert canonical(part) == b'<q:b xmlns:q="v"><c xmlns="w" xmlns:p="u" p:d="1"></c></q:b>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<a",
        "<a/><b/>",
        "<p:a/>",
        '<a p:b="1"/>',
        '<a b="1" b="2"/>',
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "<a>&nothing;</a>",
        "<a><?php ?></a>",
        "<a>" * 101 + "</a>" * 101,
        "<a>\x00</a>",
        "<a>\ud800</a>",
    ],
)
def test_malformed_xml_is_refused(text: str) -> None:
    """What is not XML with namespaces, what is too deep, and what no SAML message has."""
    with pytest.raises(MalformedXml):
        parse(text)


@pytest.mark.parametrize("value", ["", "a", "<&>\"'", "a\r\n\tb", "]]>", "€"])
def test_escaped_text_is_read_back(value: str) -> None:
    """In an element and in an attribute."""
    tree = parse(f'<a b="{escaped(value)}">{escaped(value)}</a>')
    assert "".join(str(child) for child in tree.children) == value
    assert tree.attributes["b"] == value


def signed(content: str = "<c>x</c>") -> str:
    return sign(f'<a xmlns="u" ID="_1">{content}', "</a>", "_1", rsa_key(7), b"a certificate")


def test_a_signature_verifies() -> None:
    """With the key that made it, also when the element is inside another one."""
    tree = parse(f'<outer xmlns:x="y">{signed()}</outer>')
    verify(next(tree.elements()), "ID", [rsa_key(8).public_key(), rsa_key(7).public_key()])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<c>x</c>", "<c>y</c>"),
        ("<c>x</c>", "<c>x</c><d></d>"),
        ('ID="_1"', 'ID="_2"'),
        ('ID="_1"', 'ID="_1" Other="1"'),
        ('URI="#_1"', 'URI=""'),
        ("rsa-sha256", "hmac-sha256"),
        ("xmlenc#sha256", "xmldsig#sha1"),
        (f"{NAMESPACE}enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        ("<ds:Reference ", "<ds:Reference></ds:Reference><ds:Reference "),
        ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
        ("<ds:DigestValue>", "<ds:DigestValue>!"),
        ("</a>", f'<ds:Signature xmlns:ds="{NAMESPACE}"></ds:Signature></a>'),
    ],
)
def test_a_change_breaks_the_signature(old: str, new: str) -> None:
    """Of the element, of its id, or of the signature itself."""
    text = signed()
    assert old in text
    with pytest.raises(BadXmlSignature):
        verify(parse(text.replace(old, new, 1)), "ID", [rsa_key(7).public_key()])


def test_another_key_does_not_verify() -> None:
    """The certificate in the signature does not count: only the keys that the caller knows."""
    with pytest.raises(BadXmlSignature):
        verify(parse(signed()), "ID", [rsa_key(8).public_key()])


def test_a_signature_of_another_element_does_not_count() -> None:
    """An attacker's element around the signed one, with its signature moved outwards."""
    inner = signed()
    start, end = inner.index("<ds:Signature"), inner.index("</ds:Signature>") + len("</ds:Signature>")
    moved = f'<a xmlns="u" ID="_evil">{inner[start:end]}{inner[:start]}{inner[end:]}</a>'
    with pytest.raises(BadXmlSignature):
        verify(parse(moved), "ID", [rsa_key(7).public_key()])
