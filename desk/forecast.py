"""How long an edition takes, what it costs, and what holds it back. Pure arithmetic.

Nothing is asked of AWS: rate and quota are the account's, what a digest takes is ``cost.UNITS``,
how an audience is cut is the code's own (``delivery/plan.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor

from courant.delivery import pace as paces
from courant.delivery import plan
from courant.delivery.allowance import KEPT_BACK
from desk.cost import GRANTS_A_SECOND, UNITS, Cost, Units, cost, feedback_runs

_DAY = 86_400.0

# What a new on-demand table stands at once (developer guide, "warm throughput"); it grows with use.
WARM_WRITES, WARM_READS = 4_000, 12_000
# What one partition, and so one key, can ever take.
PARTITION_WRITES = 1_000
SQS_IN_FLIGHT = 120_000
LAMBDA_AT_ONCE = 1_000  # an account's default
FEEDBACK_AT_ONCE = 10  # the template's


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that has an end: ``used`` of ``limit``, and what raises it.

    ``ceiling``: the pace in mails a second at which it would be used up; None where the pace does
    not matter. ``waits``: what is beyond it waits, and the edition goes on.
    """

    name: str
    used: float
    limit: float
    unit: str
    mend: str
    ceiling: float | None = None
    waits: bool = False

    @property
    def use(self) -> float:
        """The part that is used; 1 and more: there is not enough of it."""
        return self.used / self.limit if self.limit else float("inf")

    @property
    def binds(self) -> bool:
        """Whether it is what holds the edition back."""
        return self.use >= 0.999 and not self.waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What to expect of one edition.

    ``pace``: mails a second. ``duration``: first mail to last, waiting for the next day's quota
    included; ``sending`` without. ``days``: of quota it takes. ``limits``: what holds it back
    first, first.
    """

    members: int
    rate: float
    pace: float
    duration: timedelta
    sending: timedelta
    days: int
    quota_left: int | None
    workers: int
    chunks: int
    write_units: float
    read_units: float
    in_flight: int
    cost: Cost
    limits: tuple[Limit, ...]

    @property
    def fits_today(self) -> bool:
        """Whether what is left of the quota is enough."""
        return self.days == 1

    @property
    def first(self) -> Limit:
        """What to raise first."""
        return self.limits[0]


def forecast(
    members: int,
    rate: float,
    *,
    daily_quota: int | None = None,
    sent_24h: int = 0,
    concurrency: int = 10,
    slots: int = 1,
    units: Units = UNITS,
) -> Forecast:
    """What to expect of an edition that goes to so many.

    Args:
        members: digests.
        rate: the account's MaxSendRate, mails a second, more than 0.
        daily_quota: its Max24HourSend; None for no end.
        sent_24h: what of that was used in the last 24 hours.
        concurrency: the template's DeliverConcurrency.
        slots: how many the members are in, evenly.
        units: what a digest takes.
    """
    allowed = paces.limit(rate)
    chunks = plan.SHARDS * slots * plan.parts(ceil(members / slots), allowed) if members else 0
    workers = min(concurrency, chunks, plan.walkers(allowed))
    pace = min(allowed, workers * units.worker_rate) if members else allowed
    sending = members / pace
    days, waiting, left = _quota(members, pace, daily_quota, sent_24h)
    return Forecast(
        members=members,
        rate=rate,
        pace=pace,
        duration=timedelta(seconds=max(sending, waiting)),
        sending=timedelta(seconds=sending),
        days=days,
        quota_left=left,
        workers=workers,
        chunks=chunks,
        write_units=pace * units.writes
        + min(pace, GRANTS_A_SECOND)
        + feedback_runs(pace * units.events, 1),
        read_units=pace * units.reads,
        in_flight=chunks,
        cost=cost(members, workers=workers, sending_seconds=sending, chunks=chunks, units=units),
        limits=tuple(
            sorted(
                _limits(members, allowed, pace, left, concurrency, chunks, units),
                key=lambda limit: (limit.waits, -limit.use),
            )
        ),
    )


def _quota(
    members: int, pace: float, daily_quota: int | None, sent_24h: int
) -> tuple[int, float, int | None]:
    """Days of quota, seconds from the first mail to the last for its sake, and what is left now."""
    if daily_quota is None:
        return 1, 0.0, None
    full = floor(daily_quota * (1 - KEPT_BACK))
    left = max(daily_quota - sent_24h - ceil(daily_quota * KEPT_BACK), 0)
    # What went out comes back a day later: at a slow pace the quota never runs out.
    if members <= left or (sent_24h == 0 and pace * _DAY <= full):
        return 1, 0.0, left
    more = ceil((members - left) / full) if full else 1
    last = (members - left) - (more - 1) * full
    return 1 + more, more * _DAY + last / pace, left


def _limits(
    members: int,
    allowed: float,
    pace: float,
    left: int | None,
    concurrency: int,
    chunks: int,
    units: Units,
) -> list[Limit]:
    """Everything that has an end, at this pace."""
    per_key = (units.claim + units.record) / plan.SHARDS
    hearing = units.events * units.event_seconds
    found = [
        Limit(
            "SES send rate",
            pace,
            allowed,
            "mails/s",
            "ask AWS for a higher maximum send rate, in Service Quotas under Amazon SES",
            allowed,
        ),
        Limit(
            "DeliverConcurrency",
            allowed / units.worker_rate,
            concurrency,
            "invocations",
            f"deploy with DeliverConcurrency={max(2, ceil(allowed / units.worker_rate))}",
            concurrency * units.worker_rate,
        ),
        Limit(
            "DynamoDB writes",
            pace * units.writes,
            WARM_WRITES,
            "units/s",
            "raise the ledger table's WarmThroughput a day before; later it has grown by itself",
            WARM_WRITES / units.writes,
        ),
        Limit(
            "DynamoDB reads",
            pace * units.reads,
            WARM_READS,
            "units/s",
            "raise the tables' WarmThroughput a day before",
            WARM_READS / units.reads,
        ),
        Limit(
            "one shard of the ledger",
            pace * per_key,
            PARTITION_WRITES,
            "write units/s",
            "nothing does: an edition has sixteen shards, a key takes 1,000 writes a second",
            PARTITION_WRITES / per_key,
        ),
        Limit(
            "nudges in SQS",
            chunks,
            SQS_IN_FLIGHT,
            "in flight",
            "nothing needs to: nudges go out a few at a time, and chunks grow",
            waits=True,
        ),
        Limit(
            "feedback",
            pace * hearing,
            FEEDBACK_AT_ONCE,
            "invocations",
            "nothing needs to: events wait in their queue, and are heard later",
            FEEDBACK_AT_ONCE / hearing,
            waits=True,
        ),
        Limit(
            "Lambda invocations at once",
            min(concurrency, chunks, plan.walkers(allowed)) + pace * hearing,
            LAMBDA_AT_ONCE,
            "invocations",
            "ask AWS for more concurrent executions, in Service Quotas under AWS Lambda",
            LAMBDA_AT_ONCE / (1 / units.worker_rate + hearing),
        ),
    ]
    if left is not None:
        found.append(
            Limit(
                "SES daily quota",
                members,
                left,
                "mails",
                "ask AWS for a higher daily sending quota, in Service Quotas under Amazon SES",
            )
        )
    return found
