"""A DynamoDB table in memory, with the part of boto3's Table that our stores use.

Items are kept by partition and in the order of their sort keys, and are never changed in place.
Numbers come back as Decimal, as from boto3. What it claims is held to moto in
tests/test_simulation_conformance.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from tests.simulation import expressions
from tests.simulation.expressions import InvalidExpression, Item, Names, Uses

Key = tuple[str, str]
_SCALARS = frozenset({str, Decimal, bool, type(None)})
# Sorts after every sort key.
_END = "\U0010ffff"


def error(code: str, operation: str, message: str = "", **more: Any) -> ClientError:
    """An error answer as botocore raises it."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
        **more,
    }
    return ClientError(response, operation)


def plain(value: Any) -> Any:
    """A value as DynamoDB would give it back; TypeError for what boto3 can't write."""
    cls = value.__class__
    if cls in _SCALARS:
        return value
    if cls is int:
        return Decimal(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, set | frozenset) and value:
        return {plain(each) for each in value}
    if isinstance(value, float):
        raise TypeError("Float types are not supported. Use Decimal types instead.")
    raise TypeError(f"Unsupported type {type(value)!r} for value {value!r}")


class Flat(dict[str, Any]):
    """An item of scalars alone, which nearly all are: one copy of it is deep enough."""

    __slots__ = ()


def copied(item: Mapping[str, Any]) -> Item:
    """An item that its reader may change."""
    if item.__class__ is Flat:
        return item.copy()
    return {
        name: value if value.__class__ in _SCALARS else _deep(value) for name, value in item.items()
    }


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return copied(value)
    if isinstance(value, list):
        return [each if each.__class__ in _SCALARS else _deep(each) for each in value]
    return set(value)


