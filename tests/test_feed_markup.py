"""How documents are written: encodings, faults, ids; and that nothing breaks the counting."""

import gzip
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.feed_markup import examine


def rss(*items: str, prolog: str = "") -> str:
    return f"{prolog}<rss version='2.0'><channel>{''.join(items)}</channel></rss>"


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        (rss("é").encode(), "", "UTF-8"),
        (rss("e").encode(), "", "ASCII"),
        (rss("é", prolog='<?xml version="1.0" encoding="utf-8"?>').encode(), "", "UTF-8"),
        (
            rss("é", prolog='<?xml version="1.0" encoding="iso-8859-1"?>').encode("latin-1"),
            "",
            "ISO-8859-1",
        ),
        (
            rss("é", prolog='<?xml version="1.0" encoding="iso-8859-1"?>').encode(),
            "",
            "UTF-8 (it says iso-8859-1)",
        ),
        (rss("мир").encode("cp1251"), "text/xml; charset=windows-1251", "WINDOWS-1251"),
        (rss("é").encode("cp1252"), "", "WINDOWS-1252"),
        (rss("é").encode("utf-16"), "", "UTF-16"),
        # A codec that would be slow, or no character set at all.
        (rss("é").encode(), "text/xml; charset=punycode", "UTF-8 (it says punycode)"),
        (rss("é").encode(), "text/xml; charset=zlib", "UTF-8 (it says zlib)"),
    ],
)
def test_the_encoding_is_the_one_it_was_read_in(
    body: bytes, content_type: str, encoding: str
) -> None:
    assert examine(body, content_type).encoding == encoding


def test_ids_are_counted_entry_by_entry() -> None:
    found = examine(
        rss(
            "<item><guid>1</guid></item>",
            "<item><guid> <![CDATA[1]]></guid></item>",
            "<item><guid/></item>",
            "<item><title><guid>no id</guid></title></item>",
        ).encode(),
        "",
    )

    assert (found.entries, found.without_id, found.same_id) == (4, 2, 1)


def test_rdf_and_atom_and_json_have_ids_too() -> None:
    rdf = '<rdf:RDF xmlns:rdf="r"><item rdf:about="a"/><item rdf:about="a"/><item/></rdf:RDF>'
    atom = '<a:feed xmlns:a="x"><a:entry><a:id>1</a:id></a:entry><a:entry/></a:feed>'
    feed = '{"items": [{"id": 1}, {"id": "1"}, {"title": "x"}, 3]}'

    for text, expected in ((rdf, (3, 1, 1)), (atom, (2, 1, 0)), (feed, (3, 1, 1))):
        found = examine(text.encode(), "")
        assert (found.entries, found.without_id, found.same_id) == expected


def test_the_latest_date_is_the_latest_however_it_is_written() -> None:
    found = examine(
        rss(
            "<item><pubDate>Sat, 01 Jan 2050 10:00:00 +0200</pubDate></item>",
            "<item><dc:date>2051-01-01T00:00:00Z</dc:date></item>",
            "<item><pubDate>soon</pubDate></item>",
            "<pubDate>Sat, 01 Jan 2060 10:00:00 GMT</pubDate>",
            "<item><source><pubDate>Sat, 01 Jan 2061 10:00:00 GMT</pubDate></source></item>",
        ).encode(),
        "",
    )

    assert found.latest == datetime(2051, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (rss("<item><title>a & b</title></item>"), "line 1: a character"),
        (rss("<item>"), "line 1: a tag is closed"),
        (rss() + "\n<more/>", "line 2: something stands after its end"),
        ("\n<!-- -->\n<?xml version='1.0'?>", "line 3: something stands before the “<?xml"),
        ("<rss>", "line 1: it ends too early"),
        ("<!DOCTYPE r [<!ENTITY x 'y'>]><rss>&x;</rss>", "it declares entities of its own"),
        ('{"items": [}', "line 1: not JSON"),
        ("[" * 100_000, "not JSON"),
        (rss("<item><title>&nbsp;</title></item>"), None),
        ("<!DOCTYPE rss SYSTEM 'http://x.example/rss.dtd'><rss/>", None),
    ],
)
def test_a_fault_is_told_in_words_with_its_line(text: str, fault: str | None) -> None:
    found = examine(text.encode(), "").fault

    assert found is None if fault is None else found is not None and found.startswith(fault)


@given(st.binary(max_size=400), st.text(max_size=40))
def test_no_bytes_are_too_odd(body: bytes, content_type: str) -> None:
    assert examine(body, content_type).entries >= 0


@pytest.mark.parametrize(
    "piece", ["<item>", "<a b='", "<a ", "&", "<guid>x", "<![CDATA[", "[", "é"]
)
def test_a_long_document_takes_no_long_time(piece: str) -> None:
    body = ("<rss>" + piece * (1_000_000 // len(piece))).encode()
    started = time.perf_counter()

    examine(body, "")

    assert time.perf_counter() - started < 5


@pytest.mark.slow
def test_every_file_of_the_corpus_is_examined(shared: Path) -> None:
    for path in sorted((shared / "corpora/feeds").rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            examine(gzip.decompress(body) if path.suffix == ".gz" else body, "")
