"""The simulator's DynamoDB against moto's: the same calls, the same answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.reference import INDEXES, moto_table
from tests.simulation.table import MemoryTable

pytestmark = pytest.mark.exhaustive

_fresh = itertools.count()


@pytest.fixture(scope="module", name="moto_table")
def of_moto() -> Iterator[Any]:
    """moto's; tests take partitions of their own."""
    with moto_table() as table:
        yield table


def answer(table: Any, operation: str, arguments: dict[str, Any]) -> Any:
    """What a call comes to: its answer without what only a network has, or its error's code."""
    if operation == "transact_write_items":
        table = table.meta.client
    try:
        found = dict(getattr(table, operation)(**arguments))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        reasons = error.response.get("CancellationReasons", [])
        return code, [reason["Code"] for reason in reasons], error.response.get("Item")
    found.pop("ResponseMetadata", None)
    found.pop("ConsumedCapacity", None)
    found.pop("ItemCollectionMetrics", None)
    return found


# Few keys and values, so that calls meet.
PARTITIONS, SORTS = st.sampled_from(["P", "Q"]), st.sampled_from(["a", "a1", "b", "b22", "c"])
STATES = st.sampled_from(["open", "claimed", "sent"])
# Attributes keep their type, as ours do: of mixed ones moto makes what it likes.
ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "st": STATES,
    "tries": st.integers(-2, 2),
    "lease": STATES,
    "words": st.sets(STATES, min_size=1),
    "counts": st.dictionaries(st.sampled_from(["sent", "failed"]), st.integers(0, 2)),
    "reason": st.one_of(st.none(), st.booleans(), st.lists(STATES, max_size=2)),
}
# (condition, what it needs)
CONDITIONS: list[tuple[str, tuple[str, ...]]] = [
    ("attribute_not_exists(PK)", ()),
    ("attribute_exists(PK)", ()),
    ("st = :state", (":state",)),
    ("st <> :state", (":state",)),
    ("attribute_not_exists(PK) OR (st = :state AND tries < :number)", (":state", ":number")),
    ("st IN (:state, :other)", (":state", ":other")),
    ("NOT st = :state AND tries >= :number", (":state", ":number")),
    ("attribute_exists(PK) AND (attribute_not_exists(lease) OR lease < :state)", (":state",)),
    ("tries BETWEEN :low AND :number OR begins_with(st, :state)", (":low", ":number", ":state")),
    ("st = :state OR tries <= :number AND tries > :low", (":state", ":number", ":low")),
    ("#counts.sent = :number", (":number",)),
]
UPDATES: list[tuple[str, tuple[str, ...]]] = [
    ("SET st = :new", (":new",)),
    ("SET st = :new, lease = :more REMOVE tries", (":new", ":more")),
    ("SET st = :new ADD tries :one", (":new", ":one")),
    ("ADD tries :one", (":one",)),
    ("SET tries = if_not_exists(tries, :one) + :one", (":one",)),
    ("SET tries = tries - :one", (":one",)),
    ("SET was = st, st = :new", (":new",)),
    ("SET reason = :reason", (":reason",)),
    ("SET was = if_not_exists(st, :new)", (":new",)),
    ("SET #counts = :map", (":map",)),
    ("SET #counts.sent = :one", (":one",)),
    ("ADD words :words", (":words",)),
    ("DELETE words :words", (":words",)),
    ("REMOVE lease, words", ()),
    ("SET due_kind = :state, due_at = :new", (":state", ":new")),
    ("REMOVE due_kind, due_at", ()),
]
KINDS: dict[str, st.SearchStrategy[Any]] = {
    ":state": STATES,
    ":other": STATES,
    ":new": STATES,
    ":more": STATES,
    ":number": st.integers(-2, 2),
    ":low": st.integers(-2, 0),
    ":one": st.integers(-1, 2),
    ":map": st.dictionaries(st.sampled_from(["sent", "failed"]), st.integers(0, 2)),
    ":reason": ATTRIBUTES["reason"],
    ":words": st.sets(STATES, min_size=1),
}


