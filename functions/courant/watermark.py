"""Up to when everything that was due has been started, and from when on a beat has to look.

Content table: ``HEARTBEAT`` / ``WATERMARK``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from courant import aws
from courant.clock import from_stamp, stamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# The longest max_lateness there is; older misses could not be sent anyway.
_LOOK_BACK = timedelta(days=2)
# Before the first beat of a new stack nothing was due.
_FIRST = timedelta(minutes=1)
# A table restored to a point in time is older: the latest one there is lies five minutes back, and
# restoring takes its time ("Point-in-time recovery", Amazon DynamoDB Developer Guide).
RESTORED = timedelta(minutes=5)

_KEY = {"PK": "HEARTBEAT", "SK": "WATERMARK"}


@dataclass(frozen=True, slots=True)
class Watermark:
    """``at``: all that was due until then was started, by a stack of this ``epoch``."""

    at: datetime
    epoch: str


def since(mark: Watermark | None, now: datetime) -> datetime:
    """From when on (exclusive) what is due has not been started."""
    return now - _FIRST if mark is None else max(mark.at, now - _LOOK_BACK)


def missed(mark: Watermark | None, epoch: str, now: datetime) -> str | None:
    """Why what has been due since ``mark`` is not to be sent; None if it is.

    Where the tables were put back nobody knows what was started after it: it may have been sent.
    """
    if mark is None or mark.epoch == epoch or now - mark.at <= RESTORED:
        return None
    return "the stack was restored since: it may have been sent before"


class WatermarkStore:
    """The watermark in the content table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self) -> Watermark | None:
        """None before the first beat of a stack."""
        item = self._table.get_item(Key=_KEY, ConsistentRead=True).get("Item")
        return Watermark(from_stamp(str(item["at"])), str(item.get("epoch", ""))) if item else None

    def move(self, at: datetime, epoch: str) -> None:
        """Note that everything due up to ``at`` was started; moves last in a beat, never back."""
        aws.conditionally(
            self._table.update_item,
            Key=_KEY,
            UpdateExpression="SET #at = :at, epoch = :epoch",
            ConditionExpression="attribute_not_exists(#at) OR #at < :at",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":at": stamp(at), ":epoch": epoch},
        )
