"""What the small world is made of, and what of it is not in its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from courant.editions.model import (
    EditionState,
)
from courant.schedule import EditionId, Slot
from tests.model.machine import Mail, Row

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
EDITION = EditionId.parse("morning/daily/2026-11-22")
SLOT = Slot("daily")
READER, OTHER = "ab" * 16, "ac" * 16
CHUNK = "one"
LIMIT = timedelta(minutes=3)  # of one invocation
URL = "https://email.eu-west-1.amazonaws.com"
# The ages of a lease, in seconds, that make a difference: run out, and each grace.
LEASE_AGES = (0, 900, 3_600, 21_600)
# How long after a pause or a leaving a claim may still begin.
PAUSE_WITHIN, LEAVE_WITHIN = timedelta(seconds=5), timedelta(seconds=35)
ENDS = frozenset({EditionState.SENT, EditionState.SENT_WITH_UNRESOLVED})


class Killed(BaseException):
    """The sandbox died."""


class Violation(AssertionError):
    """A law of the promise is broken."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is not in the tables."""

    now: datetime = START + timedelta(minutes=1)
    faults: int = 1
    acts: int = 1  # of the editor and the reader
    consents: int = 1
    mails: tuple[Mail, ...] = ()
    attempts: tuple[str, ...] = ()  # that claimed, in order
    ids: int = 0
    consented: int = 0
    silences: int = 0
    cut: bool = False
    refused: bool = False
    reopened: int = 0
    gone_at: datetime | None = None
    trace: int = 0  # of the refinement: which states of the model fit what was seen


# What the model sees too: row, its attempt, mails, consents.
View = tuple[Row, int, tuple[tuple[int, bool], ...], int]
Plan = Mapping[int, str]
