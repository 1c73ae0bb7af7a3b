"""SES events: what they say of a delivery, and whom they bar."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery.feedback import Verdict, _edition, judge, read
from courant.delivery.ledger import DeliveryState
from courant.schedule import EditionId

SENT, FAILED = DeliveryState.SENT, DeliveryState.FAILED
READER = {"emailAddress": "reader@example.com"}


def event(kind: str, key: str = "eventType", **more: Any) -> dict[str, Any]:
    return {key: kind, "mail": {"messageId": "m1", "tags": {"rid": ["ab"]}}, **more}


@pytest.mark.parametrize("key", ["eventType", "notificationType"])
@pytest.mark.parametrize(
    ("kind", "more", "verdict"),
    [
        ("Send", {"send": {}}, Verdict(SENT)),
        ("Delivery", {"delivery": {}}, Verdict(SENT)),
        ("DeliveryDelay", {"deliveryDelay": {}}, Verdict(SENT)),
        ("Reject", {"reject": {"reason": "Bad content"}}, Verdict(FAILED)),
        ("Rendering Failure", {"failure": {}}, Verdict(FAILED)),
        (
            "Bounce",
            {"bounce": {"bounceType": "Permanent", "bouncedRecipients": [READER]}},
            Verdict(SENT, "bounced", ("reader@example.com",)),
        ),
        (
            "Bounce",
            {"bounce": {"bounceType": "Transient", "bouncedRecipients": [READER]}},
            Verdict(SENT),
        ),
        (
            "Complaint",
            {"complaint": {"complainedRecipients": [READER]}},
            Verdict(SENT, "complained", ("reader@example.com",)),
        ),
        ("SomethingNew", {}, Verdict(None)),
    ],
)
def test_what_an_event_means(kind: str, more: dict[str, Any], verdict: Verdict, key: str) -> None:
    assert verdict_of(event(kind, key, **more)) == verdict


def test_an_event_in_snss_envelope_is_the_same_event() -> None:
    body = event("Delivery")

    assert read({"Type": "Notification", "Message": json.dumps(body)}) == read(body)


@pytest.mark.parametrize(
    "body", [{}, {"Message": "not json"}, {"Message": "{}"}, {"eventType": "Send"}]
)
def test_what_is_no_event_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(body)


@given(
    newsletter=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True),
    extra=st.none() | st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True),
)
def test_an_edition_survives_being_a_tag(newsletter: str, extra: str | None) -> None:
    edition = EditionId(newsletter, "daily", date(2026, 11, 22), extra)

    assert _edition(edition.tag) == edition
    assert set(edition.tag) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@pytest.mark.parametrize("tag", [None, "", "confirmation", "a_b", "__"])
def test_a_tag_of_something_else_is_no_edition(tag: str | None) -> None:
    assert _edition(tag) is None


def test_sess_greeting_to_a_new_topic_is_nothing_to_worry_about() -> None:
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."

    assert read({"Type": "Notification", "Message": greeting}) is None


def verdict_of(body: dict[str, Any]) -> Verdict:
    found = read(body)
    assert found is not None
    return judge(found)


def test_real_events_are_read(shared: Path) -> None:
    kinds = set()
    for path in sorted((shared / "corpora" / "ses-events").rglob("*.json")):
        body = json.loads(path.read_text())
        if not isinstance(body, dict):
            continue
        inner = str(body.get("Message", "")) if body.get("Type") == "Notification" else ""
        bare = "mail" in body and {"eventType", "notificationType"} & set(body)
        if bare or (inner.startswith("{") and '"mail"' in inner):
            kinds.add(judge_type(body))

    assert {"Bounce", "Complaint", "Delivery", "Send", "Reject"} <= kinds


def judge_type(body: dict[str, Any]) -> str:
    """The type of an event that can be judged without an error."""
    found = read(body)
    assert found is not None
    judge(found)
    return found.type
