"""Editions, their pressings and what slots have had: rows in the content table.

The pages themselves are in the bucket (frozen.py).

Content table:
  ``N#<newsletter>`` / ``E#<date>#<cadence>[+extra]``   the edition; ``due_kind=EDITION`` while open
  ``E#<edition>``    / ``P#<instant>``                   one instant of it
  ``N#<newsletter>`` / ``H#<slot>#<cut>#<edition>``       what a slot's pressing held
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from courant import articles, aws
from courant.clock import from_stamp, stamp
from courant.editions.model import OPEN, Edition, EditionState, PressingRecord, PressingState
from courant.editions.pressing import Frozen
from courant.schedule import EditionId, Slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
_WATERMARK = {"PK": "HEARTBEAT", "SK": "WATERMARK"}


class EditionStore:
    """Rows of editions. Every change of state is conditional on the state before."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, edition: Edition) -> bool:
        """Write a new edition; False if there is one of this id already."""
        return self._put(_edition_item(edition), Attr("PK").not_exists())

    def restart(self, edition: Edition, before: EditionState) -> bool:
        """Start an edition anew that had ended without mailing anyone; False if it moved on."""
        return self._put(_edition_item(edition), Attr("st").eq(before))

    def get(self, edition_id: EditionId) -> Edition | None:
        """One edition, read strongly."""
        item = self._table.get_item(Key=_edition_key(edition_id), ConsistentRead=True).get("Item")
        return _edition(item) if item else None

    def of_newsletter(self, newsletter: str, limit: int = 30) -> tuple[Edition, ...]:
        """The latest editions, newest first."""
        page = self._table.query(
            KeyConditionExpression=Key("PK").eq(f"N#{newsletter}") & Key("SK").begins_with("E#"),
            ScanIndexForward=False,
            Limit=limit,
        )
        return tuple(_edition(item) for item in page["Items"])

    def open(self) -> Iterator[Edition]:
        """Every edition that still asks for work (from a sparse index, never a Scan)."""
        pointers = aws.query(
            self._table, IndexName="due", KeyConditionExpression=Key("due_kind").eq("EDITION")
        )
        for pointer in pointers:
            # The index lags; the row is the truth.
            item = self._table.get_item(
                Key={"PK": pointer["PK"], "SK": pointer["SK"]}, ConsistentRead=True
            ).get("Item")
            if item and "due_kind" in item:
                yield _edition(item)

    def move(
        self,
        edition_id: EditionId,
        before: EditionState,
        after: EditionState,
        reason: str | None = None,
    ) -> bool:
        """Change an edition's state; False if it was not in ``before``."""
        expression = "SET st = :after, reason = :reason"
        if after not in OPEN:
            expression += " REMOVE due_kind, due_at"
        return self._update(
            _edition_key(edition_id),
            expression,
            {":after": after.value, ":reason": reason, ":before": before.value},
            "st = :before",
        )

    def add_pressing(self, record: PressingRecord) -> bool:
        """Write one instant of an edition; False if it is there already."""
        return self._put(_pressing_item(record), Attr("PK").not_exists())

    def pressing(self, edition_id: EditionId, instant: datetime) -> PressingRecord | None:
        """One instant of an edition, read strongly."""
        key = {"PK": f"E#{edition_id}", "SK": f"P#{stamp(instant)}"}
        item = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
        return _pressing(item) if item else None

    def pressings(self, edition_id: EditionId) -> tuple[PressingRecord, ...]:
        """Every instant of an edition, oldest first."""
        items = aws.query(
            self._table,
            KeyConditionExpression=Key("PK").eq(f"E#{edition_id}") & Key("SK").begins_with("P#"),
            ConsistentRead=True,
        )
        return tuple(_pressing(item) for item in items)

    def move_pressing(
        self,
        record: PressingRecord,
        after: PressingState,
        now: datetime,
        *,
        members: int = 0,
        articles: int = 0,
        reason: str | None = None,
    ) -> bool:
        """Change the state of one instant; False if somebody else did."""
        return self._update(
            {"PK": f"E#{record.edition}", "SK": f"P#{stamp(record.instant)}"},
            "SET st = :after, touched_at = :now, members = :members, articles = :articles,"
            " reason = :reason",
            {
                ":after": after.value,
                ":before": record.state.value,
                ":now": stamp(now),
                ":members": members or record.members,
                ":articles": articles or record.articles,
                ":reason": reason,
            },
            "st = :before",
        )

    def touch_pressing(self, record: PressingRecord, now: datetime) -> bool:
        """Note that a waiting pressing was enqueued again; False if it no longer waits."""
        return self._update(
            {"PK": f"E#{record.edition}", "SK": f"P#{stamp(record.instant)}"},
            "SET touched_at = :now",
            {":now": stamp(now), ":seen": stamp(record.touched_at), ":waiting": "waiting"},
            "st = :waiting AND touched_at = :seen",
        )

    def hold(self, frozen: Frozen) -> None:
        """Note what each slot's pressing held. Writing it twice changes nothing."""
        newsletter = frozen.edition.newsletter
        aws.put_all(
            self._table,
            (
                {
                    "PK": f"N#{newsletter}",
                    "SK": f"H#{slot}#{stamp(frozen.cut_at)}#{frozen.edition}",
                    "articles": sorted(pressing.articles),
                    "ttl": int((frozen.cut_at + articles.KEPT + timedelta(days=1)).timestamp()),
                }
                for pressing in frozen.pressings
                for slot in pressing.slots
            ),
        )

    def held(
        self, newsletter: str, slot: Slot, before: datetime
    ) -> tuple[frozenset[str], datetime | None]:
        """Every article that a slot's pressings held so far, and when the last was cut."""
        rows = list(
            aws.query(
                self._table,
                KeyConditionExpression=Key("PK").eq(f"N#{newsletter}")
                & Key("SK").between(f"H#{slot}#", f"H#{slot}#{stamp(before)}"),
                ConsistentRead=True,
            )
        )
        last = from_stamp(rows[-1]["SK"].split("#")[2]) if rows else None
        return frozenset(article for row in rows for article in row["articles"]), last

    def watermark(self) -> datetime | None:
        """Up to when the heartbeat has started everything that was due."""
        item = self._table.get_item(Key=_WATERMARK, ConsistentRead=True).get("Item")
        return from_stamp(str(item["at"])) if item else None

    def move_watermark(self, at: datetime) -> None:
        """Note that everything due up to ``at`` was started; moves last in a beat, never back."""
        self._update(
            _WATERMARK,
            "SET #at = :at",
            {":at": stamp(at)},
            "attribute_not_exists(#at) OR #at < :at",
            {"#at": "at"},
        )

    def _put(self, item: aws.Item, condition: Any) -> bool:
        try:
            self._table.put_item(Item=item, ConditionExpression=condition)
        except ClientError as error:
            if aws.is_conflict(error):
                return False
            raise
        return True

    def _update(
        self,
        key: dict[str, str],
        expression: str,
        values: dict[str, Any],
        condition: str,
        names: dict[str, str] | None = None,
    ) -> bool:
        try:
            self._table.update_item(
                Key=key,
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                ConditionExpression=condition,
                **({"ExpressionAttributeNames": names} if names else {}),  # type: ignore[arg-type]  # DynamoDB refuses an empty mapping
            )
        except ClientError as error:
            if aws.is_conflict(error):
                return False
            raise
        return True


