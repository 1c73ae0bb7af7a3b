"""The shared pace in the ledger table: read, then written only if nobody else has since.

Ledger table: ``G#SES`` / ``PACE``; rates in thousandths of a mail a second, ``v`` counts writes.
A write whose answer was lost is made again on top of itself: instants are wasted then, never used
twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from courant import aws
from courant.clock import from_stamp, stamp
from courant.delivery import pace as deciding
from courant.delivery.allowance import Account
from courant.delivery.pace import Grant, Pace, Spent, Wait
from courant.table import plain

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_KEY = {"PK": "G#SES", "SK": "PACE"}
# A lost race means that another's grant stands, so 2 s of them end it. This is for a table that
# refuses without end.
_RACES = 100

R = TypeVar("R")


class Grants:
    """The pace's row, and what of it was seen last. For one thread at a time."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seen: tuple[int, Pace | None] | None = None

    def current(self) -> Pace | None:
        """The row as it stands; None if nobody wrote it yet."""
        return self._read()[1]

    def look(self, account: Account, now: datetime) -> Pace:
        """Note what the account may do now; the pace after it."""
        self._seen = None  # lookers come minutes apart
        return self._change(lambda pace: (after := deciding.looked(pace, account, now), after))

    def slow_down(self, now: datetime) -> None:
        """Note a 429."""
        self._change(lambda pace: (None, deciding.slower(pace or deciding.unlooked(now), now)))

    def take(self, wanted: int, now: datetime) -> Grant | Wait | Spent:
        """Take instants for so many mails (≥ 1), or learn when to ask again.

        Asking too early costs nothing: what was seen last tells that already.
        """

        def granted(pace: Pace | None) -> tuple[Grant | Wait | Spent, Pace]:
            return deciding.grant(pace or deciding.unlooked(now), now, wanted)

        answer = self._change(granted)
        if isinstance(answer, Spent):
            # Somebody may have looked at the account since that was seen.
            self._seen = None
            answer = self._change(granted)
        return answer

    def _change(self, change: Callable[[Pace | None], tuple[R, Pace]]) -> R:
        for _ in range(_RACES):
            version, before = self._seen = self._seen or self._read()
            result, after = change(before)
            if after == before:
                return result
            try:
                self._table.put_item(
                    Item=_item(after, version + 1),
                    ConditionExpression="v = :seen" if version else "attribute_not_exists(PK)",
                    **({"ExpressionAttributeValues": {":seen": version}} if version else {}),  # type: ignore[arg-type]  # DynamoDB refuses an empty mapping
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if not aws.is_conflict(error):
                    raise
                self._seen = _from_refusal(error)
            else:
                self._seen = version + 1, after
                return result
        raise RuntimeError("the ledger refuses every write of the pace")

    def _read(self) -> tuple[int, Pace | None]:
        item = self._table.get_item(Key=_KEY, ConsistentRead=True).get("Item")
        return (0, None) if item is None else _row(item)


def _item(pace: Pace, version: int) -> aws.Item:
    item: aws.Item = {
        **_KEY,
        "v": version,
        "limit": round(pace.limit * 1000),
        "rate": round(pace.rate * 1000),
        "rate_at": stamp(pace.rate_at),
        "next": stamp(pace.next),
    }
    if pace.budget is not None:
        item["budget"] = pace.budget
    if pace.looked_at is not None:
        item["looked_at"] = stamp(pace.looked_at)
    return item


def _row(item: aws.Item) -> tuple[int, Pace]:
    return int(item["v"]), Pace(
        limit=int(item["limit"]) / 1000,
        rate=int(item["rate"]) / 1000,
        rate_at=from_stamp(item["rate_at"]),
        next=from_stamp(item["next"]),
        budget=int(item["budget"]) if "budget" in item else None,
        looked_at=from_stamp(item["looked_at"]) if "looked_at" in item else None,
    )


def _from_refusal(error: ClientError) -> tuple[int, Pace | None] | None:
    """The row that a lost race left, as the refusal tells it; None where it does not."""
    told: Any = error.response.get("Item")
    # Errors come as they are on the wire, whatever table it is that raises them.
    return _row(plain(told)) if told else None
