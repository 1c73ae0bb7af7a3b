"""How fast editions may go, and how much: the account's own pace, shared by all who send.

Pure. All workers share one schedule of instants, `1/rate` apart, each good for one mail (a GCRA:
"virtual scheduling", ITU-T I.371). A grant takes the next few of them; nobody takes any that lie
more than 2 s ahead, and one that was missed by a quarter of a second is lost. So in any second
editions ask SES for at most ``limit`` and a quarter mails, which is SES's own maximum, and no
worker need know of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from courant.delivery.allowance import KEPT_BACK, Account

# Of SES's maximum: what we use of it, and what of that is for letters (confirmations must not
# wait for an edition of a million).
_USED, _FOR_LETTERS = 900, 100
# Grants go on into half of what an edition may not count on at its start, so that one which was
# let in is not stopped short by instants that were missed. The next look puts the sum right.
_KEPT_TO_THE_END = KEPT_BACK / 2

AHEAD = timedelta(seconds=2)
LATE = timedelta(milliseconds=250)
# A grant is a quarter of a second's mails: four writes a second, at any rate and with any number
# of workers.
_GRANTS_A_SECOND = 4
# A 429 takes 30 % off; each second brings back 5 % of the limit.
_SLOWER, _BACK = 700, 50
_LOWEST = 100
# Lanes and workers are throttled together: one slowdown answers for all of a second's 429s.
_ONE_SLOWDOWN = timedelta(seconds=1)
# Further ahead than this can only have been written by a clock that was wrong.
_WRONG_CLOCK = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
# The rate of an account that nobody has looked at: SES's lowest, a sandbox's.
_UNKNOWN_RATE = 1.0


class Turn(StrEnum):
    """What asking for a mail's turn came to."""

    GO = "go"
    TOO_LATE = "too late"  # its instant would be later than the one who asked can wait
    NO_QUOTA = "quota"  # the day's quota is used up


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The row that all workers share.

    ``limit`` and ``rate`` are mails a second, in whole thousandths: what editions may use at most,
    and where the last slowdown (at ``rate_at``) left it. ``next`` is the first instant nobody has.
    ``budget``: mails editions may still have granted until the account is looked at again; None
    if unlimited.
    """

    limit: float
    rate: float
    rate_at: datetime
    next: datetime
    budget: int | None
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """Instants, one mail each, usable until LATE after them."""

    instants: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to be had before ``until``; ask again then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Spent:
    """The budget is used up."""


def limit(max_rate: float) -> float:
    """What editions may use of an account's rate, in mails a second: 80 % of it."""
    return _milli(max_rate) * (_USED - _FOR_LETTERS) // 1000 / 1000 or 0.001


def unlooked(now: datetime) -> Pace:
    """The pace while nobody has looked at the account: a sandbox's."""
    slow = limit(_UNKNOWN_RATE)
    return Pace(limit=slow, rate=slow, rate_at=now, next=now, budget=None, looked_at=None)


def looked(pace: Pace | None, account: Account, now: datetime) -> Pace:
    """The pace after a look at the account; what is granted already stays so."""
    top, budget = limit(account.max_rate), account.left_above(_KEPT_TO_THE_END)
    if pace is None or pace.looked_at is None:
        free = now if pace is None else pace.next
        pace = Pace(limit=top, rate=top, rate_at=now, next=free, budget=budget, looked_at=now)
    if pace.next > now + _WRONG_CLOCK:
        # One worker's clock was far ahead. Nobody would get a turn until the others' are.
        pace = replace(pace, next=now + AHEAD)
    if budget is not None:
        # Granted for instants to come, so SES can't have counted it.
        ahead = max(pace.next - now, timedelta(0)) / _SECOND
        budget = max(budget - math.ceil(ahead * rate_now(pace, now)), 0)
    return replace(
        pace,
        limit=top,
        rate=min(pace.rate, top),
        rate_at=min(pace.rate_at, now),
        budget=budget,
        looked_at=now,
    )


def rate_now(pace: Pace, now: datetime) -> float:
    """Mails a second now: since the last slowdown, 5 % of the limit came back each second."""
    return _rate_now(pace, now) / 1000


def slower(pace: Pace, now: datetime) -> Pace:
    """The pace after a 429: 30 % off, once a second at most, down to a tenth of the limit."""
    if pace.rate < pace.limit and now - pace.rate_at < _ONE_SLOWDOWN:
        return pace
    lowest = max(_milli(pace.limit) * _LOWEST // 1000, 1)
    rate = max(_rate_now(pace, now) * _SLOWER // 1000, lowest)
    return replace(pace, rate=rate / 1000, rate_at=now)


def grant(pace: Pace, now: datetime, wanted: int) -> tuple[Grant | Wait | Spent, Pace]:
    """The next instants for somebody who wants so many (≥ 1), and the pace after.

    It may be fewer, never more; and never none: then it is a Wait, or Spent.
    """
    if pace.budget is not None and pace.budget <= 0:
        return Spent(), pace
    start = max(pace.next, now)  # what lies in the past unused is lost, not saved up
    if start > now + AHEAD:
        return Wait(start - AHEAD), pace
    rate = _rate_now(pace, now)
    count = max(min(wanted, rate // (_GRANTS_A_SECOND * 1000)), 1)
    budget = None
    if pace.budget is not None:
        count = min(count, pace.budget)
        budget = pace.budget - count
    after = replace(pace, next=start + _after(count, rate), budget=budget)
    return Grant(tuple(start + _after(n, rate) for n in range(count))), after


def _rate_now(pace: Pace, now: datetime) -> int:
    # A worker whose clock is behind the slower one's has seen no time pass.
    passed = max(now - pace.rate_at, timedelta(0)) // _MICROSECOND
    top = _milli(pace.limit)
    return max(min(top, _milli(pace.rate) + top * _BACK * passed // 10**9), 1)


def _milli(rate: float) -> int:
    return round(rate * 1000)


def _after(mails: int, milli_rate: int) -> timedelta:
    # Rounded up, to the microsecond: never faster than the rate.
    return timedelta(microseconds=-(-mails * 10**9 // milli_rate))