class MemoryTable:
    """One table. ``indexes``: name → (hash attribute, sort attribute); they project everything.

    ``most_evaluated`` is how many items a Query reads before it ends its page, as DynamoDB does
    at 1 MB. ``stale``, if given, is asked at each read that need not be consistent whether it
    shows the item as it was before its last write.
    """

    def __init__(
        self,
        name: str = "table",
        *,
        indexes: Mapping[str, tuple[str, str]] | None = None,
        most_evaluated: int | None = None,
        stale: Callable[[Key], bool] | None = None,
    ) -> None:
        self.name = name
        self.meta = SimpleNamespace(client=_Client({name: self}))
        self.most_evaluated = most_evaluated
        self.stale = stale
        self.partitions: dict[str, dict[str, Item]] = {}
        self._order: dict[str, list[str]] = {}
        self._before: dict[Key, Item | None] = {}
        self._indexes = dict(indexes or {})
        self._indexed: dict[str, dict[Key, Item]] = {index: {} for index in self._indexes}

    # ── writes ───────────────────────────────────────────────────────────────────────────────────

    def put_item(
        self,
        *,
        Item: Mapping[str, Any],  # noqa: N803 - boto3's name, like all below
        ConditionExpression: Any = None,  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str] | None = None,  # noqa: N803
        ExpressionAttributeValues: Mapping[str, Any] | None = None,  # noqa: N803
        ReturnValues: str = "NONE",  # noqa: N803
        ReturnValuesOnConditionCheckFailure: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """As boto3's."""
        new = {
            name: value if value.__class__ is str else plain(value) for name, value in Item.items()
        }
        key = self.key(new, "PutItem")
        before = self._item(key)
        names, values = _given(ExpressionAttributeNames, ExpressionAttributeValues)
        ConditionExpression, names, values = _text(ConditionExpression, names, values)  # noqa: N806
        self._check(
            "PutItem",
            before,
            ConditionExpression,
            names,
            values,
            old=ReturnValuesOnConditionCheckFailure == "ALL_OLD",
        )
        self.store(key, new)
        return {"Attributes": copied(before)} if ReturnValues == "ALL_OLD" and before else {}

    def update_item(
        self,
        *,
        Key: Mapping[str, Any],  # noqa: N803
        UpdateExpression: str = "",  # noqa: N803
        ConditionExpression: Any = None,  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str] | None = None,  # noqa: N803
        ExpressionAttributeValues: Mapping[str, Any] | None = None,  # noqa: N803
        ReturnValues: str = "NONE",  # noqa: N803
        ReturnValuesOnConditionCheckFailure: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """As boto3's."""
        key = self.key(Key, "UpdateItem", exact=True)
        before = self._item(key)
        names, values = _given(ExpressionAttributeNames, ExpressionAttributeValues)
        ConditionExpression, names, values = _text(ConditionExpression, names, values)  # noqa: N806
        new = self._updated(
            key, before, UpdateExpression, ConditionExpression, names, values,
            old=ReturnValuesOnConditionCheckFailure == "ALL_OLD",
        )  # fmt: skip
        self.store(key, new)
        if ReturnValues == "NONE":
            return {}
        if ReturnValues == "ALL_NEW":
            return {"Attributes": copied(new)}
        assert ReturnValues == "ALL_OLD", "no store of ours asks for parts"
        return {"Attributes": copied(before)} if before else {}

    def delete_item(
        self,
        *,
        Key: Mapping[str, Any],  # noqa: N803
        ConditionExpression: Any = None,  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str] | None = None,  # noqa: N803
        ExpressionAttributeValues: Mapping[str, Any] | None = None,  # noqa: N803
        ReturnValues: str = "NONE",  # noqa: N803
        ReturnValuesOnConditionCheckFailure: str = "NONE",  # noqa: N803
    ) -> dict[str, Any]:
        """As boto3's."""
        key = self.key(Key, "DeleteItem", exact=True)
        before = self._item(key)
        names, values = _given(ExpressionAttributeNames, ExpressionAttributeValues)
        ConditionExpression, names, values = _text(ConditionExpression, names, values)  # noqa: N806
        self._check(
            "DeleteItem",
            before,
            ConditionExpression,
            names,
            values,
            old=ReturnValuesOnConditionCheckFailure == "ALL_OLD",
        )
        self.store(key, None)
        return {"Attributes": copied(before)} if ReturnValues == "ALL_OLD" and before else {}

    @contextmanager
    def batch_writer(self, overwrite_by_pkeys: list[str] | None = None) -> Iterator[Any]:
        """As boto3's: what is put in the block is written, the last of each key."""
        del overwrite_by_pkeys  # the last always wins here
        yield SimpleNamespace(put_item=self.put_item, delete_item=self.delete_item)

    # ── reads ────────────────────────────────────────────────────────────────────────────────────

    def get_item(
        self,
        *,
        Key: Mapping[str, Any],  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803
    ) -> dict[str, Any]:
        """As boto3's, for whole items."""
        key = self.key(Key, "GetItem", exact=True)
        item = self._item(key)
        if not ConsistentRead and self.stale and key in self._before and self.stale(key):
            item = self._before[key]
        return {} if item is None else {"Item": copied(item)}

    def query(
        self,
        *,
        KeyConditionExpression: Any,  # noqa: N803
        FilterExpression: Any = None,  # noqa: N803
        ExpressionAttributeNames: Mapping[str, str] | None = None,  # noqa: N803
        ExpressionAttributeValues: Mapping[str, Any] | None = None,  # noqa: N803
        ExclusiveStartKey: Mapping[str, Any] | None = None,  # noqa: N803
        IndexName: str | None = None,  # noqa: N803
        Limit: int | None = None,  # noqa: N803
        Select: str = "ALL_ATTRIBUTES",  # noqa: N803
        ScanIndexForward: bool = True,  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803, ARG002 - only single items are ever stale
    ) -> dict[str, Any]:
        """As boto3's, for whole items or their count."""
        names, values = _given(ExpressionAttributeNames, ExpressionAttributeValues)
        KeyConditionExpression, names, values = _text(  # noqa: N806
            KeyConditionExpression, names, values, keys=True
        )
        FilterExpression, names, values = _text(FilterExpression, names, values)  # noqa: N806
        try:
            wanted = expressions.key_condition(KeyConditionExpression, names)
            shown = expressions.condition(FilterExpression, names) if FilterExpression else None
            _used(names, values, wanted.uses, *([shown.uses] if shown else []))
        except InvalidExpression as bad:
            raise error("ValidationException", "Query", str(bad)) from None
        if IndexName:
            evaluated, more = self._of_index(
                IndexName, wanted, values, ExclusiveStartKey, ScanIndexForward, Limit
            )
        else:
            evaluated, more = self._of_partition(
                wanted, values, ExclusiveStartKey, ScanIndexForward, Limit
            )
        found = [i for i in evaluated if shown.holds(i, values)] if shown else evaluated
        page: dict[str, Any] = {"Count": len(found), "ScannedCount": len(evaluated)}
        if Select != "COUNT":
            page["Items"] = [copied(item) for item in found]
        if more:
            last = evaluated[-1]
            page["LastEvaluatedKey"] = {"PK": last["PK"], "SK": last["SK"]}
            for name in self._indexes.get(IndexName or "", ()):
                page["LastEvaluatedKey"][name] = last[name]
        return page

    def all(self) -> Iterator[Item]:
        """Every item, by key; for the ones who check, not for the ones who are checked."""
        for partition in sorted(self.partitions):
            yield from (self.partitions[partition][sort] for sort in self._order[partition])

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def store(self, key: Key, item: Item | None) -> None:
        """Put an item that is ``plain`` in its place, or take it away; no questions asked."""
        partition, sort = key
        if item is not None and _SCALARS.issuperset(map(type, item.values())):
            item = Flat(item)
        items = self.partitions.get(partition)
        if items is None:
            items = self.partitions[partition] = {}
            self._order[partition] = []
        if self.stale:
            self._before[key] = items.get(sort)
        if item is None:
            if sort in items:
                del items[sort]
                order = self._order[partition]
                del order[bisect_left(order, sort)]
        else:
            if sort not in items:
                order = self._order[partition]
                if not order or order[-1] < sort:
                    order.append(sort)
                else:
                    insort(order, sort)
            items[sort] = item
        for index, (hash_name, sort_name) in self._indexes.items():
            if item is not None and hash_name in item and sort_name in item:
                self._indexed[index][key] = item
            else:
                self._indexed[index].pop(key, None)

    def _item(self, key: Key) -> Item | None:
        items = self.partitions.get(key[0])
        return items.get(key[1]) if items else None

    def key(self, item: Mapping[str, Any], operation: str = "", *, exact: bool = False) -> Key:
        """Where an item lies; ClientError if it can't lie anywhere."""
        try:
            partition, sort = item["PK"], item["SK"]
        except KeyError:
            raise error(
                "ValidationException", operation, "The provided key element does not match"
            ) from None
        if (
            not partition
            or not sort
            or partition.__class__ is not str
            or sort.__class__ is not str
            or (exact and len(item) != 2)
        ):
            raise error("ValidationException", operation, "The provided key is invalid")
        return partition, sort

    def _check(
        self,
        operation: str,
        before: Item | None,
        condition: str | None,
        names: Names,
        values: Mapping[str, Any],
        *,
        old: bool,
    ) -> None:
        try:
            if condition is None:
                _used(names, values)
                return
            test = expressions.condition(condition, names)
            _used(names, values, test.uses)
            holds = test.holds(before or {}, values)
        except InvalidExpression as bad:
            raise error("ValidationException", operation, str(bad)) from None
        if not holds:
            raise _conflict(operation, before if old else None)

    def _updated(
        self,
        key: Key,
        before: Item | None,
        text: str,
        condition: str | None,
        names: Names,
        values: Mapping[str, Any],
        *,
        old: bool,
    ) -> Item:
        """The item as an update makes it."""
        try:
            test = expressions.condition(condition, names) if condition else None
            change = expressions.update(text, names) if text else None
            uses = [each.uses for each in (test, change) if each]
            _used(names, values, *uses)
            if test and not test.holds(before or {}, values):
                raise _conflict("UpdateItem", before if old else None)
            base = before if before is not None else {"PK": key[0], "SK": key[1]}
            if change is None:
                return base
            if change.touched & {"PK", "SK"}:
                raise InvalidExpression("Cannot update attribute PK. It is part of the key")  # noqa: TRY301 - it is answered like all others
            return change.apply(base, values)
        except InvalidExpression as bad:
            raise error("ValidationException", "UpdateItem", str(bad)) from None

    def _most(self, limit: int | None, there: int) -> int:
        """How many of the items that are there one page evaluates."""
        return min(limit or there, self.most_evaluated or there, there)

    def _of_partition(
        self,
        wanted: expressions.KeyCondition,
        values: Mapping[str, Any],
        start: Mapping[str, Any] | None,
        forward: bool,
        limit: int | None,
    ) -> tuple[list[Item], bool]:
        """The items that a page evaluates, and whether it ends before the range is known to."""
        if wanted.hash_name != "PK" or wanted.range_name not in {None, "SK"}:
            raise error("ValidationException", "Query", "Query condition missed key schema element")
        partition = values[wanted.hash]
        if start is not None and (
            start["PK"] != partition
            or (wanted.range_name and not _within(wanted, values, str(start["SK"])))
        ):
            raise error("ValidationException", "Query", "The provided starting key is invalid")
        items = self.partitions.get(partition)
        if not items:
            return [], False
        order = self._order[partition]
        first, last = _bounds(wanted, values, order)
        if start is not None and forward:
            first = max(first, bisect_right(order, start["SK"]))
        elif start is not None:
            last = min(last, bisect_left(order, start["SK"]))
        most = self._most(limit, last - first)
        if most <= 0:
            return [], False
        keys = order[first : first + most] if forward else order[last - most : last][::-1]
        # At its limit a page can't know whether there is more.
        more = most < last - first or most in {limit, self.most_evaluated}
        return [items[sort] for sort in keys], more

    def _of_index(
        self,
        index: str,
        wanted: expressions.KeyCondition,
        values: Mapping[str, Any],
        start: Mapping[str, Any] | None,
        forward: bool,
        limit: int | None,
    ) -> tuple[list[Item], bool]:
        hash_name, sort_name = self._indexes[index]
        if wanted.hash_name != hash_name or wanted.range_name not in {None, sort_name}:
            raise error("ValidationException", "Query", "Query condition missed key schema element")
        found = sorted(
            (
                ((item[sort_name], *key), item)
                for key, item in self._indexed[index].items()
                if item[hash_name] == values[wanted.hash]
                and (wanted.range_name is None or _within(wanted, values, item[sort_name]))
            ),
            key=lambda each: each[0],
            reverse=not forward,
        )
        if start is not None:
            after = (start[sort_name], start["PK"], start["SK"])
            found = [each for each in found if (each[0] > after if forward else each[0] < after)]
        most = self._most(limit, len(found))
        more = most < len(found) or (most > 0 and most in {limit, self.most_evaluated})
        return [item for _, item in found[:most]], more


