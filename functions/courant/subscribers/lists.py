"""What the send path reads: who is in a newsletter's slots. Nothing here writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Key

from courant import aws
from courant.clock import stamp
from courant.schedule import Slot
from courant.subscribers import items
from courant.subscribers.model import Member, Page, bounds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


class MemberLists:
    """The members of every newsletter, by slot and by range of sids, read strongly.

    For ranges see model.bounds.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def slots(self, newsletter_id: str) -> tuple[Slot, ...]:
        """The slots in which a newsletter has, or once had, members."""
        return tuple(
            Slot.parse(item["SK"].removeprefix(items.SLOT))
            for item in self._slot_items(newsletter_id)
        )

    def locales(self, newsletter_id: str) -> frozenset[str]:
        """The locales that a newsletter's members have, or once had, over all its slots."""
        return frozenset[str]().union(
            *(item.get("locales", ()) for item in self._slot_items(newsletter_id))
        )

    def count(self, newsletter_id: str, slot: Slot, range_: str, at: datetime) -> int:
        """How many belonged to a slot at an instant; who left after it still counts."""
        total = 0
        query = self._range(newsletter_id, slot, range_, at) | {"Select": "COUNT"}
        while True:
            found = self._table.query(**query)
            total += found["Count"]
            if "LastEvaluatedKey" not in found:
                return total
            query["ExclusiveStartKey"] = found["LastEvaluatedKey"]

    def census(self, newsletter_id: str, slot: Slot, range_: str, at: datetime) -> Counter[str]:
        """The same people as ``count`` by their locale; ``""`` for those who named none.

        Only for people to look at: it is read eventually, at half the price, and no addresses.
        """
        query = self._range(newsletter_id, slot, range_, at) | {
            "ProjectionExpression": "#locale",
            "ExpressionAttributeNames": {"#locale": "locale"},
            "ConsistentRead": False,
        }
        return Counter(str(item.get("locale", "")) for item in aws.query(self._table, **query))

    def page(
        self,
        newsletter_id: str,
        slot: Slot,
        range_: str,
        at: datetime,
        after: str = "",
        limit: int = 50,
    ) -> Page:
        """The same people as ``count``, at most ``limit`` at a time, in the order of their sids."""
        query = self._range(newsletter_id, slot, range_, at) | {"Limit": limit}
        if after:
            partition = items.list_key(newsletter_id, slot, range_[0])
            query["ExclusiveStartKey"] = {"PK": partition, "SK": after}
        found = self._table.query(**query)
        last = found.get("LastEvaluatedKey")
        return Page(
            tuple(items.member_of(item) for item in found["Items"]),
            str(last["SK"]) if last else None,
        )

    def member(self, newsletter_id: str, slot: Slot, sid: str) -> Member | None:
        """One membership as it is now, tombstone or not."""
        item = self._get(items.membership_key(newsletter_id, slot, sid))
        return items.member_of(item) if item else None

    def _slot_items(self, newsletter_id: str) -> Iterator[aws.Item]:
        return aws.query(
            self._table,
            KeyConditionExpression=Key("PK").eq(f"N#{newsletter_id}")
            & Key("SK").begins_with(items.SLOT),
            ConsistentRead=True,
        )

    def _get(self, key: aws.Item) -> aws.Item | None:
        return self._table.get_item(Key=key, ConsistentRead=True).get("Item")

    def _range(self, newsletter_id: str, slot: Slot, range_: str, at: datetime) -> dict[str, Any]:
        low, high = bounds(range_)
        return {
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :low AND :high",
            "FilterExpression": items.COUNTED,
            "ExpressionAttributeValues": {
                ":pk": items.list_key(newsletter_id, slot, range_[0]),
                ":low": low,
                ":high": high,
                ":at": stamp(at),
            },
            "ConsistentRead": True,
        }
