"""An edition's numbers: totals are the sums of its chunks, reasons come from the ledger's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from courant.delivery.chunks import Chunk, ChunkState, Counts
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.schedule import EditionId


@dataclass(frozen=True, slots=True)
class Totals:
    """Members and what became of them. ``waiting``: nothing yet."""

    members: int = 0
    sent: int = 0
    skipped: int = 0
    failed: int = 0
    unresolved: int = 0
    had: int = 0
    cancelled: int = 0

    @property
    def waiting(self) -> int:
        """Members of whom nothing is known yet; 0 when the edition is over."""
        done = self.sent + self.skipped + self.failed + self.unresolved + self.had + self.cancelled
        return self.members - done

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> Totals:
        """The sum over an edition's chunks."""
        chunks = tuple(chunks)

        def total(name: str) -> int:
            return sum(getattr(chunk.counts, name) for chunk in chunks)

        return cls(
            members=sum(chunk.members for chunk in chunks),
            **{name: total(name) for name in asdict(Counts())},
        )

    def as_json(self) -> dict[str, int]:
        """The numbers by name."""
        return asdict(self) | {"waiting": self.waiting}


Reasons = Counter[tuple[DeliveryState, str]]

# What SES can tell of a mail that it took, other than that it arrived.
BAD = frozenset({"Bounce", "Complaint", "Reject", "RenderingFailure"})


def exceptions(
    ledger: Ledger, edition: EditionId, chunks: Iterable[Chunk], *, track: Any
) -> Iterator[Delivery]:
    """Every digest that is not simply sent, in the order of their sids.

    ``track(shards)`` hands out the shards, and may draw a bar.
    """
    for shard in track(_with_exceptions(chunks)):
        yield from ledger.exceptions(edition, shard)


def bad_news(
    ledger: Ledger, edition: EditionId, chunks: Iterable[Chunk], *, track: Any
) -> Iterator[Delivery]:
    """Every digest that was sent and then bounced, or was complained about."""
    for shard in track(sorted({chunk.range[0] for chunk in chunks})):
        for delivery in ledger.of_range(edition, shard):
            if delivery.state is DeliveryState.SENT and delivery.evidence in BAD:
                yield delivery


def reasons_of(deliveries: Iterable[Delivery]) -> Reasons:
    """Deliveries counted by state and reason."""
    return Counter((one.state, one.reason or "no reason noted") for one in deliveries)


def _with_exceptions(chunks: Iterable[Chunk]) -> list[str]:
    # A shard where everyone was mailed has a row for each of them and nothing to tell. Shards, and
    # not ranges: those of several slots may overlap.
    return sorted(
        {
            chunk.range[0]
            for chunk in chunks
            if chunk.counts.sent != chunk.members or chunk.state is not ChunkState.DONE
        }
    )
