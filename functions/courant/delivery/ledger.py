"""The ledger: one row a digest, so that nobody is mailed twice and nobody is forgotten.

             claim (attempt id, lease) if absent, or RETRY, or mine
 none/RETRY ───────────────► CLAIMED
 CLAIMED ─ SES has it ──────► SENT
 CLAIMED ─ address refused ─► FAILED
 CLAIMED ─ surely not sent ─► RETRY
 CLAIMED ─ nobody can say ──► UNKNOWN (said so, or the lease ran out)
 any open state ─ an SES event of this digest ► SENT, or FAILED where SES dropped it
 UNKNOWN ─ grace passed, no event ► strict: UNRESOLVED · auto: RETRY
 UNRESOLVED ─ an editor's word ► RETRY
 RETRY ─ left, suppressed, cancelled ► SKIPPED

What was in doubt and is tried again keeps its doubt: it may become SENT, but FAILED or SKIPPED only
if SES says that it dropped that first attempt; else it is UNRESOLVED, whatever came of the others.

Ledger table: ``D#<edition>#<shard>`` / ``<sid>``. Every write is conditional; what is final stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from courant import aws
from courant.clock import from_stamp, stamp
from courant.schedule import EditionId
from courant.subscribers.model import bounds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

KEPT = timedelta(days=90)


class DeliveryState(StrEnum):
    """Where one digest stands."""

    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    RETRY = "retry"
    UNKNOWN = "unknown"
    UNRESOLVED = "unresolved"  # final in strict mode: an editor decides
    SKIPPED = "skipped"  # counted at the cut, but not to be mailed


FINAL = frozenset(
    {
        DeliveryState.SENT,
        DeliveryState.FAILED,
        DeliveryState.UNRESOLVED,
        DeliveryState.SKIPPED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the ledger.

    ``chunk`` is the chunk that wrote it; ``lease`` in epoch seconds; ``at``: its last change by us.
    ``evidence`` is the SES event that was last heard of it, ``heard`` the attempt it was about.
    ``auto``: its newsletter's policy is, so every event is noted. ``doubt``: the first attempt that
    was put up for another while it may have gone out.
    """

    sid: str
    state: DeliveryState
    chunk: str
    attempt: str | None
    lease: int
    tries: int
    at: datetime
    reason: str | None
    evidence: str | None = None
    heard: str | None = None
    auto: bool = False
    doubt: str | None = None


