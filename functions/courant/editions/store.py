"""Editions, their pressings and what slots have had: rows in the content table.

The pages themselves are in the bucket (frozen.py).

Content table:
  ``N#<newsletter>`` / ``E#<date>#<cadence>[+extra]``   the edition; ``due_kind=EDITION`` while open
  ``E#<edition>``    / ``P#<instant>``                   one instant of it
  ``E#<edition>``    / ``A#<instant>#<random>``          its audit: a change of state, and whose
  ``N#<newsletter>`` / ``H#<slot>#<cut>#<edition>``       what a slot's pressing held
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from courant import articles, aws
from courant.clock import from_stamp, stamp
from courant.editions import rows
from courant.editions.model import (
    MOVES,
    OPEN,
    Edition,
    EditionState,
    Entry,
    PressingRecord,
    PressingState,
)
from courant.editions.pressing import Frozen
from courant.schedule import EditionId, Slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


class EditionStore:
    """Rows of editions. Every change of state is conditional on the state before, and audited."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, edition: Edition, *, by: str = "heartbeat") -> bool:
        """Write a new edition; False if there is one of this id already."""
        put = {
            "Item": rows.edition_item(edition),
            "ConditionExpression": "attribute_not_exists(PK)",
        }
        entry = Entry(
            at=edition.moved_at, before=None, after=edition.state, by=by, reason=edition.reason
        )
        return aws.transact(self._table, [{"Put": put}, rows.noted(edition.id, entry)])

    def restart(self, edition: Edition, before: EditionState, *, by: str) -> bool:
        """Start an edition anew that had ended without mailing anyone; False if it moved on."""
        put = {
            "Item": rows.edition_item(edition),
            "ConditionExpression": "st = :before",
            "ExpressionAttributeValues": {":before": before.value},
        }
        entry = Entry(
            at=edition.moved_at, before=before, after=edition.state, by=by, reason=edition.reason
        )
        return aws.transact(self._table, [{"Put": put}, rows.noted(edition.id, entry)])

    def get(self, edition_id: EditionId) -> Edition | None:
        """One edition, read strongly."""
        item = self._table.get_item(Key=rows.edition_key(edition_id), ConsistentRead=True).get(
            "Item"
        )
        return rows.edition_of(item) if item else None

    def of_newsletter(self, newsletter: str, limit: int = 30) -> tuple[Edition, ...]:
        """The latest editions, newest first."""
        page = self._table.query(
            KeyConditionExpression="PK = :pk AND begins_with(SK, :kind)",
            ExpressionAttributeValues={":pk": f"N#{newsletter}", ":kind": "E#"},
            ScanIndexForward=False,
            Limit=limit,
        )
        return tuple(rows.edition_of(item) for item in page["Items"])

    def open(self) -> Iterator[Edition]:
        """Every edition that still asks for work (from a sparse index, never a Scan)."""
        pointers = aws.query(
            self._table,
            IndexName="due",
            KeyConditionExpression="due_kind = :kind",
            ExpressionAttributeValues={":kind": rows.KIND},
        )
        for pointer in pointers:
            # The index lags; the row is the truth.
            item = self._table.get_item(
                Key={"PK": pointer["PK"], "SK": pointer["SK"]}, ConsistentRead=True
            ).get("Item")
            if item and "due_kind" in item:
                yield rows.edition_of(item)

    def move(
        self,
        edition_id: EditionId,
        before: EditionState,
        after: EditionState,
        *,
        by: str,
        now: datetime,
        reason: str | None = None,
        attended: bool | None = None,
        braked: bool | None = None,
        spread: bool | None = None,
        resend_before: datetime | None = None,
        also: Iterable[Mapping[str, Mapping[str, Any]]] = (),
    ) -> bool:
        """Change an edition's state, and note who did; False if it was not in ``before``.

        ``also`` is written with it or not at all (see ``aws.transact``).

        Raises:
            ValueError: there is no such change (model.MOVES).
        """
        if after not in MOVES[before]:
            raise ValueError(f"an edition can't go from {before.value} to {after.value}")
        values: dict[str, Any] = {
            ":after": after.value,
            ":before": before.value,
            ":reason": reason,
            ":now": stamp(now),
        }
        expression = "SET st = :after, reason = :reason, moved_at = :now"
        marks = {
            "attended": attended,
            "braked": braked,
            "spread": spread,
            "resend_before": resend_before and stamp(resend_before),
        }
        for name, value in marks.items():
            if value is not None:
                expression += f", {name} = :{name}"
                values[f":{name}"] = value
        if after in OPEN:
            # It may come from an end, out of the index.
            expression += ", due_kind = :kind, due_at = if_not_exists(due_at, :now)"
            values[":kind"] = rows.KIND
        elif after is not EditionState.CANCELLED:  # what is cancelled has chunks to close yet
            expression += " REMOVE due_kind, due_at"
        update = {
            "Key": rows.edition_key(edition_id),
            "UpdateExpression": expression,
            "ConditionExpression": "st = :before",
            "ExpressionAttributeValues": values,
        }
        entry = Entry(at=now, before=before, after=after, by=by, reason=reason)
        noted = rows.noted(edition_id, entry)
        return aws.transact(self._table, [{"Update": update}, noted, *also])

    def rest(self, edition_id: EditionId) -> bool:
        """Nothing is left to do for a cancelled edition; False if it is not one."""
        return self._update(
            rows.edition_key(edition_id),
            "REMOVE due_kind, due_at",
            {":cancelled": EditionState.CANCELLED.value},
            "st = :cancelled",
        )

    def audit(self, edition_id: EditionId) -> tuple[Entry, ...]:
        """Every change of an edition's state, oldest first. Entries are only ever added."""
        items = aws.query(
            self._table,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :kind)",
            ExpressionAttributeValues={":pk": f"E#{edition_id}", ":kind": "A#"},
            ConsistentRead=True,
        )
        return tuple(rows.entry_of(item) for item in items)

    def add_pressing(self, record: PressingRecord) -> bool:
        """Write one instant of an edition; False if it is there already."""
        put = self._table.put_item
        return (
            aws.conditionally(
                put,
                Item=rows.pressing_item(record),
                ConditionExpression="attribute_not_exists(PK)",
            )
            is not None
        )

    def pressing(self, edition_id: EditionId, instant: datetime) -> PressingRecord | None:
        """One instant of an edition, read strongly."""
        key = {"PK": f"E#{edition_id}", "SK": f"P#{stamp(instant)}"}
        item = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
        return rows.pressing_of(item) if item else None

    def pressings(self, edition_id: EditionId) -> tuple[PressingRecord, ...]:
        """Every instant of an edition, oldest first."""
        items = aws.query(
            self._table,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :kind)",
            ExpressionAttributeValues={":pk": f"E#{edition_id}", ":kind": "P#"},
            ConsistentRead=True,
        )
        return tuple(rows.pressing_of(item) for item in items)

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
                KeyConditionExpression="PK = :pk AND SK BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":pk": f"N#{newsletter}",
                    ":first": f"H#{slot}#",
                    ":last": f"H#{slot}#{stamp(before)}",
                },
                ConsistentRead=True,
            )
        )
        last = from_stamp(rows[-1]["SK"].split("#")[2]) if rows else None
        return frozenset(article for row in rows for article in row["articles"]), last

    def _update(
        self,
        key: dict[str, str],
        expression: str,
        values: dict[str, Any],
        condition: str,
        names: dict[str, str] | None = None,
    ) -> bool:
        given: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        answer = aws.conditionally(
            self._table.update_item,
            Key=key,
            UpdateExpression=expression,
            ExpressionAttributeValues=values,
            ConditionExpression=condition,
            **given,
        )
        return answer is not None
