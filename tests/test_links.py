"""Links are ours alone: what we sign we read, and nothing else."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.errors import LinkInvalid
from courant.subscribers.links import CONFIRM_WITHIN, Link, Links, Purpose

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
SITE = "https://news.example.org"
LINKS = Links(SITE, [b"the current key", b"the one before"])
SID = "0123456789abcdef0123456789abcdef"

sids = st.binary(min_size=16, max_size=16).map(bytes.hex)
newsletters = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)


def token(url: str) -> str:
    return url.rpartition("/")[2]


@given(sids, newsletters)
def test_what_is_signed_is_read(sid: str, newsletter: str) -> None:
    urls = {
        Purpose.UNSUBSCRIBE: LINKS.unsubscribe(sid, newsletter),
        Purpose.CONFIRM: LINKS.confirm(sid, newsletter, NOW),
    }

    read = {purpose: LINKS.read(token(url), NOW) for purpose, url in urls.items()}

    assert read == {purpose: Link(purpose, sid, newsletter) for purpose in urls}


@given(sids, newsletters)
def test_a_link_is_short_and_safe_in_any_text(sid: str, newsletter: str) -> None:
    for url in (
        LINKS.unsubscribe(sid, newsletter),
        LINKS.confirm(sid, newsletter, NOW),
        LINKS.sample(newsletter),
    ):
        path = url.removeprefix(SITE)

        assert len(path) < 120
        assert re.fullmatch(r"[A-Za-z0-9/._-]+", path)
        assert path[-1].isalnum()


def test_a_sample_belongs_to_nobody() -> None:
    link = LINKS.read(token(LINKS.sample("morning")), NOW)

    assert link == Link(Purpose.SAMPLE, "0" * 32, "morning")


@pytest.mark.parametrize(
    "good",
    [
        token(LINKS.unsubscribe(SID, "morning")),
        token(LINKS.confirm(SID, "morning", NOW)),
        token(LINKS.sample("morning")),
    ],
)
def test_every_flipped_bit_every_cut_and_every_addition_is_refused(good: str) -> None:
    data = good.encode()
    flipped = [
        (data[:n] + bytes([data[n] ^ 1 << bit]) + data[n + 1 :]).decode("latin-1")
        for n in range(len(data))
        for bit in range(8)
    ]
    cut = [good[:n] for n in range(len(good))] + [good[n:] for n in range(1, len(good))]
    added = [good + extra for extra in ("=", "==", ".", "A", "\n", " ")]

    for bad in (*flipped, *cut, *added, good.upper(), good.lower()):
        with pytest.raises(LinkInvalid):
            LINKS.read(bad, NOW)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_link_for_one_purpose_is_none_for_another(purpose: Purpose) -> None:
    for good in (
        LINKS.unsubscribe(SID, "morning"),
        LINKS.sample("morning"),
        LINKS.confirm(SID, "morning", NOW),
    ):
        parts = token(good).split(".")
        if parts[2] == purpose:
            continue
        parts[2] = purpose

        with pytest.raises(LinkInvalid):
            LINKS.read(".".join(parts), NOW)


def test_a_confirmation_ends_and_an_unsubscribe_link_never_does() -> None:
    confirm, leave = token(LINKS.confirm(SID, "morning", NOW)), token(LINKS.unsubscribe(SID, "m"))

    assert LINKS.read(confirm, NOW + CONFIRM_WITHIN).purpose is Purpose.CONFIRM
    assert LINKS.read(leave, NOW + timedelta(days=10_000)).purpose is Purpose.UNSUBSCRIBE
    with pytest.raises(LinkInvalid):
        LINKS.read(confirm, NOW + CONFIRM_WITHIN + timedelta(seconds=1))


def test_an_expiry_can_not_be_taken_off_or_moved() -> None:
    parts = token(LINKS.confirm(SID, "morning", NOW)).split(".")
    without = [*parts[:5], parts[6]]
    later = [*parts[:5], str(int(parts[5]) + 1), parts[6]]

    for bad in (without, later):
        with pytest.raises(LinkInvalid):
            LINKS.read(".".join(bad), NOW)


def test_links_of_the_key_before_still_work_and_new_ones_are_of_the_new_key() -> None:
    before = Links(SITE, [b"the one before"])
    after = Links(SITE, [b"the current key"])

    assert LINKS.read(token(before.unsubscribe(SID, "m")), NOW).sid == SID
    assert after.read(token(LINKS.unsubscribe(SID, "m")), NOW).sid == SID
    with pytest.raises(LinkInvalid):
        before.read(token(LINKS.unsubscribe(SID, "m")), NOW)


@given(st.text())
def test_anything_else_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read(text, NOW)
