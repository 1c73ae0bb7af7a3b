"""Bytes of a mail. The raw bytes are what mailboxes read, so they are what is looked at."""

import email
import email.policy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery import mime

any_text = st.text(st.characters(codec="utf-8"), max_size=300)
LONG_LINK = "<https://news.example.org/u/" + "a" * 150 + ">"


def parsed(raw: bytes) -> email.message.EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


def subject_of(value: str) -> str:
    return str(parsed(mime.build([("Subject", mime.unstructured(value))], "x", None))["Subject"])


def test_a_long_list_unsubscribe_stays_one_readable_line() -> None:
    raw = mime.build(
        [("List-Unsubscribe", LONG_LINK), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")],
        "text",
        "<p>html</p>",
    )

    assert f"\r\nList-Unsubscribe: {LONG_LINK}\r\n".encode() in b"\r\n" + raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_both_parts_come_back_as_they_were() -> None:
    text, html = "Guten Morgen, 東京\n.\nFrom here\n", "<p>" + "é" * 2000 + "</p>\n"

    message = parsed(mime.build([("Subject", "x")], text, html))

    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().replace("\r\n", "\n") == text
    assert rich.get_content().replace("\r\n", "\n") == html
    assert message.get_content_type() == "multipart/alternative"


def test_without_html_it_is_a_text_mail() -> None:
    message = parsed(mime.build([("Subject", "x")], "only text\n", None))

    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["only text"]


@given(text=any_text, html=any_text, subject=any_text)
def test_any_mail_is_seven_bit_with_short_lines_and_crlf(
    text: str, html: str, subject: str
) -> None:
    raw = mime.build([("Subject", mime.unstructured(subject))], text, html)

    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")


@given(any_text)
def test_any_subject_comes_back_cleaned_and_in_words_of_75(subject: str) -> None:
    header = mime.unstructured(subject)

    assert subject_of(subject) == mime.clean(subject)
    for word in re.findall(r"=\?[^ ]+\?=", header):
        assert len(word) <= 75


@given(any_text)
def test_no_text_can_add_a_header(text: str) -> None:
    raw = mime.build(
        [("Subject", mime.unstructured(f"x\r\nBcc: a@b.example\r\n{text}"))], "x", None
    )

    assert parsed(raw)["Bcc"] is None
    assert b"\r\nBcc" not in raw


@pytest.mark.parametrize("value", ["a\r\nBcc: x@example.org", "a\nb", "é", "a\x00b"])
def test_a_value_that_was_not_made_fit_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="X-Test"):
        mime.build([("X-Test", value)], "x", None)


@pytest.mark.parametrize("value", ["a" * 996, "a " + "b" * 998])
def test_a_line_that_no_server_takes_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="998"):
        mime.build([("X", value)], "x", None)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("The Morning", "The Morning"),
        ('Courant, "Daily"', 'Courant, "Daily"'),
        ("Café Courant", "Café Courant"),
        ("ceo@bank.example", "ceo bank.example"),
        ("a\r\nb", "a b"),
        ("=?utf-8?q?a?=", "=?utf-8?q?a?="),
        ("", ""),
    ],
)
def test_a_display_name_survives_and_never_looks_like_an_address(name: str, shown: str) -> None:
    raw = mime.build([("From", mime.mailbox(name, "news@example.org"))], "x", None)

    (address,) = parsed(raw)["From"].addresses

    assert address.display_name == shown
    assert address.addr_spec == "news@example.org"


@given(st.text("é東🌊", min_size=40, max_size=120))
def test_an_encoded_words_line_has_76_characters_also_beside_the_headers_name(text: str) -> None:
    first, *others = mime.build([("Reply-To", mime.unstructured(text))], "", None).split(b"\r\n ")

    assert len(first) <= 76
    assert others
    assert max(map(len, others[:-1]), default=0) <= 75


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        # With its name and the space, the first two words make 78 characters.
        ("a" * 36 + " " + "b" * 38 + " c", ["X: " + "a" * 36 + " " + "b" * 38, " c"]),
        ("a" * 36 + " " + "b" * 39 + " c", ["X: " + "a" * 36, " " + "b" * 39 + " c"]),
        # What stands on a line of its own begins with a space.
        ("a b" + "b" * 90 + " c", ["X: a", " b" + "b" * 90, " c"]),
        ("a" * 90 + " b", ["X: " + "a" * 90, " b"]),
        ("a" * 995, ["X: " + "a" * 995]),
    ],
)
def test_headers_are_folded_between_words_at_78_characters(value: str, lines: list[str]) -> None:
    raw = mime.build([("X", value)], "", None)

    assert raw.startswith("\r\n".join([*lines, "MIME-Version"]).encode())


def test_what_looks_encoded_already_is_taken_literally() -> None:
    assert subject_of("=?utf-8?b?aGVsbG8=?=") == "=?utf-8?b?aGVsbG8=?="


def test_a_subject_that_is_too_long_is_cut_between_words() -> None:
    assert mime.clean("word " * 60, 20) == "word word word word…"
    assert mime.clean("w" * 60, 20) == "w" * 19 + "…"
