"""What an edition did for one person, or why it did nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from courant.delivery.ledger import KEPT, Delivery, DeliveryState
from courant.editions.model import OPEN, Edition, EditionState
from courant.subscribers.model import Member, Status, Subscription

_WORDS = {
    "Send": "taken by SES",
    "Delivery": "delivered",
    "DeliveryDelay": "delayed on the way",
    "Open": "opened",
    "Click": "clicked",
    "Bounce": "bounced",
    "Complaint": "marked as spam by them",
    "Reject": "dropped by SES",
    "RenderingFailure": "dropped by SES",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One edition for one person. ``delivery`` is None where the ledger has no row of theirs."""

    edition: Edition
    delivery: Delivery | None
    did: str
    why: str


def told(
    edition: Edition,
    delivery: Delivery | None,
    subscription: Subscription,
    member: Member | None,
    now: datetime,
) -> Told:
    """What an edition did, from its row in the ledger or, without one, from where they are listed.

    ``member`` is their membership as it is now, in the slot they are in now.
    """
    if delivery is not None:
        did, why = delivery.state.value, _of_row(delivery)
    elif edition.started_at + KEPT < now:
        did, why = "not known", f"what an edition did is kept for {KEPT.days} days"
    else:
        did, why = _without_row(edition, subscription, member)
    return Told(edition=edition, delivery=delivery, did=did, why=why)


def _of_row(delivery: Delivery) -> str:
    parts = [_heard(delivery)] if delivery.state is DeliveryState.SENT else []
    if delivery.reason:
        parts.append(delivery.reason)
    if delivery.tries > 1:
        parts.append(f"{delivery.tries} tries")
    if delivery.state is DeliveryState.UNRESOLVED:
        parts.append("nobody knows whether it arrived")
    return "; ".join(parts)


def _heard(delivery: Delivery) -> str:
    if delivery.evidence in _WORDS:
        return _WORDS[delivery.evidence]
    # SES tells of every delivery; on the row only what is worse than that is kept.
    return "taken by SES, and nothing bad was heard since"


def _without_row(
    edition: Edition, subscription: Subscription, member: Member | None
) -> tuple[str, str]:
    if edition.state in {EditionState.SKIPPED, EditionState.EXPIRED}:
        return "nothing", f"nobody got it: {edition.reason or edition.state.value}"
    cut = edition.started_at
    if subscription.slot.cadence != edition.id.cadence:
        return _no_member(f"they get the {subscription.slot.cadence} edition")
    if subscription.status is Status.PENDING:
        return _no_member("they have not confirmed their subscription")
    if member is None:
        return _no_member(f"they are {subscription.status.value}")
    if member.gone_at is not None and member.gone_at <= cut:
        return _no_member(f"they had left by then ({member.gone_reason or 'no reason noted'})")
    if member.active_from > cut and edition.state not in OPEN:
        return _no_member(
            f"they joined, or changed their hour, {member.active_from:%Y-%m-%d %H:%M}"
        )
    if edition.state is EditionState.CANCELLED:
        return "nothing", "it was cancelled before their turn"
    if edition.state in OPEN:
        return "nothing yet", f"it is {edition.state.value}"
    return _no_member("they were in no slot that it went to")


def _no_member(why: str) -> tuple[str, str]:
    return "nothing", f"they were not among its members: {why}"
