"""SES events: read from every form they come in, and what each means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery.ledger import DeliveryState
from courant.delivery.ses_events import Ignored, SesEvent, read

SENT, FAILED = DeliveryState.SENT, DeliveryState.FAILED
READER = {"emailAddress": "reader@example.com"}
ADDRESSES = ("reader@example.com",)
TAGS = {"ed": ["morning_daily_2026-11-22"], "rid": ["ab"], "att": ["one"]}


def event(kind: str, key: str = "eventType", **more: Any) -> dict[str, Any]:
    return {key: kind, "mail": {"messageId": "m1", "tags": TAGS}, **more}


def bounce(kind: str, sub_type: str | None = None) -> dict[str, Any]:
    return {
        "bounce": {
            "bounceType": kind,
            "bounceSubType": sub_type,
            "bouncedRecipients": [READER],
        }
    }


def complaint(kind: str | None = None, sub_type: str | None = None) -> dict[str, Any]:
    return {
        "complaint": {
            "complaintFeedbackType": kind,
            "complaintSubType": sub_type,
            "complainedRecipients": [READER],
        }
    }


def meant(body: object) -> SesEvent:
    found = read(body)
    assert isinstance(found, SesEvent), found
    return found


def wraps(body: dict[str, Any]) -> dict[str, Any]:
    """Every form in which the same event may come, by name."""
    bridged = {"detail-type": "Email Something", "source": "aws.ses", "detail": body}
    return {
        "bare": body,
        "sns": {"Type": "Notification", "Message": json.dumps(body)},
        "sns with a line end": {"Type": "Notification", "Message": json.dumps(body) + "\n"},
        "eventbridge": bridged,
        "eventbridge through sns": {"Type": "Notification", "Message": json.dumps(bridged)},
    }


@pytest.mark.parametrize("form", list(wraps({})))
@pytest.mark.parametrize("key", ["eventType", "notificationType"])
@pytest.mark.parametrize(
    ("kind", "more", "state", "counts", "suppress"),
    [
        ("Send", {"send": {}}, SENT, None, None),
        ("Delivery", {"delivery": {}}, SENT, "delivered", None),
        ("DeliveryDelay", {"deliveryDelay": {}}, SENT, "delayed", None),
        ("Open", {"open": {}}, SENT, None, None),
        ("Reject", {"reject": {"reason": "Bad content"}}, FAILED, "rejected", None),
        ("Rendering Failure", {"failure": {}}, FAILED, "rejected", None),
        ("Bounce", bounce("Permanent", "General"), SENT, "bounced", "bounced"),
        ("Bounce", bounce("Permanent", "Suppressed"), SENT, "bounced", "bounced"),
        ("Bounce", bounce("Permanent", "OnAccountSuppressionList"), SENT, "suppressed", "bounced"),
        ("Bounce", bounce("Transient", "MailboxFull"), SENT, "soft_bounced", None),
        ("Bounce", bounce("Undetermined"), SENT, "soft_bounced", None),
        ("Bounce", {}, SENT, "soft_bounced", None),
        ("Complaint", complaint("abuse"), SENT, "complained", "complained"),
        ("Complaint", complaint(), SENT, "complained", "complained"),
        (
            "Complaint",
            complaint(None, "OnAccountSuppressionList"),
            SENT,
            "suppressed",
            "complained",
        ),
        ("Complaint", complaint("not-spam"), SENT, None, None),
    ],
)
def test_what_an_event_means(
    kind: str,
    more: dict[str, Any],
    state: DeliveryState,
    counts: str | None,
    suppress: str | None,
    key: str,
    form: str,
) -> None:
    found = meant(wraps(event(kind, key, **more))[form])

    assert (found.state, found.counts, found.suppress) == (state, counts, suppress)
    assert found.addresses == (ADDRESSES if suppress else ())
    assert found.bad == (counts not in (None, "delivered", "delayed"))
    assert (found.edition, found.sid, found.attempt) == ("morning_daily_2026-11-22", "ab", "one")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (event("Bounce", **bounce("Permanent", "NoEmail")), "Permanent NoEmail"),
        (event("Bounce", **bounce("Transient")), "Transient"),
        (event("Complaint", **complaint("abuse")), "abuse"),
        (event("Complaint", **complaint()), "complaint"),
        (event("Reject", reject={"reason": "Bad content"}), "Bad content"),
        (event("Reject", reject={"reason": "<b>ada@example.org</b>\r\n"}), "b ada example.org b"),
        (event("Reject"), "rejected"),
        (event("Delivery"), None),
    ],
)
def test_the_reason_is_a_word_of_sess_and_nothing_that_breaks_a_line(
    body: dict[str, Any], reason: str | None
) -> None:
    assert meant(body).reason == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "no SES event"),
        ([], "no SES event"),
        (None, "no SES event"),
        ("hello", "no SES event"),
        ({"Message": "{}"}, "no SES event"),
        ({"Message": "not JSON"}, "a message without an event"),
        ({"detail-type": "Email Bounced", "detail": None}, "no SES event"),
        ({"detail-type": "Object Created", "detail": {"bucket": {}}}, "no SES event"),
        (event("SomethingNew"), "type SomethingNew"),
        (event("Subscription"), "type Subscription"),
        ({"notificationType": "AmazonSnsSubscriptionSucceeded"}, None),
        ({"Type": "SubscriptionConfirmation", "Message": "You have chosen"}, None),
        (
            {
                "Type": "Notification",
                "Message": "Successfully validated SNS topic for Amazon SES event publishing.",
            },
            "greeting",
        ),
    ],
)
def test_what_is_no_event_of_a_mail_is_nothing_to_worry_about(
    body: object, reason: str | None
) -> None:
    found = read(body)

    assert isinstance(found, Ignored)
    assert reason in (None, found.reason)


@pytest.mark.parametrize(
    "body",
    [
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": None},
        {"eventType": "Bounce", "mail": {}, "bounce": {"bouncedRecipients": [{}]}},
        {"Type": "Notification", "Message": '{"eventType": "Bounce", "mail": {'},
    ],
)
def test_an_event_that_matters_and_can_not_be_read_is_not_swallowed(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = ("eventType", "notificationType", "mail", "bounce", "complaint", "Message", "detail")


@given(st.dictionaries(st.sampled_from((*NAMES, "detail-type", "Type")), JSON) | JSON)
def test_nothing_that_is_json_does_worse_than_a_value_error(body: object) -> None:
    try:
        found = read(body)
    except ValueError:
        return
    assert isinstance(found, SesEvent | Ignored)
