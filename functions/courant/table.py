"""A DynamoDB table for sending: what of boto3's ``Table`` that path uses, on the bare client.

boto3's resource copies and walks every parameter and every answer, a tenth of all that a digest
costs (docs/benchmarks.md), and is not made to be shared by threads. A client is.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from courant.aws import Item

# What holds values in a request.
_PLACES = ("Key", "Item", "ExpressionAttributeValues", "ExclusiveStartKey")


class ClientTable:
    """Items in Python's own types, as with boto3's ``Table``; numbers come back as ``Decimal``.

    Expressions are text. Values are text, whole numbers, Decimals, booleans, None, lists and
    mappings; others raise TypeError.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def get_item(self, **asked: Any) -> dict[str, Any]:
        """As boto3's."""
        return _plain(self._client.get_item(**self._request(asked)))

    def put_item(self, **asked: Any) -> dict[str, Any]:
        """As boto3's."""
        return _plain(self._client.put_item(**self._request(asked)))

    def update_item(self, **asked: Any) -> dict[str, Any]:
        """As boto3's."""
        return _plain(self._client.update_item(**self._request(asked)))

    def query(self, **asked: Any) -> dict[str, Any]:
        """As boto3's."""
        return _plain(self._client.query(**self._request(asked)))

    def _request(self, asked: dict[str, Any]) -> dict[str, Any]:
        asked["TableName"] = self.name
        for place in _PLACES:
            if place in asked:
                asked[place] = {name: typed(value) for name, value in asked[place].items()}
        return asked


def typed(value: Any) -> dict[str, Any]:
    """A value as the wire has it: ``{"S": "text"}``.

    Raises:
        TypeError: nothing of ours is kept so, floats least of all.
    """
    if value.__class__ is str:  # as most are
        return {"S": value}
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": {name: typed(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [typed(each) for each in value]}
        case _:
            raise TypeError(f"a {type(value).__name__} can't be kept in a table")


def plain(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """An item of an answer in Python's types."""
    # Most are text.
    return {name: value["S"] if "S" in value else _value(value) for name, value in item.items()}


def _value(value: Mapping[str, Any]) -> Any:
    [(kind, held)] = value.items()
    match kind:
        case "S" | "BOOL":
            return held
        case "N":
            return Decimal(held)
        case "NULL":
            return None
        case "M":
            return plain(held)
        case "L":
            return [_value(each) for each in held]
        case "SS":
            return set(held)
        case _:
            raise TypeError(f"a value of kind {kind} is none of ours")


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    for place in ("Item", "Attributes", "LastEvaluatedKey"):
        if place in answer:
            answer[place] = plain(answer[place])
    if "Items" in answer:
        answer["Items"] = [plain(item) for item in answer["Items"]]
    return answer
