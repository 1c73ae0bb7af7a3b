"""The laws of tests/fuzz, on what Hypothesis thinks of and on what the fuzzer found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courant.feeds.cleaning import images
from courant.feeds.raw import RawEntry, RawImage
from tests.fuzz import laws
from tests.fuzz.seeds import DOCUMENTS, PAGE, SEEDS

# What hostile feeds and addresses are made of.
TOKENS = st.sampled_from(
    [
        *("http://", "https://", "//", "127.0.0.1", "0x7f", "localhost", "[::1]", ":80", ":8080"),
        *("①②⑦", "。", "xn--", "ß", "\u0640", "é", "e\u0301", "‮", "\u200d", "\u200b", "\ufeff"),
        *("utm_source=x", "?", "&", "#", "%", "%2e", "%00", "..", "/", "\\", "@", " ", "\t", "\n"),
        *("<", ">", "</p>", "<b>", "<script>", "<style>", "<svg>", "<math>", "<!--", "-->", "]]>"),
        *("<![CDATA[", "<!DOCTYPE a [", "<!ENTITY a 'b'>", "]>", "<?xml", "?>", "&amp;", "&lt;"),
        *("&#0;", "&#x202e;", "&#xD800;", "&#1114112;", "&nbsp;", "&hellip;", "…", "[…]", "👩‍👧"),
        *("2026-11-22T05:00:00Z", "22 Nov 2026", "+9999", "-0000", "9999", "1", "٣", "\0", "\x85"),
        *("\ud800", "\udfff", "\uffff", "𝒳", "한", "a" * 400, "\u0301" * 9, "The post ", "{{7*7}}"),
    ]
)
TEXTS = st.text(st.characters(), max_size=60) | st.lists(TOKENS, max_size=12).map("".join)


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A document with pieces cut out, doubled, swapped or put in."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 4, 40, 400])))
        put = draw(
            st.just(b"")
            | st.binary(max_size=8)
            | TOKENS.map(lambda token: token.encode("utf-8", "surrogatepass"))
            | st.just(data[start:end] * 3)
        )
        data = data[:start] + put + data[end:]
    return data


@settings(max_examples=150)
@given(TEXTS)
@pytest.mark.parametrize("law", ["guard", "prolog", "date", "cleaner", "canonical"])
def test_law_holds_for_any_text(law: str, text: str) -> None:
    {
        "guard": laws.url_guard,
        "prolog": laws.prolog,
        "date": laws.date,
        "cleaner": laws.cleaner,
        "canonical": laws.canonical,
    }[law](text)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
@pytest.mark.parametrize("law", ["guard", "prolog", "date", "cleaner", "canonical", "answer"])
def test_law_holds_for_mutations(law: str, data: st.DataObject) -> None:
    laws.LAWS[law](data.draw(mutated(SEEDS[law])))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    mutated(DOCUMENTS),
    st.sampled_from(["", "text/xml; charset=utf-7", "application/json", "text/html"])
    | st.text(st.characters(max_codepoint=255), max_size=30),
)
def test_mutated_document_is_articles_or_unreadable(body: bytes, content_type: str) -> None:
    laws.document(body, content_type)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(mutated((PAGE.encode(),)))
def test_mutated_page_is_facts_or_unreadable(body: bytes) -> None:
    laws.page(body)


@pytest.mark.parametrize(
    ("law", "seed"), [(law, seed) for law, seeds in SEEDS.items() for seed in seeds]
)
def test_seeds_are_read(law: str, seed: bytes) -> None:
    laws.LAWS[law](seed)


@pytest.mark.parametrize(
    "url", ["https://ex%3E.example/i.png", "http://0x7f.1/i.png", "http://192.168.0.1/reboot.cgi"]
)
def test_picture_comes_from_a_host_that_might_be_asked(url: str) -> None:
    image = images.choose_image(RawEntry(images=(RawImage(url),)), "https://example.org/")

    assert image is None


@pytest.mark.parametrize(("law", "data"), [("guard", b"[::1]evil.example/")])
def test_what_was_found_once_is_not_found_again(law: str, data: bytes) -> None:
    laws.LAWS[law](data)
