"""Whoever reads our mails reads the same: Python's parsers and an independent one agree with us."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from courant.delivery import digest as digests
from courant.delivery import mime
from courant.delivery.digest import Digest, Reader
from courant.editions.pressing import Pressing
from courant.newsletter import Look
from desk import sample_digest
from desk.screenshots import scenes
from tests.proof.mail_parsers import Seen, by_old_python, by_postal_mime, by_python

LOOKS: tuple[Look, ...] = get_args(Look)
TO = "ada+news@example.com"
# Trouble in a header. Articles' titles come without controls, but mails must not rely on it.
TITLES = {
    "emoji": "🎉🎉 Ferry 👩‍👩‍👧‍👦 is 🇳🇱 back — über alle Maßen",
    "arabic": "العبّارة الليلية تعود إلى هافنمير بعد أحد عشر عامًا من الصمت وثلاث رحلات في الأسبوع",
    "chinese": "夜间渡轮在沉寂十一年后重返港口" * 8,
    "long": "word " * 60,
    "unbroken": "w" * 300,
    "quotes": "\"Said\" 'he', <b>she</b> & (they); a@b.example, C:\\ferry",
    "encoded": "=?utf-8?q?Not_a_word?= and =?utf-8?b?bm90?=",
    "crlf": "Ferry\r\nBcc: eve@example.org\r\n\r\n<b>body</b>",
    "newlines": "Ferry\nX-Evil: 1\rX-More: 2\u2028X-Line: 3\x00\x0b",
    "bidi": "Ferry \u202egnp.exe\u2066 back",
    "markers": "{{ own.name }} %%user%% {n} $name ${x} {{unsubscribeUrl}}",
    "dots": ".\n..\nFrom here on",
}
NAMES = ('Courant, "Daily"', "Café «Courant» 夕刊", "The O'Courant (morning)", "=?utf-8?q?a?=")


def sent(pressing: Pressing, digest: Digest, *, text_only: bool = False) -> bytes:
    """The bytes that SES gets."""
    return digests.message(
        pressing,
        digest,
        to=TO,
        now=scenes.NOW,
        unsubscribe_url=sample_digest.UNSUBSCRIBE_URL,
        text_only=text_only,
    )


def titled(title: str) -> tuple[Pressing, Digest]:
    """A digest whose lead, and so its subject, is this."""
    newsletter = scenes.newsletter("en", "brief")
    url = newsletter.sections[0].feeds[0]
    lead = replace(scenes.candidates("en")[url][0], title=title)
    pressing = sample_digest.compose_all(newsletter, {url: [lead]}, scenes.NOW)
    digest = digests.join(pressing, Reader(), sample_digest.UNSUBSCRIBE_URL)
    assert digest is not None
    return pressing, digest


def expected(pressing: Pressing, digest: Digest, raw: bytes, *, text_only: bool = False) -> Seen:
    """What everybody must read. Header names are those of the raw bytes."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    masthead = pressing.masthead
    return Seen(
        subject=digest.subject,
        sender=(masthead.sender_name, masthead.sender_address),
        to=(TO,),
        unsubscribe=(f"<{sample_digest.UNSUBSCRIBE_URL}>",),
        one_click=("List-Unsubscribe=One-Click",),
        names=tuple(
            line.partition(":")[0].lower() for line in head.split("\r\n") if line[0] not in " \t"
        ),
        text=digest.text.rstrip("\n") + "\n",
        html=None if text_only else digest.html.rstrip("\n") + "\n",
    )


def agree(cases: dict[str, tuple[Pressing, Digest, bool]]) -> None:
    """All three parsers read what we meant."""
    raws = [sent(pressing, digest, text_only=bare) for pressing, digest, bare in cases.values()]
    postal = by_postal_mime(raws)
    for (name, (pressing, digest, bare)), raw, third in zip(
        cases.items(), raws, postal, strict=True
    ):
        meant = expected(pressing, digest, raw, text_only=bare)
        assert by_python(raw) == meant, name
        assert by_old_python(raw) == meant, name
        assert third == meant, name


def test_every_look_is_read_as_it_was_written() -> None:
    cases = {
        f"{look} {language}": (
            scenes.pressing(language, look),
            scenes.digest(language, look),
            False,
        )
        for look, language in product(LOOKS, scenes.LANGUAGES)
    }
    pressing, digest, _ = cases["broadsheet ar"]

    agree(cases | {"text only": (pressing, digest, True)})


def test_no_title_breaks_a_mail() -> None:
    cases = {name: (*titled(title), False) for name, title in TITLES.items()}

    agree(cases)

    for name, (pressing, digest, _) in cases.items():
        seen = by_python(sent(pressing, digest))
        assert seen.subject == mime.clean(TITLES[name]), name
        assert not {"bcc", "x-evil", "x-more", "x-line"} & set(seen.names)


@pytest.mark.parametrize("name", NAMES)
def test_a_senders_name_is_read_as_it_was_given(name: str) -> None:
    pressing, digest = scenes.pressing("en", "brief"), scenes.digest("en", "brief")
    masthead = replace(pressing.masthead, sender_name=name)

    agree({name: (replace(pressing, masthead=masthead), digest, False)})
