"""The linter on what no one would send: it may find what it likes, and never falls over."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.lint import eml
from desk.lint.check import check, client_table
from desk.lint.colour import contrast, parse_colour
from desk.lint.mail import Mail
from desk.lint.page import parse

_PIECES = st.sampled_from(
    [
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        "<![",
        "<![CDATA[",
        "]]>",
        "<!",
        "<?",
        "&",
        "&#",
        "&#x110000;",
        "<!doctype",
        "<!--[if mso]>",
        "<![endif]-->",
        "<!--[if !mso]><!-->",
        "<!--<![endif]-->",
        "<p",
        "<p>",
        "</p>",
        "<td>",
        "</td>",
        "<table>",
        "</table>",
        "<tr>",
        "<a href=",
        "<img src=x alt>",
        "<style>",
        "</style>",
        "<title>",
        "<script>",
        "</script>",
        "<textarea>",
        "<svg/>",
        "<v:rect/>",
        ' style="',
        " style=",
        '"',
        "'",
        "color:",
        "#fff",
        "rgb(",
        "rgba(1 2 3/",
        ")",
        "{",
        "}",
        ";",
        ":",
        "}}",
        "@media",
        "(max-width:",
        "@font-face",
        "@import",
        "!important",
        "/*",
        "*/",
        "\\",
        "url(",
        "-",
        "1e999px",
        "font-size:1e400px",
        "color-mix(in srgb,#fff 1%,#000)",
        "width:",
        "calc(",
        "var(--",
        "[",
        "]",
        ",",
        "\n",
        "\r",
        "\t",
        "\0",
        "\ud7ff",
        "\u2028",
        "é",
        "كلمة",
        "lang=",
        "{{ own.",
        "{% if %}",
        "c" * 34,
    ]
)


@given(st.lists(st.one_of(_PIECES, st.text(max_size=4)), max_size=60).map("".join))
def test_no_soup_fells_it(html: str) -> None:
    for finding in check(html, Mail(text=html, subject=html, preheader=html, address=html)):
        assert finding.line >= 0
        assert finding.message

    client_table(html)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_places_are_in_the_page(html: str) -> None:
    lines = html.split("\n")

    for element in parse(html).elements:
        assert lines[element.line - 1][element.column - 1] == "<"


@given(st.text(max_size=30))
def test_a_colour_is_four_numbers_or_nothing(text: str) -> None:
    colour = parse_colour(text)

    assert colour is None or len(colour) == 4


_PART = st.floats(0, 1)
_COLOUR = st.tuples(_PART, _PART, _PART)


@given(_COLOUR, _COLOUR)
def test_contrast_has_no_sides(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> None:
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= 21.01


_HEADERS = st.sampled_from(
    [
        "Content-Type: text/html",
        "Content-Type: multipart/alternative; boundary=b",
        "Content-Type:",
        "Content-Type: multipart/mixed",
        "Content-Disposition: ;;",
        "Content-Disposition: attachment; filename*0*=x''%",
        "; charset=",
        "nonsense",
        "utf-7",
        '"',
        "=?utf-8?b?",
        "Content-Transfer-Encoding: ",
        "base64",
        "quoted-printable",
        "\r\n",
        "\r\n\r\n",
        "--b",
        "--b--",
        "<p>é</p>",
        "=",
        "\xa0",
    ]
)


@given(st.lists(st.one_of(_HEADERS, st.text(max_size=3)), max_size=40).map("".join))
def test_no_soup_is_a_mail_that_fells_it(mail: str) -> None:
    parts = eml.read(mail.encode())

    assert parts.html is None or isinstance(parts.html, str)


@pytest.mark.parametrize(
    "piece",
    [
        "<table><tr><td>",
        "<div>",
        "<a href='https://x.example/'>x",
        "<a href='https://x.example/'>x</a>",
        "<p>x",
        "<h2>x",
        "<ul><li>",
    ],
)
def test_a_page_of_one_thing_is_read_in_its_length(piece: str) -> None:
    """Four times as long takes four times, not sixteen: 60 kB of tables took 12 s."""

    def calls(count: int) -> int:
        # Calls, generators' steps among them: what is counted does not depend on the machine.
        counted = 0

        def heard(frame: object, event: str, arg: object) -> None:
            nonlocal counted
            del frame, arg
            counted += event in {"call", "c_call"}

        before = sys.getprofile()
        sys.setprofile(heard)
        try:
            check(piece * count)
        finally:
            sys.setprofile(before)
        return counted

    calls(1)  # what is read once and kept

    assert calls(2_400) < 5 * calls(600)


def test_depth_is_no_matter() -> None:
    assert check("<div style='color:red'>" * 5_000 + "x")
    assert check("<style>" + "a{" * 2_000 + "</style>" + f"<p style='width:{'calc(' * 2_000}'>")