class Ledger:
    """Deliveries in the ledger table. Its methods may be called from several threads."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(
        self,
        edition: EditionId,
        sid: str,
        *,
        attempt: str,
        chunk: str,
        lease: datetime,
        now: datetime,
        auto: bool = False,
    ) -> Delivery:
        """Take a digest to send it.

        The row after the claim: it is ours if its ``attempt`` is (``tries`` is then not told). The
        attempt id in the condition makes a claim whose reply was lost ours on the second try;
        without it the mail is lost.
        """
        answer = aws.conditionally(
            self._table.update_item,
            Key=key(edition, sid),
            UpdateExpression="SET st = :claimed, att = :me, lease = :lease, chunk = :chunk,"
            " #at = :now, #ttl = :ttl, #auto = :auto ADD tries :one",
            ConditionExpression="attribute_not_exists(PK)"
            " OR (st = :retry AND chunk = :chunk) OR (st = :claimed AND att = :me)",
            ExpressionAttributeNames={"#at": "at", "#ttl": "ttl", "#auto": "auto"},
            ExpressionAttributeValues={
                ":claimed": DeliveryState.CLAIMED.value,
                ":retry": DeliveryState.RETRY.value,
                ":me": attempt,
                ":lease": int(lease.timestamp()),
                ":chunk": chunk,
                ":now": stamp(now),
                ":ttl": int((now + KEPT).timestamp()),
                ":auto": auto,
                ":one": 1,
            },
        )
        if answer is None:
            return self._present(edition, sid)
        return Delivery(
            sid=sid,
            state=DeliveryState.CLAIMED,
            chunk=chunk,
            attempt=attempt,
            lease=int(lease.timestamp()),
            tries=1,
            at=now,
            reason=None,
            auto=auto,
        )

    def record(
        self,
        edition: EditionId,
        sid: str,
        attempt: str,
        state: DeliveryState,
        now: datetime,
        *,
        reason: str | None = None,
        message_id: str | None = None,
    ) -> DeliveryState | None:
        """Note what came of our claim; None if the row has moved on (an event was faster).

        What is noted: that this attempt failed says nothing of an earlier one that may be out.
        """
        values = {":reason": reason, ":message": message_id, ":me": attempt, ":claimed": "claimed"}
        changes = "SET st = :state, #at = :now, reason = :reason, message_id = :message"
        ours = "st = :claimed AND att = :me"
        if state is not DeliveryState.FAILED:
            return state if self._update(edition, sid, state, now, values, changes, ours) else None
        for came_to, doubt in (
            (state, "attribute_not_exists(doubt)"),
            (DeliveryState.UNRESOLVED, "attribute_exists(doubt)"),
        ):
            if self._update(edition, sid, came_to, now, values, changes, f"{ours} AND {doubt}"):
                return came_to
        return None

    def skip(
        self, edition: EditionId, sid: str, *, chunk: str, reason: str, now: datetime
    ) -> Delivery:
        """Note that a counted member is not to be mailed; the row as it stands after.

        UNRESOLVED if an earlier attempt may be out.
        """
        item: aws.Item = {
            **key(edition, sid),
            "st": DeliveryState.SKIPPED.value,
            "chunk": chunk,
            "reason": reason,
            "at": stamp(now),
            "ttl": int((now + KEPT).timestamp()),
        }
        written = aws.conditionally(
            self._table.put_item,
            Item=item,
            # A digest that waits for another try may still be skipped.
            ConditionExpression="attribute_not_exists(PK)"
            " OR (st = :retry AND chunk = :chunk AND attribute_not_exists(doubt))",
            ExpressionAttributeValues={":retry": DeliveryState.RETRY.value, ":chunk": chunk},
        )
        if written is not None:
            return _delivery(item)
        row = self._present(edition, sid)
        if row.state is not DeliveryState.RETRY or row.chunk != chunk or row.doubt is None:
            return row
        if self.settle(edition, row, DeliveryState.UNRESOLVED, now, reason):
            return replace(row, state=DeliveryState.UNRESOLVED, reason=reason, at=now)
        return self._present(edition, sid)

    def settle(
        self, edition: EditionId, before: Delivery, after: DeliveryState, now: datetime, reason: str
    ) -> bool:
        """Decide about a digest whose fate nobody told us; False if word came in the meantime.

        Also what an editor decides about an unresolved one. Attempt and time in the condition: the
        same state may meanwhile be that of another try, or have come again.
        """
        changes = "SET st = :state, #at = :now, reason = :reason"
        if after is DeliveryState.RETRY:
            changes += ", doubt = if_not_exists(doubt, :att)"
        return self._update(
            edition,
            before.sid,
            after,
            now,
            {
                ":before": before.state.value,
                ":att": before.attempt,
                ":at": stamp(before.at),
                ":reason": reason,
            },
            changes,
            "st = :before AND att = :att AND #at = :at",
        )

    def get(self, edition: EditionId, sid: str) -> Delivery | None:
        """One digest's row, read strongly."""
        return self._read(edition, sid, strongly=True)

    def peek(self, edition: EditionId, sid: str) -> Delivery | None:
        """One digest's row as it was a moment ago: what is final there is final."""
        return self._read(edition, sid, strongly=False)

    def of_range(self, edition: EditionId, range_: str) -> Iterator[Delivery]:
        """Every row of a key range (see subscribers/model.py), in the order of their sids."""
        return self._range(edition, range_, ConsistentRead=True)

    def exceptions(self, edition: EditionId, range_: str) -> Iterator[Delivery]:
        """The rows of a key range that are not simply sent, as they were a moment ago."""
        return self._range(edition, range_, FilterExpression="st <> :sent")

    def once(self, key: str, name: str, now: datetime) -> bool:
        """True the first time these are asked for: a claim for what belongs to no edition."""
        item: aws.Item = {
            "PK": f"T#{key}",
            "SK": name,
            "at": stamp(now),
            "ttl": int((now + KEPT).timestamp()),
        }
        put = self._table.put_item
        absent = "attribute_not_exists(PK)"
        return aws.conditionally(put, Item=item, ConditionExpression=absent) is not None

    def _range(self, edition: EditionId, range_: str, **more: Any) -> Iterator[Delivery]:
        low, high = bounds(range_)
        values = {":pk": f"D#{edition}#{range_[0]}", ":low": low, ":high": high}
        if "FilterExpression" in more:
            values[":sent"] = DeliveryState.SENT.value
        items = aws.query(
            self._table,
            KeyConditionExpression="PK = :pk AND SK BETWEEN :low AND :high",
            ExpressionAttributeValues=values,
            **more,
        )
        return (_delivery(item) for item in items)

    def _read(self, edition: EditionId, sid: str, *, strongly: bool) -> Delivery | None:
        item = self._table.get_item(Key=key(edition, sid), ConsistentRead=strongly).get("Item")
        return _delivery(item) if item else None

    def _present(self, edition: EditionId, sid: str) -> Delivery:
        row = self.get(edition, sid)
        assert row is not None, "a condition just found it, and rows are never deleted"  # noqa: S101 - states what DynamoDB told us
        return row

    def _update(
        self,
        edition: EditionId,
        sid: str,
        state: DeliveryState,
        now: datetime,
        values: dict[str, Any],
        expression: str,
        condition: str,
    ) -> bool:
        answer = aws.conditionally(
            self._table.update_item,
            Key=key(edition, sid),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":state": state.value, ":now": stamp(now), **values},
        )
        return answer is not None


def key(edition: EditionId, sid: str) -> dict[str, str]:
    """The key of one digest's row."""
    return {"PK": f"D#{edition}#{sid[0]}", "SK": sid}


def _delivery(item: aws.Item) -> Delivery:
    return Delivery(
        sid=item["SK"],
        state=DeliveryState(item["st"]),
        chunk=item["chunk"],
        attempt=item.get("att"),
        lease=int(item.get("lease", 0)),
        tries=int(item.get("tries", 0)),
        at=from_stamp(item["at"]),
        reason=item.get("reason"),
        evidence=item.get("evidence"),
        heard=item.get("heard"),
        auto=item.get("auto", False),
        doubt=item.get("doubt"),
    )
