"""Acts on SES events: evidence for the ledger, suppression of who bounced or complained, counts.

Events come twice, late and out of order. A digest's row goes from open to final once, with the
first of them; what was heard of it only ever becomes worse (taken, then bounced, then complained
about). So the same events leave the same rows in any order; but if SES itself dropped the mail
(Reject), the row is FAILED where that was the first we heard, and SENT with this evidence where SES
had said that it took it. Only the counts may run a little high.

Most events are of digests that are known to be sent: those cost one read of half a unit and no
write. Addresses are looked at only to find the subscriber, never logged.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from courant import log
from courant.delivery.evidence import Evidence
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import FINAL, Delivery, DeliveryState, Ledger
from courant.delivery.ses_events import Ignored, SesEvent, read
from courant.schedule import EditionId
from courant.subscribers.address import AddressKey
from courant.subscribers.store import SubscriberStore

# What is said of a mail, from good to worse; SES drops or bounces a mail, not both.
_GRAVITY = {"Bounce": 1, "Reject": 1, "RenderingFailure": 1, "Complaint": 2}
_GOOD = ("Send", "Delivery", "DeliveryDelay", "Open", "Click")
_DUPLICATE = "dup_suspected"


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be counted of an event: names of brake.Heard's fields."""

    edition: EditionId
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """Acts on SES events."""

    ledger: Ledger
    evidence: Evidence
    heard: HeardStore
    subscribers: SubscriberStore
    key: AddressKey

    def take(self, body: object, now: datetime) -> Told | None:
        """Act on one SQS message; what of it ``count`` is to add, if anything.

        Raises:
            ValueError: it is an event that matters, and can't be read.
            Conflict: somebody else is changing the same rows; the message must come again.
        """
        event = read(body)
        if isinstance(event, Ignored):
            log.event("feedback", status="ignored", reason=event.reason)
            return None
        edition = edition_of(event.edition)
        counts = self._note(edition, event, now) if edition and event.sid else ()
        if event.suppress:
            for sid in self._sids(event):
                self.subscribers.suppress(sid, event.suppress, now, self.key)
        if event.bad or not edition:
            # The good news of a million mails would cost more to log than to hear.
            log.event(
                "feedback",
                status=event.type,
                reason=event.reason,
                message=event.message_id,
                sid=event.sid,
                edition=edition,
            )
        return Told(edition, counts) if edition and counts else None

    def count(self, told: Iterable[Told], now: datetime) -> None:
        """Add what an invocation was told to the counts of the editions, one write each."""
        sums: dict[EditionId, Counter[str]] = {}
        for one in told:
            sums.setdefault(one.edition, Counter()).update(one.counts)
        for edition, counts in sums.items():
            self.heard.add(edition, counts, now)

    def _note(self, edition: EditionId, event: SesEvent, now: datetime) -> tuple[str, ...]:
        """Write what the event says of its digest; what is to be counted of it beside.

        Bad news is rare, and the brake rests on it: it is counted with the row, once.
        """
        sid = event.sid or ""
        row = self.ledger.peek(edition, sid)
        new = False
        also = None
        if event.bad and event.counts:
            also = self.heard.addition(edition, {event.counts: 1}, now)
        if row is None or row.state not in FINAL or row.state is DeliveryState.UNRESOLVED:
            # Open, as far as a read can tell that is not strong.
            new = self.evidence.tell(
                edition,
                sid,
                event.state,
                event.type,
                now,
                attempt=event.attempt,
                reason=event.reason,
                also=also,
            )
        again = row is not None and _second(row, event)
        if not new and (event.bad or (row is not None and row.auto)):
            # Bad news is kept beside what the row is; in auto, so is that there was any.
            new = self.evidence.note(
                edition,
                sid,
                event.type,
                over=_milder(event.type),
                attempt=None if again or event.state is not DeliveryState.SENT else event.attempt,
                reason=event.reason,
                also=also,
            )
        counted = () if event.counts is None or event.bad else (event.counts,)
        if again:
            log.error("digest", status="heard of twice", edition=edition, sid=sid)
            return (*counted, _DUPLICATE)
        return counted

    def _sids(self, event: SesEvent) -> tuple[str, ...]:
        if event.sid:
            return (event.sid,)
        found = (self.subscribers.find(address, self.key) for address in event.addresses)
        return tuple(sid for sid in found if sid)


def edition_of(tag: str | None) -> EditionId | None:
    """The edition that ``EditionId.tag`` named; None for a mail that is no digest."""
    if tag is None:
        return None
    name, _, extra = tag.partition("_x_")
    try:
        return EditionId.parse(name.replace("_", "/") + (f"+{extra}" if extra else ""))
    except ValueError:
        return None


def _second(row: Delivery, event: SesEvent) -> bool:
    """Whether SES took two attempts of a digest, as far as anybody can say.

    One it took is known where the row is SENT: the attempt that an event told of, or else the one
    that recorded SES's answer.
    """
    known = row.heard or row.attempt
    return (
        row.state is DeliveryState.SENT
        and event.state is DeliveryState.SENT
        and event.attempt is not None
        and known is not None
        and event.attempt != known
    )


def _milder(event: str) -> tuple[str, ...]:
    """The events that this one, told of the same mail, replaces on its row."""
    gravity = _GRAVITY.get(event, 0)
    if not gravity:
        return ()
    return (*_GOOD, *(name for name, other in _GRAVITY.items() if other < gravity))
