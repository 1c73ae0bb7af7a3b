"""SES events → evidence for the ledger, and suppression of who bounced or complained.

Reads both of SES's formats (event publishing's ``eventType``, identity notifications'
``notificationType``), inside SNS's envelope or bare. Events come twice, late and out of order; all
that follows is conditional, so order does not matter. Addresses in an event are looked at only to
find the subscriber, never logged.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from courant import log
from courant.delivery.ledger import DeliveryState, Ledger
from courant.schedule import EditionId
from courant.subscribers.address import AddressKey
from courant.subscribers.store import SubscriberStore

_SENT = frozenset({"Send", "Delivery", "DeliveryDelay", "Bounce", "Complaint", "Open", "Click"})
_FAILED = frozenset({"Reject", "Rendering Failure", "RenderingFailure"})
# SES says so, in no JSON, when its event destination is made.
_GREETING = "Successfully validated SNS topic"


class _Loose(BaseModel):
    # SES adds fields as it grows; what we do not know we do not need.
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Recipient(_Loose):
    email: Annotated[str, Field(validation_alias="emailAddress")]


class _Bounce(_Loose):
    type: Annotated[str, Field(validation_alias="bounceType")]
    recipients: Annotated[tuple[_Recipient, ...], Field(validation_alias="bouncedRecipients")] = ()


class _Complaint(_Loose):
    recipients: Annotated[
        tuple[_Recipient, ...], Field(validation_alias="complainedRecipients")
    ] = ()


class _Mail(_Loose):
    message_id: Annotated[str, Field(validation_alias="messageId")] = ""
    tags: dict[str, tuple[str, ...]] = {}

    def tag(self, name: str) -> str | None:
        return next(iter(self.tags.get(name, ())), None)


class SesEvent(_Loose):
    """The part of an SES event that says what became of a mail."""

    type: Annotated[str, Field(validation_alias=AliasChoices("eventType", "notificationType"))]
    mail: _Mail
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an event asks for. ``addresses`` help where it carries no tag of ours."""

    state: DeliveryState | None
    suppress: str | None = None
    addresses: tuple[str, ...] = ()


def read(body: dict[str, Any]) -> SesEvent | None:
    """The SES event in an SQS message's JSON; None for SES's greeting to a new topic.

    Raises:
        pydantic.ValidationError: it is none.
        ValueError: the envelope holds no JSON.
    """
    if "Message" not in body:
        return SesEvent.model_validate(body)
    if str(body["Message"]).startswith(_GREETING):
        return None
    return SesEvent.model_validate(json.loads(body["Message"]))


def judge(event: SesEvent) -> Verdict:
    """What an event means for the delivery and for the subscriber.

    Only permanent bounces suppress: a full mailbox (Transient) or an odd auto-reply
    (Undetermined) is no reason never to write again.
    """
    state = None
    if event.type in _SENT:
        state = DeliveryState.SENT
    elif event.type in _FAILED:
        state = DeliveryState.FAILED
    if event.type == "Bounce" and event.bounce and event.bounce.type == "Permanent":
        return Verdict(state, "bounced", tuple(r.email for r in event.bounce.recipients))
    if event.type == "Complaint" and event.complaint:
        return Verdict(state, "complained", tuple(r.email for r in event.complaint.recipients))
    return Verdict(state)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Acts on SES events."""

    ledger: Ledger
    subscribers: SubscriberStore
    key: AddressKey

    def take(self, body: dict[str, Any], now: datetime) -> None:
        """Act on one SQS message; a repeated one changes nothing."""
        event = read(body)
        if event is None:
            return
        verdict = judge(event)
        sid, edition = event.mail.tag("rid"), _edition(event.mail.tag("ed"))
        if verdict.state is not None and sid and edition:
            self.ledger.evidence(edition, sid, verdict.state, event.type, now)
        if verdict.suppress:
            for one in self._sids(sid, verdict.addresses):
                self.subscribers.suppress(one, verdict.suppress, now, self.key)
        log.event(
            "feedback", status=event.type, message=event.mail.message_id, sid=sid, edition=edition
        )

    def _sids(self, tagged: str | None, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if tagged:
            return (tagged,)
        found = (self.subscribers.find(address, self.key) for address in addresses)
        return tuple(sid for sid in found if sid)


def _edition(tag: str | None) -> EditionId | None:
    """The edition that ``EditionId.tag`` named; None for a mail that is no digest."""
    if tag is None:
        return None
    name, _, extra = tag.partition("_x_")
    try:
        return EditionId.parse(name.replace("_", "/") + (f"+{extra}" if extra else ""))
    except ValueError:
        return None
