"""What an edition costs: the calls that one digest takes, counted, times what AWS asks. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from courant.delivery import plan
from desk import prices

_GB = 1_000_000_000
# Turns are granted for a quarter of a second at a time (pace.py): so many writes, at any pace.
GRANTS_A_SECOND = 4
# What came within the window, so many at most, is one invocation of feedback, and one write.
EVENTS_A_RUN, EVENTS_WINDOW = 100, 5.0
# Where deliveries are not published: bounces, delays and complaints, of one mail in fifty.
BAD_NEWS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What one digest takes, beside its mail; fractions are its share of a call for many.

    Reads and writes are DynamoDB request units. ``row_bytes``: its row in the ledger with
    DynamoDB's own 100 bytes, kept ``row_days``. ``log_bytes``: what is logged of it, by all
    functions. ``worker_rate``: mails a second that one invocation sends when nothing holds it
    back; ``worker_gb`` its memory. ``events``: that SES publishes; ``event_reads``,
    ``event_requests`` (SQS) and ``event_seconds`` (``feedback``) are of one event.
    """

    claim: float = 1.0
    record: float = 1.0
    bookkeeping: float = 0.004  # the cursor of a page of 250
    member_reads: float = 0.14  # counted and paged, 190 bytes; its row recounted, 270 bytes
    event_reads: float = 0.5
    events: float = 1.0
    event_requests: float = 0.2  # SQS hands out, and deletes, ten at a time
    event_seconds: float = 0.0075
    event_gb: float = 0.5
    row_bytes: int = 370
    row_days: int = 90
    log_bytes: int = 4
    worker_rate: float = plan.WALKER_RATE
    worker_gb: float = 1.0
    worker_seconds: float = 105.0  # an invocation's time less its fence

    @property
    def writes(self) -> float:
        """Write units of one digest, without its part of a grant and of ``feedback``'s count."""
        return self.claim + self.record + self.bookkeeping

    @property
    def reads(self) -> float:
        """Read units of one digest."""
        return self.member_reads + self.events * self.event_reads

    def without_delivery_events(self) -> Units:
        """The same on a stack whose DeliveryEvents is "no"."""
        return replace(self, events=BAD_NEWS)


UNITS = Units()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: ``dollars`` for so many of a unit."""

    name: str
    quantity: float
    unit: str
    dollars: float


@dataclass(frozen=True, slots=True)
class Cost:
    """SES's price, à la carte and on its Essentials plan, and what is paid beside it."""

    ses: float
    ses_essentials: float
    lines: tuple[Line, ...]
    units: Units

    @property
    def beside(self) -> float:
        """All lines."""
        return sum(line.dollars for line in self.lines)

    @property
    def share(self) -> float:
        """What is paid beside SES, as a part of SES's lowest price."""
        return self.beside / self.ses if self.ses else 0.0


def cost(members: int, *, workers: int, sending_seconds: float, chunks: int, units: Units) -> Cost:
    """The bill of an edition.

    Args:
        members: digests.
        workers: ``deliver`` invocations at once. They are paid while they wait for their turn.
        sending_seconds: from the first mail to the last, without days of waiting for quota.
        chunks: each is walked, and settled once.
        units: what a digest takes.
    """
    heard = members * units.events
    runs = feedback_runs(heard, sending_seconds)
    grants = min(members, GRANTS_A_SECOND * sending_seconds)
    writes, reads = members * units.writes + grants + runs, members * units.reads
    stored = members * units.row_bytes / _GB * units.row_days / 30
    walking = workers * sending_seconds * units.worker_gb
    walks = workers * sending_seconds / units.worker_seconds + 2 * chunks if members else 0
    hearing = heard * units.event_seconds * units.event_gb
    # A nudge is sent, received and deleted; ten go into one request when chunks are opened.
    nudges = 2.1 * walks
    logged = members * units.log_bytes / _GB
    return Cost(
        ses=members * prices.SES_MAIL,
        ses_essentials=members * prices.SES_MAIL_ESSENTIALS,
        lines=(
            Line("DynamoDB writes", writes, "units", writes * prices.DYNAMODB_WRITE_UNIT),
            Line("DynamoDB reads", reads, "units", reads * prices.DYNAMODB_READ_UNIT),
            Line("ledger kept", stored, "GB-months", stored * prices.DYNAMODB_GB_MONTH),
            Line("SNS events", heard, "messages", heard * prices.SNS_PUBLISH),
            Line(
                "SQS",
                heard * units.event_requests + nudges,
                "requests",
                (heard * units.event_requests + nudges) * prices.SQS_REQUEST,
            ),
            Line(
                "Lambda, deliver",
                walking,
                "GB-seconds",
                walking * prices.LAMBDA_GB_SECOND + walks * prices.LAMBDA_REQUEST,
            ),
            Line(
                "Lambda, feedback",
                hearing,
                "GB-seconds",
                hearing * prices.LAMBDA_GB_SECOND + runs * prices.LAMBDA_REQUEST,
            ),
            Line("S3", walks, "reads", walks * prices.S3_GET),
            Line("logs", logged, "GB", logged * prices.LOGS_GB),
        ),
        units=units,
    )


def feedback_runs(events: float, seconds: float) -> float:
    """Invocations of ``feedback`` for so many events, spread over so many seconds."""
    return min(events, max(events / EVENTS_A_RUN, seconds / EVENTS_WINDOW))
