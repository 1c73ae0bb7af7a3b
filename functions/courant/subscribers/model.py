"""Who reads what: plain data. ``items`` knows how it lies in the table, ``store`` changes it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from courant.schedule import Slot

# A sid is uniform, so its first digit spreads any list over sixteen shards.
SHARDS = "0123456789abcdef"

Format = Literal["html", "text"]

# The most stories of a section that somebody may ask for; a newsletter's own limit ends there.
MOST_STORIES = 50


class Status(StrEnum):
    """Where a subscription stands; a profile stands where its best subscription does."""

    PENDING = "pending"  # asked for, not yet confirmed; in no list
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"  # bounced or complained: no mail of ours, whatever anyone asks


class Joining(StrEnum):
    """What became of a sign-up."""

    ADDED = "added"
    ALREADY = "already"  # is subscribed, or was asked to confirm; nothing changed
    LEFT = "left"  # unsubscribed before; only they themselves can come back
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Consent:
    """How we know they wanted it: ``import:readers.csv``, ``form:2``."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Left:
    """A slot that somebody moved out of, and from when on no edition counts them there."""

    slot: Slot
    gone_at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """One newsletter of one profile.

    No ``sections`` means all of them. ``limit`` is the most stories of a section that they want
    (1 to ``MOST_STORIES``); None: as many as the newsletter says. ``left`` are the places where
    they still lie with their address, for editions that counted them there; ``served`` is the last
    local date that those brought or bring.
    """

    slot: Slot
    sections: tuple[str, ...] = ()
    status: Status = Status.ACTIVE
    paused_until: datetime | None = None
    limit: int | None = None
    left: tuple[Left, ...] = ()
    served: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One person, whole. ``version`` counts changes; every change is conditional on it."""

    sid: str
    email: str
    name: str | None = None
    status: Status = Status.ACTIVE
    locale: str | None = None
    format: Format = "html"
    consent: Consent
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What the send path reads of a membership.

    A tombstone (``gone_at`` set) keeps an edition's count whole. Of somebody who left it has no
    address; somebody who moved is mailed by the editions that counted them here.
    """

    sid: str
    email: str | None
    name: str | None = None
    sections: tuple[str, ...] = ()
    limit: int | None = None
    format: Format = "html"
    locale: str | None = None
    active_from: datetime
    gone_at: datetime | None = None
    gone_reason: str | None = None
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some members; ``cursor`` is the sid to go on after, None at the end of the range.

    A page without members may still have a cursor.
    """

    members: tuple[Member, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signup:
    """Somebody joins a newsletter: a form, or a row of an import.

    The address is validated and the locale is a tag as ``choices.locale_of`` spells it.
    """

    email: str
    newsletter: str
    slot: Slot
    consent: Consent
    sections: tuple[str, ...] = ()
    limit: int | None = None
    name: str | None = None
    locale: str | None = None
    format: Format = "html"
    status: Status = Status.ACTIVE


def new_sid() -> str:
    """A subscriber id: 128 random bits as 32 lower-case hex digits."""
    return secrets.token_hex(16)


def shard(sid: str) -> str:
    """Which of ``SHARDS`` a subscriber is in."""
    return sid[0]


def bounds(range_: str) -> tuple[str, str]:
    """Between which strings (both included) the sids of a range lie.

    A range is a shard (``a``), or a part of one: ``a000-a3ff``, prefixes, both included.
    """
    low, _, high = range_.partition("-")
    # "g" sorts after every digit that may follow.
    return low, f"{high or low}g"


def overall(subscriptions: Mapping[str, Subscription]) -> Status:
    """Where a profile stands, given all its subscriptions."""
    found = {subscription.status for subscription in subscriptions.values()}
    order = (Status.SUPPRESSED, Status.ACTIVE, Status.PENDING)
    return next((status for status in order if status in found), Status.UNSUBSCRIBED)