@st.composite
def expressions(draw: st.DrawFn, *, update: bool) -> dict[str, Any]:
    """The arguments that say what to change, and on which condition."""
    found: dict[str, Any] = {}
    needed: set[str] = set()
    if update:
        found["UpdateExpression"], values = draw(st.sampled_from(UPDATES))
        needed |= set(values)
    if draw(st.booleans()):
        found["ConditionExpression"], values = draw(st.sampled_from(CONDITIONS))
        needed |= set(values)
    if needed:
        found["ExpressionAttributeValues"] = {
            name: draw(KINDS[name], label=name) for name in sorted(needed)
        }
    if any("#counts" in str(text) for text in found.values()):
        found["ExpressionAttributeNames"] = {"#counts": "counts"}
    return found


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    item: dict[str, Any] = {"PK": draw(PARTITIONS), "SK": draw(SORTS)}
    item |= draw(st.fixed_dictionaries({}, optional=ATTRIBUTES))
    if draw(st.booleans()):
        item |= {"due_kind": draw(STATES), "due_at": draw(STATES)}
    return item


@st.composite
def keys(draw: st.DrawFn) -> dict[str, str]:
    return {"PK": draw(PARTITIONS), "SK": draw(SORTS)}


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(["put_item", "update_item", "delete_item"]))
    arguments = draw(expressions(update=kind == "update_item"))
    if kind == "put_item":
        arguments["Item"] = draw(items())
        returned = ["NONE", "ALL_OLD"]
    else:
        arguments["Key"] = draw(keys())
        returned = ["NONE", "ALL_OLD"]
        if kind == "update_item":
            returned.append("ALL_NEW")
    arguments["ReturnValues"] = draw(st.sampled_from(returned))
    if draw(st.booleans()):
        arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return kind, arguments


@st.composite
def transactions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    parts = []
    for kind, arguments in draw(st.lists(writes(), min_size=1, max_size=3)):
        asked = {
            name: value for name, value in arguments.items() if not name.startswith("ReturnValues")
        }
        name = {"put_item": "Put", "update_item": "Update", "delete_item": "Delete"}[kind]
        parts.append({name: {"TableName": "table", **asked}})
    return "transact_write_items", {"TransactItems": parts}


@st.composite
def reads(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    if draw(st.booleans()):
        return "get_item", {"Key": draw(keys()), "ConsistentRead": True}
    arguments: dict[str, Any] = {"ExpressionAttributeValues": {":pk": draw(PARTITIONS)}}
    values = arguments["ExpressionAttributeValues"]
    operator = draw(st.sampled_from(["", "begins", "between", "=", "<", "<=", ">", ">="]))
    text = "PK = :pk"
    if operator == "begins":
        text += " AND begins_with(SK, :low)"
    elif operator == "between":
        text += " AND SK BETWEEN :low AND :high"
    elif operator:
        text += f" AND SK {operator} :low"
    if operator:
        values[":low"] = draw(SORTS)
    if operator == "between":
        values[":high"] = draw(SORTS.filter(lambda sort: sort >= values[":low"]))
    arguments["KeyConditionExpression"] = text
    if draw(st.booleans()):
        arguments["FilterExpression"] = "attribute_exists(st) AND st <> :state"
        values[":state"] = draw(STATES)
    if draw(st.booleans()):
        arguments["Select"] = "COUNT"
    if draw(st.booleans()):
        arguments["ScanIndexForward"] = False
    return "query", arguments | {"ConsistentRead": True}


def told_apart(value: Any, mark: str) -> Any:
    """Arguments or an answer with partitions of this example's own."""
    if isinstance(value, dict):
        return {
            name: f"{mark}{each}"
            if name in {"PK", ":pk", "due_kind"} and isinstance(each, str)
            else told_apart(each, mark)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [told_apart(each, mark) for each in value]
    return value


@settings(max_examples=50)
@given(st.lists(st.one_of(writes(), writes(), reads(), transactions()), max_size=12))
def test_the_same_calls_get_the_same_answers(
    moto_table: Any, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    ours, mark = MemoryTable(indexes=INDEXES), f"{next(_fresh)}."

    for operation, arguments in calls:
        asked = told_apart(arguments, mark)
        assert answer(ours, operation, asked) == answer(moto_table, operation, asked)
