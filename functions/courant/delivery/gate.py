"""Whether one more mail may go out: time enough, and an edition that is still to be sent.

Asked before every claim and, about time, once more before the socket. The edition is read anew when
what is known of it is older than three seconds, so a pause stops all workers within that.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from enum import StrEnum

from courant.clock import Clock
from courant.editions.model import SENDS, Edition
from courant.editions.store import EditionStore
from courant.schedule import EditionId

# No SES call starts this close to the deadline: its socket may take 13 s.
FENCE = timedelta(seconds=15)
# How old the edition's state may be.
FRESH = timedelta(seconds=3)


class Stop(StrEnum):
    """Why a walk ended before its chunk did."""

    DEADLINE = "deadline"
    THROTTLED = "throttled"
    HALTED = "halted"
    NOT_SENDING = "not sending"
    STALE = "stale"  # its page is; it is read anew


class Gate:
    """The gate of one edition, for one invocation. Its lanes share it."""

    def __init__(
        self,
        editions: EditionStore,
        edition: Edition,
        epoch: str,
        deadline: datetime,
        now: Clock,
        *,
        read_at: datetime,
    ) -> None:
        """``read_at``: when ``edition`` was asked for; its answer may have taken long."""
        self._editions = editions
        self._id: EditionId = edition.id
        self._edition: Edition | None = edition
        self._epoch = epoch
        self.latest = deadline - FENCE
        """No SES call starts after it."""
        self._now = now
        self._read_at = read_at
        self._lock = threading.Lock()

    def in_time(self) -> bool:
        """Whether an SES call may still start."""
        return self._now() < self.latest

    def stop(self) -> Stop | None:
        """What forbids another mail."""
        if not self.in_time():
            return Stop.DEADLINE
        with self._lock:
            if self._now() - self._read_at > FRESH:
                asked_at = self._now()
                self._edition = self._editions.get(self._id)
                self._read_at = asked_at
            edition = self._edition
        if edition is None or edition.epoch != self._epoch or edition.state not in SENDS:
            return Stop.NOT_SENDING
        return None
