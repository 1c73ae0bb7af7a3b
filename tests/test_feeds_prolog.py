"""What stands before a root element: no declaration is left, whoever reads it, at any length."""

from __future__ import annotations

import time
import xml.parsers.expat
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.feeds.parsing.decode import decode
from courant.feeds.parsing.prolog import MAX_ATTRIBUTES, check_structure, without_doctype

ROOT = "<rss version='2.0'><channel><title>a</title></channel></rss>"
BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "head",
    [
        "",
        "<?xml version='1.0'?>\n",
        "\ufeff<?xml version='1.0'?><?xml-stylesheet href='a.xsl'?><!-- a < b -->\n",
        "<!-- <a -->",
        "<!DOCTYPE html>",
        "<!doctype\nHTML >",
        "junk before it: 1 < 2 ",
    ],
)
def test_what_declares_nothing_stays_as_it_is(head: str) -> None:
    assert without_doctype(head + ROOT) == head + ROOT


@pytest.mark.parametrize(
    "head",
    [
        BOMB,
        "<!DOCTYPE rss>",
        '<!DOCTYPE rss PUBLIC "-//N//DTD" "http://n.example/rss-0.91.dtd">',
        "<!DOCTYPE rss SYSTEM 'file:///proc/self/environ'>",
        f"<?xml version='1.0'?>\n<!-- x -->\n{BOMB}\n<!-- y -->",
        "<!-- <a -->" + BOMB,
        "<!--><a -->" + BOMB,
        "<!-- -- > <a -->" + BOMB,
        "<?a <b ?>" + BOMB,
        "<!--" + "x" * 70_000 + "-->" + BOMB,
        BOMB * 3,
        '<!DOCTYPE rss [<!ENTITY a "]><rss>"><!-- ]> \' <b> --><?p ]>"?>\n] >',
        "<!DOCTYPE rss [<!ENTITY % a \"<!ENTITY b '<c>'>\"> %a; ]>",
        "<!doctype rss[<!entity a 'b'>]>",
        "<!DOCTYPE html [<!ENTITY a 'b'>]>",
        "<1><é>" + BOMB,
        "<!-- <!ENTITY a 'b'> -->",
        "junk " + BOMB,
    ],
)
def test_what_declares_something_goes_with_all_before_the_root(head: str) -> None:
    assert without_doctype(head + ROOT) == ROOT


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        "<!DOCTYPE rss [" + ROOT,
        "<!DOCTYPE rss [<!ENTITY a '" + ROOT,
        "<!DOCTYPE rss [<!-- " + ROOT,
        "<!DOCTYPE rss ",
        "<!-- <!DOCTYPE rss [<!ENTITY a 'b'>]>" + ROOT,
    ],
)
def test_a_declaration_without_end_leaves_nothing(document: str) -> None:
    assert without_doctype(document) == ""


@pytest.mark.parametrize("document", ["", "plain", "<", "<!", "<!--", "<?", "<!-- a " + ROOT])
def test_what_has_neither_declaration_nor_root_stays(document: str) -> None:
    assert without_doctype(document) == document


def test_nothing_behind_the_root_is_touched() -> None:
    behind = f"<rss><![CDATA[ {BOMB} ]]><!-- {BOMB} --></rss>{BOMB}"

    assert without_doctype(behind) == behind


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_no_character_set_hides_a_declaration(encoding: str) -> None:
    text = decode((f"<?xml version='1.0'?>{BOMB}{ROOT}").encode(encoding), "text/xml")

    assert without_doctype(text) == ROOT


PIECES = (
    *(
        "<!DOCTYPE rss",
        "<!doctype",
        "<!ENTITY a 'b'>",
        "[",
        "]",
        ">",
        "]>",
        "<!--",
        "-->",
        "--",
        "<",
    ),
    *("<?", "?>", "'", '"', " ", "<a", "<rss>", "<é>", "<1", "<!", "<![CDATA[", "]]>", "x", "\n"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_parser_is_ever_told_a_declaration(document: str) -> None:
    declared: list[object] = []
    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda name, system, public, subset: (
        declared.append((name, system, public, subset))
        if name != "html" or system or public or subset
        else None
    )
    parser.EntityDeclHandler = lambda *what: declared.append(what)
    left = without_doctype(document)

    with suppress(xml.parsers.expat.ExpatError):
        parser.Parse(left.encode(), True)

    assert not declared
    assert document.endswith(left)
    assert without_doctype(left) == left


@pytest.mark.parametrize(
    "head",
    [
        *("<!DOCTYPE a [", "<!DOCTYPE a>", "<!--", "<!-- -->", "<?", "<?x?>", "<", "<!"),
        *("<!DOCTYPE a [<!--", "<!DOCTYPE a ['", "<!DOCTYPE a [\"']", "[", "<!doctype "),
    ],
)
def test_time_grows_with_the_length_and_no_faster(head: str) -> None:
    started = time.process_time()

    without_doctype(head * (600_000 // len(head)))

    # Some fifty times what it takes; anything that looks back would take hours.
    assert time.process_time() - started < 5


def test_many_attributes_are_refused() -> None:
    def element(count: int) -> str:
        return "<a " + " ".join(f"a{n}='1'" for n in range(count)) + ">"

    check_structure("<r>" + element(MAX_ATTRIBUTES) * 3)
    with pytest.raises(ValueError, match="256 attributes"):
        check_structure("<r>" + element(MAX_ATTRIBUTES + 1))


def test_one_long_attribute_is_no_crowd() -> None:
    check_structure(f"<img src='data:image/png;base64,{'A=' * 50_000}'/>")


def test_looking_for_many_attributes_takes_time_with_the_length() -> None:
    started = time.process_time()

    check_structure("<a " * 1_000_000)

    assert time.process_time() - started < 5
