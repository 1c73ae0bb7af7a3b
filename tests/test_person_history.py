"""What is said of an edition and one person, with a row of theirs and without."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from courant.delivery.ledger import Delivery, DeliveryState
from courant.editions.model import Edition, EditionState
from courant.schedule import EditionId, Slot
from courant.subscribers.model import Member, Status, Subscription
from desk.person_history import told

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NOW = START + timedelta(days=1)
EDITION = Edition(
    id=EditionId.parse("morning/daily/2026-11-22"),
    state=EditionState.SENT,
    started_at=START,
    closes_at=START,
    by_hand=False,
    epoch="1",
    moved_at=START,
)
SUBSCRIPTION = Subscription(Slot("daily"))
MEMBER = Member(sid="a" * 32, email="a@example.org", active_from=START - timedelta(days=9))
ROW = Delivery(
    sid="a" * 32,
    state=DeliveryState.SENT,
    chunk="c",
    attempt="1",
    lease=0,
    tries=1,
    at=START,
    reason=None,
)


@pytest.mark.parametrize(
    ("change", "did", "why"),
    [
        ({}, "sent", "taken by SES, and nothing bad was heard since"),
        ({"evidence": "Delivery"}, "sent", "delivered"),
        ({"evidence": "Bounce", "reason": "Permanent General"}, "sent", "bounced; Permanent"),
        ({"evidence": "Complaint"}, "sent", "marked as spam by them"),
        ({"tries": 2}, "sent", "2 tries"),
        ({"state": DeliveryState.SKIPPED, "reason": "left"}, "skipped", "left"),
        ({"state": DeliveryState.FAILED, "reason": "MessageRejected"}, "failed", "MessageRejected"),
        ({"state": DeliveryState.UNRESOLVED}, "unresolved", "nobody knows whether it arrived"),
    ],
)
def test_a_row_tells_state_evidence_and_reason(
    change: dict[str, object], did: str, why: str
) -> None:
    one = told(EDITION, replace(ROW, **change), SUBSCRIPTION, MEMBER, NOW)  # type: ignore[arg-type]  # fields of any type

    assert one.did == did
    assert why in one.why


@pytest.mark.parametrize(
    ("edition", "subscription", "member", "why"),
    [
        ({}, {"slot": Slot("weekly")}, {}, "they get the weekly edition"),
        ({}, {}, {"active_from": START + timedelta(hours=1)}, "they joined"),
        ({}, {}, {"gone_at": START, "gone_reason": "page"}, "they had left by then (page)"),
        ({}, {"status": Status.PENDING}, None, "they have not confirmed"),
        ({}, {"status": Status.UNSUBSCRIBED}, None, "they are unsubscribed"),
        ({"state": EditionState.SKIPPED, "reason": "too little news"}, {}, {}, "too little news"),
        ({"state": EditionState.CANCELLED}, {}, {}, "cancelled before their turn"),
        ({"state": EditionState.PAUSED}, {}, {}, "it is paused"),
        ({}, {}, {}, "in no slot that it went to"),
    ],
)
def test_without_a_row_the_reason_is_found(
    edition: dict[str, object],
    subscription: dict[str, object],
    member: dict[str, object] | None,
    why: str,
) -> None:
    one = told(
        replace(EDITION, **edition),  # type: ignore[arg-type]  # fields of any type
        None,
        replace(SUBSCRIPTION, **subscription),  # type: ignore[arg-type]  # as above
        None if member is None else replace(MEMBER, **member),  # type: ignore[arg-type]  # as above
        NOW,
    )

    assert one.did.startswith("nothing")
    assert why in one.why


def test_after_ninety_days_nobody_can_say() -> None:
    one = told(EDITION, None, SUBSCRIPTION, MEMBER, NOW + timedelta(days=90))

    assert one.did == "not known"
