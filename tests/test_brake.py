"""The brake: a bad list is noticed while it is small, and an accident is no reason."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery.brake import BOUNCES, BOUNCES_MIN, COMPLAINTS, COMPLAINTS_MIN, Heard, brake
from courant.schedule import EditionId

EDITION = EditionId.parse("morning/daily/2026-11-22")


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (200, Heard(delivered=170, bounced=30)),  # a bad list, imported
        (1_000, Heard(delivered=950, bounced=50)),
        (1_000, Heard(delivered=997, complained=3)),
        # Most are on their way; of those that are heard of, one in ten.
        (20_000, Heard(delivered=900, bounced=100)),
        (300, Heard(bounced=30)),  # no delivery yet
        (90_000, Heard(delivered=80_000, complained=80)),
    ],
)
def test_a_bad_list_stops_the_edition(sent: int, heard: Heard) -> None:
    assert brake(EDITION, sent, heard)


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (0, Heard()),
        (10, Heard(delivered=9, complained=1)),
        (10, Heard(delivered=2, bounced=8)),
        (1_000, Heard(delivered=951, bounced=49)),
        (90_000, Heard(delivered=80_000, complained=79)),
        # Bounces may come before deliveries: forty of the first thousand are no twentieth.
        (5_000, Heard(delivered=100, bounced=40)),
        # SES's deliveries are not heard at all; it is not the list that is bad.
        (90_000, Heard(bounced=400)),
        # Full mailboxes, and addresses that SES knew and did not try, hurt nobody's name.
        (1_000, Heard(delivered=700, soft_bounced=150, suppressed=150, delayed=100)),
    ],
)
def test_an_accident_or_a_good_list_does_not(sent: int, heard: Heard) -> None:
    assert brake(EDITION, sent, heard) is None


def test_the_reason_says_what_came_and_how_to_go_on() -> None:
    reason = brake(EDITION, 1_200, Heard(delivered=1_000, bounced=200))

    assert reason == (
        "200 of 1,200 mails bounced for good (16.7 %; SES puts a sender under review at 5 %). "
        "See where these addresses come from, then cancel, or go on with: "
        "courant editions resume morning/daily/2026-11-22"
    )


@given(
    sent=st.integers(0, 10**6),
    delivered=st.integers(0, 10**6),
    bounced=st.integers(0, 10**5),
    complained=st.integers(0, 10**5),
    more=st.integers(0, 10**5),
)
def test_more_deliveries_never_stop_an_edition_and_more_bad_news_never_frees_it(
    sent: int, delivered: int, bounced: int, complained: int, more: int
) -> None:
    delivered = max(delivered, 1)
    heard = Heard(delivered=delivered, bounced=bounced, complained=complained)
    if brake(EDITION, sent, heard):
        worse = Heard(delivered=delivered, bounced=bounced + more, complained=complained + more)
        # Bounces are mails too: they dilute complaints.
        if not more or worse.bounced >= max(BOUNCES_MIN, BOUNCES * (worse.answered + 1_000)):
            assert brake(EDITION, sent, worse)
    else:
        better = Heard(delivered=delivered + more, bounced=bounced, complained=complained)
        assert brake(EDITION, sent, better) is None


@pytest.mark.parametrize(
    ("rate", "limit", "minimum"),
    [(0.02, BOUNCES, BOUNCES_MIN), (0.0001, COMPLAINTS, COMPLAINTS_MIN)],
)
def test_a_good_list_is_hardly_ever_stopped_by_accident(
    rate: float, limit: float, minimum: int
) -> None:
    """Looked at when the limit has just come to be the minimum: its worst moment."""
    mails = int(minimum / limit)
    by_accident = 1 - sum(
        comb(mails, k) * rate**k * (1 - rate) ** (mails - k) for k in range(minimum)
    )

    assert by_accident < 0.01
