"""What the site's answers carry: policies by hash, versions, packing."""

from __future__ import annotations

import base64
import gzip
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.web.accent import accent, contrast
from courant.web.answer import Answer, Request, etag_of, private, public, to_gateway

PAGE = "<!DOCTYPE html><style>p { color: red }</style><p>" + "News. " * 500


def request(method: str = "GET", **headers: str) -> Request:
    return Request(
        method=method,
        path="/e/morning",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        site_url="https://news.example.org",
    )


def answer(asked: Request, body: str = PAGE, *, indexed: bool = False) -> Answer:
    return public(asked, body, seconds=60, indexed=indexed)


def test_styles_are_allowed_by_the_hash_of_what_stands_in_the_page() -> None:
    digest = hashlib.sha256(b"p { color: red }").digest()

    for page in (answer(request()), private(200, PAGE)):
        policy = page.headers["Content-Security-Policy"]
        assert f"style-src 'sha256-{base64.b64encode(digest).decode()}';" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_no_page_is_framed_or_has_its_links_turned_elsewhere() -> None:
    for page in (answer(request()), private(200, PAGE)):
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert {"base-uri 'none'", "frame-ancestors 'none'"} <= set(policy)


def test_a_page_without_styles_allows_none() -> None:
    assert "style-src 'none'" in answer(request(), "<p>").headers["Content-Security-Policy"]


def test_a_page_for_everybody_shows_pictures_and_posts_nowhere() -> None:
    policy = answer(request()).headers["Content-Security-Policy"].split("; ")

    assert {"img-src https: http: data:", "form-action 'none'"} <= set(policy)


def test_a_page_for_one_reader_is_kept_by_nobody() -> None:
    headers = private(200, PAGE).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize(
    ("asked", "languages"),
    [
        ("nl-be, zh-hant-tw;q=0.5 , EN ; q=0.8", ("nl-BE", "en", "zh-Hant-TW")),
        ("fr;q=0.0, de", ("de",)),
        ("*, x, nl;q=2, ar;level=1", ()),
    ],
)
def test_a_browsers_languages_are_read_best_first(asked: str, languages: tuple[str, ...]) -> None:
    assert request(accept_language=asked).languages == languages


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_text_on_any_accent_can_be_read(colour: str) -> None:
    worn = accent(colour)

    assert contrast(worn.day, worn.on_day) >= 4.5
    assert contrast(worn.night, worn.on_night) >= 4.5


def test_colours_are_counted_as_wcag_does() -> None:
    assert round(contrast("#ffffff", "#000000"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54
    assert accent("#0a1622").night == "#6c737a"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ('W/"{etag}"', 304),
        ('"{etag}"', 304),
        ('"other", W/"{etag}"', 304),
        ("*", 304),
        ('"other"', 200),
        ("{etag}", 200),
        ("", 200),
    ],
)
def test_who_has_this_version_is_told_so(given: str, status: int) -> None:
    asked = request(if_none_match=given.format(etag=etag_of(PAGE)))

    found = answer(asked)

    assert found.status == status
    assert found.headers["ETag"] == f'W/"{etag_of(PAGE)}"'
    assert (found.body == "") is (status == 304)


@pytest.mark.parametrize("indexed", [True, False])
def test_search_engines_hear_it_from_the_headers_too(indexed: bool) -> None:
    assert ("X-Robots-Tag" in answer(request(), indexed=indexed).headers) is not indexed


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, br", False),
        ("br", False),
        ("", False),
    ],
)
def test_a_long_page_is_packed_for_who_can_unpack_it(accepts: str, packed: bool) -> None:
    asked = request(accept_encoding=accepts)

    reply = to_gateway(answer(asked), asked)

    raw = base64.b64decode(reply["body"]) if reply["isBase64Encoded"] else reply["body"].encode()
    assert reply["isBase64Encoded"] is packed
    assert reply["headers"].get("Content-Encoding") == ("gzip" if packed else None)
    assert reply["headers"]["Vary"] == "Accept-Encoding"
    assert (gzip.decompress(raw) if packed else raw) == PAGE.encode()


def test_a_page_with_a_token_is_never_packed() -> None:
    asked = request(accept_encoding="gzip")

    assert not to_gateway(private(200, PAGE), asked)["isBase64Encoded"]


def test_head_has_the_headers_and_no_body() -> None:
    asked = request("HEAD", accept_encoding="gzip")

    reply = to_gateway(answer(asked), asked)

    assert (reply["statusCode"], reply["body"]) == (200, "")
    assert "ETag" in reply["headers"]
