"""The ledger: one row a digest, so that nobody is mailed twice and nobody is forgotten.

             claim (attempt id, lease) if absent, or RETRY, or mine
 none/RETRY ───────────────► CLAIMED
 CLAIMED ─ SES has it ──────► SENT
 CLAIMED ─ address refused ─► FAILED
 CLAIMED ─ surely not sent ─► RETRY
 CLAIMED ─ nobody can say ──► UNKNOWN (said so, or the lease ran out)
 any open state ─ an SES event of this digest ► SENT
 UNKNOWN ─ grace passed, no event ► UNRESOLVED

Ledger table: ``D#<edition>#<shard>`` / ``<sid>``. Every write is conditional; what is final stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from courant import aws
from courant.clock import stamp
from courant.schedule import EditionId

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
    """One row of the ledger. ``chunk`` is the chunk that wrote it; ``lease`` in epoch seconds."""

    sid: str
    state: DeliveryState
    chunk: str
    attempt: str | None
    lease: int
    tries: int
    reason: str | None


class Ledger:
    """Deliveries in the ledger table."""

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
    ) -> Delivery:
        """Take a digest to send it.

        The row after the claim: it is ours if its ``attempt`` is. The attempt id in the condition
        makes a claim whose reply was lost ours on the second try; without it the mail is lost.
        """
        try:
            row = self._table.update_item(
                Key=_key(edition, sid),
                UpdateExpression="SET st = :claimed, att = :me, lease = :lease, chunk = :chunk,"
                " #at = :now, #ttl = :ttl ADD tries :one",
                ConditionExpression="attribute_not_exists(PK)"
                " OR (st = :retry AND chunk = :chunk) OR (st = :claimed AND att = :me)",
                ExpressionAttributeNames={"#at": "at", "#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":claimed": DeliveryState.CLAIMED.value,
                    ":retry": DeliveryState.RETRY.value,
                    ":me": attempt,
                    ":lease": int(lease.timestamp()),
                    ":chunk": chunk,
                    ":now": stamp(now),
                    ":ttl": int((now + KEPT).timestamp()),
                    ":one": 1,
                },
                ReturnValues="ALL_NEW",
            )["Attributes"]
        except ClientError as error:
            if not aws.is_conflict(error):
                raise
            row = self._table.get_item(Key=_key(edition, sid), ConsistentRead=True)["Item"]
        return _delivery(row)

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
    ) -> bool:
        """Note what came of our claim; False if the row has moved on (an event was faster)."""
        return self._update(
            edition,
            sid,
            state,
            now,
            {":reason": reason, ":message": message_id, ":me": attempt, ":claimed": "claimed"},
            "SET st = :state, #at = :now, reason = :reason, message_id = :message",
            "st = :claimed AND att = :me",
        )

    def skip(
        self, edition: EditionId, sid: str, *, chunk: str, reason: str, now: datetime
    ) -> Delivery:
        """Note that a counted member is not to be mailed; the row as it stands after."""
        key = _key(edition, sid)
        item: aws.Item = {
            **key,
            "st": DeliveryState.SKIPPED.value,
            "chunk": chunk,
            "reason": reason,
            "at": stamp(now),
            "ttl": int((now + KEPT).timestamp()),
        }
        try:
            self._table.put_item(
                Item=item,
                # A digest that waits for another try is surely not sent: it may still be skipped.
                ConditionExpression="attribute_not_exists(PK) OR (st = :retry AND chunk = :chunk)",
                ExpressionAttributeValues={":retry": DeliveryState.RETRY.value, ":chunk": chunk},
            )
        except ClientError as error:
            if not aws.is_conflict(error):
                raise
            item = self._table.get_item(Key=key, ConsistentRead=True)["Item"]
        return _delivery(item)

    def settle(
        self, edition: EditionId, before: Delivery, after: DeliveryState, now: datetime, reason: str
    ) -> bool:
        """Close a digest whose fate nobody told us; False if word came in the meantime."""
        return self._update(
            edition,
            before.sid,
            after,
            now,
            {":before": before.state.value, ":reason": reason},
            "SET st = :state, #at = :now, reason = :reason",
            "st = :before",
        )

    def evidence(
        self, edition: EditionId, sid: str, state: DeliveryState, event: str, now: datetime
    ) -> bool:
        """An SES event says what became of a digest; False if the row was final already."""
        return self._update(
            edition,
            sid,
            state,
            now,
            {
                ":event": event,
                ":claimed": "claimed",
                ":unknown": "unknown",
                ":retry": "retry",
                ":unresolved": "unresolved",
            },
            "SET st = :state, #at = :now, evidence = :event",
            "st IN (:claimed, :unknown, :retry, :unresolved)",
        )

    def get(self, edition: EditionId, sid: str) -> Delivery | None:
        """One digest's row."""
        item = self._table.get_item(Key=_key(edition, sid), ConsistentRead=True).get("Item")
        return _delivery(item) if item else None

    def of_range(self, edition: EditionId, range_: str) -> Iterator[Delivery]:
        """Every row of a key range (a hex prefix of one digit or more)."""
        items = aws.query(
            self._table,
            KeyConditionExpression=Key("PK").eq(f"D#{edition}#{range_[0]}")
            & Key("SK").begins_with(range_),
            ConsistentRead=True,
        )
        return (_delivery(item) for item in items)

    def once(self, key: str, name: str, now: datetime) -> bool:
        """True the first time these are asked for: a claim for what belongs to no edition."""
        item: aws.Item = {
            "PK": f"T#{key}",
            "SK": name,
            "at": stamp(now),
            "ttl": int((now + KEPT).timestamp()),
        }
        try:
            self._table.put_item(Item=item, ConditionExpression="attribute_not_exists(PK)")
        except ClientError as error:
            if aws.is_conflict(error):
                return False
            raise
        return True

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
        try:
            self._table.update_item(
                Key=_key(edition, sid),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={":state": state.value, ":now": stamp(now), **values},
            )
        except ClientError as error:
            if aws.is_conflict(error):
                return False
            raise
        return True


def _key(edition: EditionId, sid: str) -> dict[str, str]:
    return {"PK": f"D#{edition}#{sid[0]}", "SK": sid}


def _delivery(item: aws.Item) -> Delivery:
    return Delivery(
        sid=item["SK"],
        state=DeliveryState(item["st"]),
        chunk=item["chunk"],
        attempt=item.get("att"),
        lease=int(item.get("lease", 0)),
        tries=int(item.get("tries", 0)),
        reason=item.get("reason"),
    )
