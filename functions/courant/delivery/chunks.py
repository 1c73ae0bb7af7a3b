"""Chunks: key ranges of an edition's audience. The row owns cursor, lease and counts.

Ledger table: ``C#<edition>`` / ``<instant>.<n>#<slot>#<range>``; into how many ranges a shard falls
is in ``P#<edition>`` / ``<instant>``. A queue message is only a nudge:
whoever takes the lease walks on from the cursor, so a redelivered nudge forks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

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
    """What became of a chunk's members. ``had``: got this edition through another slot;
    ``cancelled``: were never tried, because the edition was cancelled."""

    sent: int = 0
    skipped: int = 0
    failed: int = 0
    unresolved: int = 0
    had: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """Members accounted for."""
        return sum(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk's row. ``members`` was counted at the cut, independently of the walk.

    ``starts_by``: unattended, the edition's first mail goes out until then or not at all (None:
    whenever). ``begun_at``: somebody of it was mailed. ``halted_at``: then ``reason`` kept it from
    going on, and every other chunk. ``stuck_since``: nothing of it went out. ``resent``: up to
    when unresolved ones were tried again.
    """

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
    starts_by: datetime | None = None
    begun_at: datetime | None = None
    halted_at: datetime | None = None
    stuck_since: datetime | None = None
    resent: datetime | None = None
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
        if chunk.starts_by:
            item["starts_by"] = stamp(chunk.starts_by)
        aws.conditionally(
            self._table.put_item, Item=item, ConditionExpression="attribute_not_exists(PK)"
        )

    def agree(self, edition: EditionId, instant: datetime, parts: int, now: datetime) -> int:
        """Into how many parts each shard is cut: what whoever came first says, for all who follow.

        Two who cut an audience differently would count some twice.
        """
        key = {"PK": f"P#{edition}", "SK": stamp(instant)}
        item: aws.Item = {**key, "parts": parts, "ttl": int((now + KEPT).timestamp())}
        put, absent = self._table.put_item, "attribute_not_exists(PK)"
        if aws.conditionally(put, Item=item, ConditionExpression=absent) is not None:
            return parts
        return int(self._table.get_item(Key=key, ConsistentRead=True)["Item"]["parts"])  # type: ignore[arg-type]  # a number, which the stubs don't know

    def of_edition(self, edition: EditionId) -> tuple[Chunk, ...]:
        """Every chunk of an edition."""
        items = aws.query(
            self._table,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": f"C#{edition}"},
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

    def advance(self, chunk: Chunk, cursor: str, counts: Counts, now: datetime) -> Chunk | None:
        """Move cursor and counts together; None if the lease was lost to another."""
        moves, values = "SET #cursor = :cursor, #counts = :counts", {}
        if counts.sent:
            moves += ", begun_at = if_not_exists(begun_at, :now)"
            values[":now"] = stamp(now)
        if cursor != chunk.cursor:
            moves += " REMOVE stuck_since"
        return self._update(
            chunk.edition,
            chunk.id,
            moves,
            "fence = :fence",
            {
                ":cursor": cursor,
                ":counts": _counts_item(counts),
                ":fence": chunk.fence,
                **values,
            },
            {"#cursor": "cursor", "#counts": "counts"},
        )

    def release(
        self, chunk: Chunk, state: ChunkState, counts: Counts, reason: str | None = None
    ) -> Chunk | None:
        """Give the lease back, with the state reached; None if it was lost to another."""
        return self._release(chunk, state, counts, "reason = :reason", {":reason": reason})

    def leave(self, chunk: Chunk, reason: str, now: datetime, *, stuck: bool) -> Chunk | None:
        """Give the lease back of a chunk that is nudged at once, to go on later.

        ``stuck``: it did not get on, since when it is noted.
        """
        marks = {":reason": reason, ":now": stamp(now)}
        changes = "reason = :reason, nudged_at = :now"
        if stuck:
            changes += ", stuck_since = if_not_exists(stuck_since, :now)"
        return self._release(chunk, chunk.state, chunk.counts, changes, marks)

    def halt(self, chunk: Chunk, reason: str, now: datetime) -> Chunk | None:
        """Give the lease back and say what keeps this chunk, and all others, from going on."""
        marks = {":reason": reason, ":now": stamp(now)}
        changes = "reason = :reason, halted_at = :now"
        return self._release(chunk, chunk.state, chunk.counts, changes, marks, halted=True)

    def reopen(self, chunk: Chunk, resend_before: datetime) -> bool:
        """Have the unresolved of a chunk that is done tried again; False if that was asked."""
        return (
            self._update(
                chunk.edition,
                chunk.id,
                "SET st = :settling, resent = :before",
                "st = :done AND (attribute_not_exists(resent) OR resent < :before)",
                {":settling": "settling", ":done": "done", ":before": stamp(resend_before)},
            )
            is not None
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
        given: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        answer = aws.conditionally(
            self._table.update_item,
            Key=_key(edition, chunk_id),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
            **given,
        )
        return _chunk(answer["Attributes"]) if answer else None

    def _release(
        self,
        chunk: Chunk,
        state: ChunkState,
        counts: Counts,
        changes: str,
        marks: dict[str, Any],
        *,
        halted: bool = False,
    ) -> Chunk | None:
        over = "lease_until" if halted else "lease_until, halted_at"
        if "stuck_since" not in changes:
            over += ", stuck_since"
        return self._update(
            chunk.edition,
            chunk.id,
            f"SET st = :state, #counts = :counts, {changes} REMOVE {over}",
            "fence = :fence",
            {
                ":state": state.value,
                ":counts": _counts_item(counts),
                ":fence": chunk.fence,
                **marks,
            },
            {"#counts": "counts"},
        )


def nudge(sqs: Any, queue: str, chunks: Iterable[Chunk], *, delay: int = 0) -> None:
    """Tell deliver that these chunks wait; ``delay`` seconds from now, 900 at most."""
    messages = [
        {"edition": str(chunk.edition), "chunk": chunk.id}
        for chunk in chunks
        if chunk.state is not ChunkState.DONE
    ]
    aws.send_all(sqs, queue, messages, delay=delay)


def _key(edition: EditionId, chunk_id: str) -> dict[str, str]:
    return {"PK": f"C#{edition}", "SK": chunk_id}


def _counts_item(counts: Counts) -> dict[str, int]:
    return asdict(counts)


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
        lease_until=_instant(item, "lease_until"),
        nudged_at=from_stamp(item["nudged_at"]),
        epoch=item["epoch"],
        starts_by=_instant(item, "starts_by"),
        begun_at=_instant(item, "begun_at"),
        halted_at=_instant(item, "halted_at"),
        stuck_since=_instant(item, "stuck_since"),
        resent=_instant(item, "resent"),
        reason=item.get("reason"),
    )


def _instant(item: aws.Item, name: str) -> datetime | None:
    return from_stamp(item[name]) if name in item else None