class _Client:
    """The part of a table's ``meta.client`` that our stores use, over the tables it knows."""

    def __init__(self, tables: dict[str, MemoryTable]) -> None:
        self.tables = tables
        self._tokens: set[str] = set()

    def transact_write_items(
        self,
        *,
        TransactItems: Iterable[Mapping[str, Any]],  # noqa: N803
        ClientRequestToken: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        """As boto3's: all or nothing; the same token again changes nothing."""
        if ClientRequestToken in self._tokens:
            return {}
        asked_for = [
            (self.tables[asked["TableName"]], kind, asked)
            for each in TransactItems
            for kind, asked in each.items()
        ]
        keys = [
            (table.name, table.key(asked["Item"] if kind == "Put" else asked["Key"]))
            for table, kind, asked in asked_for
        ]
        if len(set(keys)) != len(keys):
            raise error(
                "ValidationException",
                "TransactWriteItems",
                "Transaction request cannot include multiple operations on one item",
            )
        writes: list[tuple[MemoryTable, Key, Item | None]] = []
        reasons: list[dict[str, str]] = []
        for table, kind, asked in asked_for:
            try:
                write = _decided(table, kind, asked)
            except ClientError as refusal:
                if refusal.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                reasons.append({"Code": "ConditionalCheckFailed"})
                continue
            reasons.append({"Code": "None"})
            if write is not None:
                writes.append(write)
        if any(reason["Code"] != "None" for reason in reasons):
            raise error(
                "TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons
            )
        for table, key, item in writes:
            table.store(key, item)
        if ClientRequestToken is not None:
            self._tokens.add(ClientRequestToken)
        return {}

    def batch_get_item(
        self,
        *,
        RequestItems: Mapping[str, Any],  # noqa: N803
    ) -> dict[str, Any]:
        """As boto3's; nothing is ever left unprocessed."""
        responses: dict[str, list[Item]] = {}
        for name, asked in RequestItems.items():
            table = self.tables[name]
            found = (table._item((key["PK"], key["SK"])) for key in asked["Keys"])
            responses[name] = [copied(item) for item in found if item is not None]
        return {"Responses": responses, "UnprocessedKeys": {}}


def _decided(
    table: MemoryTable, kind: str, asked: Mapping[str, Any]
) -> tuple[MemoryTable, Key, Item | None] | None:
    """What one part of a transaction writes; ClientError if its condition does not hold."""
    names, values = _given(
        asked.get("ExpressionAttributeNames"), asked.get("ExpressionAttributeValues")
    )
    condition = asked.get("ConditionExpression")
    key = table.key(asked["Item"] if kind == "Put" else asked["Key"], "TransactWriteItems")
    before = table._item(key)
    if kind == "Update":
        new = table._updated(
            key, before, asked["UpdateExpression"], condition, names, values, old=False
        )
        return table, key, new
    table._check("TransactWriteItems", before, condition, names, values, old=False)
    if kind == "ConditionCheck":
        return None
    return table, key, plain(asked["Item"]) if kind == "Put" else None


def _conflict(operation: str, item: Item | None) -> ClientError:
    # In a resource's errors the item stays as it came over the wire.
    more = {"Item": TypeSerializer().serialize(item)["M"]} if item else {}
    return error(
        "ConditionalCheckFailedException", operation, "The conditional request failed", **more
    )


_NOTHING: dict[str, Any] = {}


def _given(
    names: Mapping[str, str] | None, values: Mapping[str, Any] | None
) -> tuple[Names, Mapping[str, Any]]:
    return (
        tuple(names.items()) if names else (),
        {name: value if value.__class__ is str else plain(value) for name, value in values.items()}
        if values
        else _NOTHING,
    )


def _text(
    wanted: Any, names: Names, values: Mapping[str, Any], *, keys: bool = False
) -> tuple[Any, Names, Mapping[str, Any]]:
    """A condition as text: boto3's own objects become what boto3 would send."""
    if not isinstance(wanted, ConditionBase):
        return wanted, names, values
    made = ConditionExpressionBuilder().build_expression(wanted, is_key_condition=keys)
    # Names of their own, should several expressions be objects.
    mark = f"{'k' if keys else 'c'}_"
    text = made.condition_expression.replace("#", f"#{mark}").replace(":", f":{mark}")
    more = {f":{mark}{k[1:]}": plain(v) for k, v in made.attribute_value_placeholders.items()}
    found = ((f"#{mark}{k[1:]}", v) for k, v in made.attribute_name_placeholders.items())
    return text, (*names, *found), {**values, **more}


def _used(names: Names, values: Mapping[str, Any], *uses: Uses) -> None:
    """DynamoDB refuses placeholders that nothing uses, and uses of ones that are not given."""
    if len(uses) == 1:
        values_used, names_used = uses[0]
    elif uses:
        values_used, names_used = _all_uses(uses)
    else:
        values_used = names_used = frozenset()
    if values.keys() != values_used:
        raise InvalidExpression(f"values given {sorted(values)}, used {sorted(values_used)}")
    if len(names) != len(names_used):
        raise InvalidExpression(f"names given {sorted(names)}, used {sorted(names_used)}")


@cache
def _all_uses(uses: tuple[Uses, ...]) -> Uses:
    return Uses(
        frozenset[str]().union(*(each.values for each in uses)),
        frozenset[str]().union(*(each.names for each in uses)),
    )


def _bounds(
    wanted: expressions.KeyCondition, values: Mapping[str, Any], order: list[str]
) -> tuple[int, int]:
    """From where to where in the sorted keys."""
    if wanted.low is None:
        return 0, len(order)
    low = values[wanted.low]
    if wanted.operator == "BETWEEN":
        return bisect_left(order, low), bisect_right(order, values[wanted.high or ""])
    if wanted.operator == "begins_with":
        return bisect_left(order, low), bisect_left(order, low + _END)
    if wanted.operator == "=":
        return bisect_left(order, low), bisect_right(order, low)
    if wanted.operator == "<":
        return 0, bisect_left(order, low)
    if wanted.operator == "<=":
        return 0, bisect_right(order, low)
    if wanted.operator == ">":
        return bisect_right(order, low), len(order)
    return bisect_left(order, low), len(order)


def _within(wanted: expressions.KeyCondition, values: Mapping[str, Any], sort: str) -> bool:
    first, last = _bounds(wanted, values, [sort])
    return first < last
