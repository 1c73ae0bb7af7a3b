"""Chunks: key ranges of an edition's audience. The row owns cursor, lease and counts.

Ledger table: ``C#<edition>`` / ``<instant>.<n>#<slot>#<range>``. A queue message is only a nudge:
whoever takes the lease walks on from the cursor, so a redelivered nudge forks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from courant import aws
from courant.clock import from_stamp, stamp
from courant.delivery.ledger import KEPT
from courant.schedule import EditionId, Slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


class ChunkState(StrEnum):
    """Where a chunk stands."""

    OPEN = "open"  # its walk is not over
    SETTLING = "settling"  # walked, but the fate of some digests is not known yet
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a chunk's members. ``had``: got this edition through another slot."""

    sent: int = 0
    skipped: int = 0
    failed: int = 0
    unresolved: int = 0
    had: int = 0

    @property
    def total(self) -> int:
        """Members accounted for."""
        return self.sent + self.skipped + self.failed + self.unresolved + self.had


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk's row. ``members`` was counted at the cut, independently of the walk."""

    edition: EditionId
    id: str
    state: ChunkState
    instant: datetime
    pressing: int
    slot: Slot
    range: str
    cut_at: datetime
    cursor: str
    members: int
    counts: Counts
    fence: int
    lease_until: datetime | None
    nudged_at: datetime
    epoch: str
    reason: str | None = None


class ChunkStore:
    """Chunks in the ledger table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, chunk: Chunk) -> None:
        """Write a chunk unless it is there already (compose ran twice)."""
        item: aws.Item = {
            **_key(chunk.edition, chunk.id),
            "st": chunk.state.value,
            "instant": stamp(chunk.instant),
            "pressing": chunk.pressing,
            "slot": str(chunk.slot),
            "range": chunk.range,
            "cut_at": stamp(chunk.cut_at),
            "cursor": "",
            "members": chunk.members,
            "counts": {},
            "fence": 0,
            "nudged_at": stamp(chunk.nudged_at),
            "epoch": chunk.epoch,
            "ttl": int((chunk.cut_at + KEPT).timestamp()),
        }
        try:
            self._table.put_item(Item=item, ConditionExpression=Attr("PK").not_exists())
        except ClientError as error:
            if not aws.is_conflict(error):
                raise

    def of_edition(self, edition: EditionId) -> tuple[Chunk, ...]:
        """Every chunk of an edition."""
        items = aws.query(
            self._table,
            KeyConditionExpression=Key("PK").eq(f"C#{edition}"),
            ConsistentRead=True,
        )
        return tuple(_chunk(item) for item in items)

    def take(
        self, edition: EditionId, chunk_id: str, lease_until: datetime, now: datetime
    ) -> Chunk | None:
        """Lease a chunk; None if it is done, unknown, or somebody works on it."""
        return self._update(
            edition,
            chunk_id,
            "SET lease_until = :until ADD fence :one",
            "st <> :done AND attribute_exists(PK)"
            " AND (attribute_not_exists(lease_until) OR lease_until < :now)",
            {":until": stamp(lease_until), ":now": stamp(now), ":one": 1, ":done": "done"},
        )

    def advance(self, chunk: Chunk, cursor: str, counts: Counts) -> Chunk | None:
        """Move cursor and counts together; None if the lease was lost to another."""
        return self._update(
            chunk.edition,
            chunk.id,
            "SET #cursor = :cursor, #counts = :counts",
            "fence = :fence",
            {":cursor": cursor, ":counts": _counts_item(counts), ":fence": chunk.fence},
            {"#cursor": "cursor", "#counts": "counts"},
        )

    def release(
        self, chunk: Chunk, state: ChunkState, counts: Counts, reason: str | None = None
    ) -> Chunk | None:
        """Give the lease back, with the state reached; None if it was lost to another."""
        return self._update(
            chunk.edition,
            chunk.id,
            "SET st = :state, #counts = :counts, reason = :reason REMOVE lease_until",
            "fence = :fence",
            {
                ":state": state.value,
                ":counts": _counts_item(counts),
                ":fence": chunk.fence,
                ":reason": reason,
            },
            {"#counts": "counts"},
        )

    def nudged(self, chunk: Chunk, now: datetime) -> bool:
        """Note that a nudge is about to go out; False if somebody else's just did."""
        return (
            self._update(
                chunk.edition,
                chunk.id,
                "SET nudged_at = :now",
                "nudged_at = :seen",
                {":now": stamp(now), ":seen": stamp(chunk.nudged_at)},
            )
            is not None
        )

    def _update(
        self,
        edition: EditionId,
        chunk_id: str,
        expression: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> Chunk | None:
        try:
            item = self._table.update_item(
                Key=_key(edition, chunk_id),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **({"ExpressionAttributeNames": names} if names else {}),  # type: ignore[arg-type]  # DynamoDB refuses an empty mapping
            )["Attributes"]
        except ClientError as error:
            if aws.is_conflict(error):
                return None
            raise
        return _chunk(item)


def nudge(sqs: Any, queue: str, chunks: Iterable[Chunk]) -> None:
    """Tell deliver that these chunks wait."""
    messages = [
        {"edition": str(chunk.edition), "chunk": chunk.id}
        for chunk in chunks
        if chunk.state is not ChunkState.DONE
    ]
    aws.send_all(sqs, queue, messages)


def _key(edition: EditionId, chunk_id: str) -> dict[str, str]:
    return {"PK": f"C#{edition}", "SK": chunk_id}


def _counts_item(counts: Counts) -> dict[str, int]:
    return {
        "sent": counts.sent,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "unresolved": counts.unresolved,
        "had": counts.had,
    }


def _chunk(item: aws.Item) -> Chunk:
    return Chunk(
        edition=EditionId.parse(item["PK"].removeprefix("C#")),
        id=item["SK"],
        state=ChunkState(item["st"]),
        instant=from_stamp(item["instant"]),
        pressing=int(item["pressing"]),
        slot=Slot.parse(item["slot"]),
        range=item["range"],
        cut_at=from_stamp(item["cut_at"]),
        cursor=item["cursor"],
        members=int(item["members"]),
        counts=Counts(**{name: int(value) for name, value in item["counts"].items()}),
        fence=int(item["fence"]),
        lease_until=from_stamp(item["lease_until"]) if "lease_until" in item else None,
        nudged_at=from_stamp(item["nudged_at"]),
        epoch=item["epoch"],
        reason=item.get("reason"),
    )