def _edition_key(edition_id: EditionId) -> dict[str, str]:
    extra = f"+{edition_id.extra}" if edition_id.extra else ""
    return {
        "PK": f"N#{edition_id.newsletter}",
        "SK": f"E#{edition_id.date.isoformat()}#{edition_id.cadence}{extra}",
    }


def _edition_item(edition: Edition) -> aws.Item:
    item: aws.Item = {
        **_edition_key(edition.id),
        "edition": str(edition.id),
        "st": edition.state.value,
        "started_at": stamp(edition.started_at),
        "closes_at": stamp(edition.closes_at),
        "by_hand": edition.by_hand,
        "epoch": edition.epoch,
        "reason": edition.reason,
    }
    if edition.state in OPEN:
        item |= {"due_kind": "EDITION", "due_at": stamp(edition.started_at)}
    return item


def _edition(item: aws.Item) -> Edition:
    return Edition(
        id=EditionId.parse(item["edition"]),
        state=EditionState(item["st"]),
        started_at=from_stamp(item["started_at"]),
        closes_at=from_stamp(item["closes_at"]),
        by_hand=item["by_hand"],
        epoch=item["epoch"],
        reason=item.get("reason"),
    )


def _pressing_item(record: PressingRecord) -> aws.Item:
    return {
        "PK": f"E#{record.edition}",
        "SK": f"P#{stamp(record.instant)}",
        "slots": [str(slot) for slot in record.slots],
        "st": record.state.value,
        "touched_at": stamp(record.touched_at),
        "members": record.members,
        "articles": record.articles,
        "reason": record.reason,
    }


def _pressing(item: aws.Item) -> PressingRecord:
    return PressingRecord(
        edition=EditionId.parse(item["PK"].removeprefix("E#")),
        instant=from_stamp(item["SK"].removeprefix("P#")),
        slots=tuple(Slot.parse(slot) for slot in item["slots"]),
        state=PressingState(item["st"]),
        touched_at=from_stamp(item["touched_at"]),
        members=int(item["members"]),
        articles=int(item["articles"]),
        reason=item.get("reason"),
    )
