"""What SES tells of a mail, read from every form it comes in, and what that means. Pure.

Forms: event publishing (``eventType``) and identity notifications (``notificationType``); bare, in
SNS's envelope, or as EventBridge has them (``detail``). Formats: "Contents of event notifications"
and "Amazon SNS notification contents" in the SES developer guide. What is no event of a mail is
``Ignored``, with the reason; an event that would matter but can't be read raises, so that somebody
looks at it in the dead-letter queue.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from courant.delivery.ledger import DeliveryState

# Told of a mail that SES took, whatever became of it then.
_TAKEN = frozenset({"Send", "Delivery", "DeliveryDelay", "Bounce", "Complaint", "Open", "Click"})
# Told of one that it never gave to anybody's mail server.
_DROPPED = frozenset({"Reject", "RenderingFailure"})

# SES says so, in no JSON, when its event destination is made.
_GREETING = "Successfully validated SNS topic"
# An envelope in an envelope: EventBridge's event through SNS.
_ENVELOPES = 2
_NO_NAME = re.compile(r"[^A-Za-z0-9 _.-]+")

# The address had complained or bounced before, with any sender of this account. SES took the mail
# and did not try; it counts neither as a bounce nor as a complaint of ours.
_LISTED = "OnAccountSuppressionList"
_NOT_SPAM = "not-spam"


class _Loose(BaseModel):
    # SES adds fields as it grows; what we do not know we do not need.
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Recipient(_Loose):
    email: Annotated[str, Field(validation_alias="emailAddress")]


class _Bounce(_Loose):
    type: Annotated[str, Field(validation_alias="bounceType")] = "Undetermined"
    sub_type: Annotated[str | None, Field(validation_alias="bounceSubType")] = None
    recipients: Annotated[tuple[_Recipient, ...], Field(validation_alias="bouncedRecipients")] = ()


class _Complaint(_Loose):
    type: Annotated[str | None, Field(validation_alias="complaintFeedbackType")] = None
    sub_type: Annotated[str | None, Field(validation_alias="complaintSubType")] = None
    recipients: Annotated[
        tuple[_Recipient, ...], Field(validation_alias="complainedRecipients")
    ] = ()


class _Reject(_Loose):
    reason: str | None = None


class _Mail(_Loose):
    message_id: Annotated[str, Field(validation_alias="messageId")] = ""
    tags: dict[str, tuple[str, ...]] = {}


class _Event(_Loose):
    mail: _Mail
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None
    reject: _Reject | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """It is no event of a mail, or of a type that says nothing to us; ``reason`` is for the log."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SesEvent:
    """One event of one mail, and what it means.

    ``edition``, ``sid`` and ``attempt`` are the mail's tags, as they were sent. ``state`` is what
    becomes of a digest of which nothing was known; ``counts`` the number of an edition that grows
    (brake.Heard); ``bad``, that it is worth keeping beside a digest that is known to be sent.
    ``suppress`` says why ``addresses`` are never to be written to again, if so.
    """

    type: str
    message_id: str
    edition: str | None
    sid: str | None
    attempt: str | None
    state: DeliveryState
    counts: str | None = None
    bad: bool = False
    reason: str | None = None
    suppress: str | None = None
    addresses: tuple[str, ...] = ()


def read(body: object) -> SesEvent | Ignored:
    """The event in an SQS message's JSON.

    Raises:
        ValueError: it is an event that we act on, and it can't be read (pydantic's included).
    """
    inner = _unwrapped(body)
    if isinstance(inner, Ignored):
        return inner
    kind = inner.get("eventType") or inner.get("notificationType")
    if not isinstance(kind, str):
        return Ignored("no SES event")
    # "Rendering Failure", as SES writes it.
    kind = "".join(kind.split())
    if kind not in _TAKEN | _DROPPED:
        return Ignored(f"type {_plain(kind)}")
    return _meant(kind, _Event.model_validate(inner))


def _unwrapped(body: object) -> Mapping[str, Any] | Ignored:
    for _ in range(_ENVELOPES):
        if not isinstance(body, dict):
            return Ignored("no SES event")
        if isinstance(message := body.get("Message"), str):
            if body.get("Type", "Notification") != "Notification":
                return Ignored("an SNS subscription")
            if not message.lstrip().startswith("{"):
                greeting = message.startswith(_GREETING)
                return Ignored("greeting" if greeting else "a message without an event")
            body = json.loads(message)
        elif "detail-type" in body:
            body = body.get("detail")
    return body if isinstance(body, dict) else Ignored("no SES event")


def _meant(kind: str, event: _Event) -> SesEvent:
    tags = event.mail.tags
    edition, sid, attempt = (next(iter(tags.get(name, ())), None) for name in ("ed", "rid", "att"))
    state = DeliveryState.SENT if kind in _TAKEN else DeliveryState.FAILED
    more: dict[str, Any] = {}
    match kind:
        case "Delivery":
            more = {"counts": "delivered"}
        case "DeliveryDelay":
            more = {"counts": "delayed"}
        case "Bounce":
            more = _bounced(event.bounce or _Bounce())
        case "Complaint":
            more = _complained(event.complaint or _Complaint())
        case "Reject":
            said = event.reject.reason if event.reject else None
            more = {"counts": "rejected", "bad": True, "reason": _plain(said or "rejected")}
        case "RenderingFailure":
            more = {"counts": "rejected", "bad": True, "reason": "rendering failure"}
    return SesEvent(
        type=kind,
        message_id=event.mail.message_id,
        edition=edition,
        sid=sid or None,
        attempt=attempt or None,
        state=state,
        **more,
    )


def _bounced(bounce: _Bounce) -> dict[str, Any]:
    """Only permanent bounces suppress: a full mailbox (Transient) or an odd auto-reply
    (Undetermined) is no reason never to write again.
    """
    reason = _plain(f"{bounce.type} {bounce.sub_type or ''}")
    if bounce.type != "Permanent":
        return {"counts": "soft_bounced", "bad": True, "reason": reason}
    return {
        "counts": "suppressed" if bounce.sub_type == _LISTED else "bounced",
        "bad": True,
        "reason": reason,
        "suppress": "bounced",
        "addresses": tuple(one.email for one in bounce.recipients),
    }


def _complained(complaint: _Complaint) -> dict[str, Any]:
    if complaint.type == _NOT_SPAM:
        # Somebody took the mail out of the spam folder: the opposite of a complaint.
        return {}
    listed = complaint.sub_type == _LISTED
    return {
        "counts": "suppressed" if listed else "complained",
        "bad": True,
        "reason": _plain(_LISTED if listed else complaint.type or "complaint"),
        "suppress": "complained",
        "addresses": tuple(one.email for one in complaint.recipients),
    }


def _plain(text: str) -> str:
    """Fit for a log and a report: it is others who write it."""
    return " ".join(_NO_NAME.sub(" ", text).split())[:60]
