"""An edition's numbers: totals are the sums of its chunks, reasons come from the ledger's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from courant.delivery.chunks import Chunk, ChunkState
from courant.delivery.ledger import DeliveryState, Ledger
from courant.schedule import EditionId
from desk.commands import terminal


@dataclass(frozen=True, slots=True)
class Totals:
    """Members and what became of them. ``waiting``: nothing yet."""

    members: int = 0
    sent: int = 0
    skipped: int = 0
    failed: int = 0
    unresolved: int = 0
    had: int = 0

    @property
    def waiting(self) -> int:
        """Members of whom nothing is known yet; 0 when the edition is over."""
        done = self.sent + self.skipped + self.failed + self.unresolved + self.had
        return self.members - done

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> Totals:
        """The sum over an edition's chunks."""
        chunks = tuple(chunks)
        return cls(
            members=sum(chunk.members for chunk in chunks),
            sent=sum(chunk.counts.sent for chunk in chunks),
            skipped=sum(chunk.counts.skipped for chunk in chunks),
            failed=sum(chunk.counts.failed for chunk in chunks),
            unresolved=sum(chunk.counts.unresolved for chunk in chunks),
            had=sum(chunk.counts.had for chunk in chunks),
        )

    def as_json(self) -> dict[str, int]:
        """The numbers by name."""
        return {
            "members": self.members,
            "sent": self.sent,
            "skipped": self.skipped,
            "failed": self.failed,
            "unresolved": self.unresolved,
            "had": self.had,
            "waiting": self.waiting,
        }


Reasons = Counter[tuple[DeliveryState, str]]


def reasons_of(ledger: Ledger, edition: EditionId, chunks: Iterable[Chunk]) -> Reasons:
    """Every digest that is not simply sent, by state and reason."""
    # A range where everyone was mailed has a row for each of them and nothing to tell.
    ranges = {
        chunk.range
        for chunk in chunks
        if chunk.counts.sent != chunk.members or chunk.state is not ChunkState.DONE
    }
    found: Reasons = Counter()
    with terminal.progress() as bar:
        for range_ in bar.track(sorted(ranges), description="Reading the ledger"):
            for delivery in ledger.of_range(edition, range_):
                if delivery.state is not DeliveryState.SENT:
                    found[delivery.state, delivery.reason or "no reason noted"] += 1
    return found
