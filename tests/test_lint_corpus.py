"""The linter on real newsletters and on the templates that many are made from."""

from __future__ import annotations

import email
import email.policy
import gzip
from pathlib import Path

import pytest

from desk.lint.check import check

# Folders of ../shared/corpora/emails. The biggest page is left out: nobody mails 1.9 MB.
SOURCES = (
    "adobe-newsletters",
    "cerberus",
    "foundation-emails",
    "mailchimp-blueprints",
    "mailgun-transactional",
    "mjml-templates",
    "philly-newsletters",
    "postmark",
    "sendwithus",
    "untrack-newsletters-eml",
)


def pages(folder: Path) -> list[tuple[str, str]]:
    """(name, HTML) of every mail in a folder."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.name.removesuffix(".gz")
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        if name.endswith((".html", ".htm")):
            found.append((name, raw.decode("utf-8", "replace")))
        elif name.endswith(".eml"):
            body = email.message_from_bytes(raw, policy=email.policy.default).get_body(("html",))
            if body is not None:
                found.append((name, str(body.get_content())))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_real_mails_are_read_whole(shared: Path, source: str) -> None:
    mails = pages(shared / "corpora" / "emails" / source)

    assert mails
    for name, html in mails:
        found = check(html)
        lines = html.count("\n") + 1
        assert all(0 <= each.line <= lines for each in found), name
        assert all(each.message for each in found), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "name", "known"),
    [
        # A hidden link that the Tab key finds, two h1, “here”.
        ("philly-newsletters", "14270865", {"aria-hidden-focus", "one-h1", "link-text-vague"}),
        # No language, a link of a picture with an empty alt, pictures over http, a pixel.
        ("adobe-newsletters", "01July2018", {"html-has-lang", "image-http", "tracking-pixel"}),
        # 222 kB: Gmail cuts it off.
        ("untrack-newsletters-eml", "2023-01-15-rewe.u1", {"html-weight", "style-length"}),
        # 375 kB, pictures without alt, and nobody may enlarge it.
        ("untrack-newsletters-eml", "2023-01-16-norma.u1", {"image-alt", "meta-viewport"}),
    ],
)
def test_what_is_known_of_a_mail_is_found(
    shared: Path, source: str, name: str, known: set[str]
) -> None:
    mails = dict(pages(shared / "corpora" / "emails" / source))
    html = next(text for title, text in mails.items() if name in title)

    assert known <= {each.rule for each in check(html)}
