"""DynamoDB with no latency: what gathering and sending cost us, without what AWS takes.

Everything boto3 does is done (serialising, signing, parsing); only the wire is missing. It knows
the calls that gathering and sending make, believes that every condition holds (nobody else is
there), and counts requests and write units.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import botocore.awsrequest

Item = dict[str, Any]

_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b")
_BETWEEN = re.compile(r"SK BETWEEN (:\w+) AND (:\w+)")
_BEGINS = re.compile(r"begins_with\(SK, (:\w+)\)")
_IF_NOT_EXISTS = re.compile(r"if_not_exists\(\s*([^,\s]+)\s*,\s*([^)\s]+)\s*\)")


class _Raw(BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.getvalue()


class Tables:
    """One table's items by key. Give ``answer`` to botocore as ``before-send.dynamodb``."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self._sorted: dict[str, list[str]] = defaultdict(list)
        self.requests: Counter[str] = Counter()
        self.write_units = 0

    def answer(self, request: Any, **_: object) -> botocore.awsrequest.AWSResponse:
        """Answer one prepared request."""
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        body = self.perform(operation, request.body)
        headers: Any = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "bench"}
        return botocore.awsrequest.AWSResponse(request.url, 200, headers, _Raw(body))

    def perform(self, operation: str, body: bytes) -> bytes:
        """The answer's body to a request's."""
        self.requests[operation] += 1
        return json.dumps(getattr(self, f"_{operation}")(json.loads(body))).encode()

    def _UpdateItem(self, asked: Item) -> Item:  # noqa: N802 - DynamoDB's own names
        item = self._item(_key(asked["Key"]))
        names, values = (
            asked.get("ExpressionAttributeNames", {}),
            asked.get("ExpressionAttributeValues", {}),
        )
        parts = _CLAUSE.split(asked["UpdateExpression"])[1:]
        for verb, clause in zip(parts[::2], parts[1::2], strict=True):
            for action in _split(clause):
                _apply(item, verb, action, names, values)
        self._wrote(item)
        return {"Attributes": item} if asked.get("ReturnValues") == "ALL_NEW" else {}

    def _Query(self, asked: Item) -> Item:  # noqa: N802
        """One page of a partition, in the order of SK; every item passes a filter."""
        expression, values = asked["KeyConditionExpression"], asked["ExpressionAttributeValues"]
        for name, attribute in asked.get("ExpressionAttributeNames", {}).items():
            expression = expression.replace(name, attribute)
        partition = values[expression.split("PK = ")[1].split()[0].rstrip(")")]["S"]
        keys = self._sorted[partition]
        start, end = 0, len(keys)
        if match := _BETWEEN.search(expression):
            start = bisect_left(keys, values[match[1]]["S"])
            end = bisect_right(keys, values[match[2]]["S"])
        elif match := _BEGINS.search(expression):
            prefix = values[match[1]]["S"]
            start, end = bisect_left(keys, prefix), bisect_right(keys, f"{prefix}\uffff")
        elif "SK" in expression:
            raise NotImplementedError(expression)
        if "ExclusiveStartKey" in asked:
            start = max(start, bisect_right(keys, asked["ExclusiveStartKey"]["SK"]["S"]))
        found = keys[start : min(end, start + asked.get("Limit", end))]
        answer: Item = {"Count": len(found), "ScannedCount": len(found)}
        if asked.get("Select") != "COUNT":
            answer["Items"] = [self.items[partition, key] for key in found]
        if start + len(found) < end:
            answer["LastEvaluatedKey"] = {"PK": {"S": partition}, "SK": {"S": found[-1]}}
        return answer

    def _PutItem(self, asked: Item) -> Item:  # noqa: N802
        self._put(asked["Item"])
        return {}

    def _GetItem(self, asked: Item) -> Item:  # noqa: N802
        item = self.items.get(_key(asked["Key"]))
        return {"Item": item} if item else {}

    def _BatchGetItem(self, asked: Item) -> Item:  # noqa: N802
        return {
            "Responses": {
                table: [self.items[_key(key)] for key in part["Keys"] if _key(key) in self.items]
                for table, part in asked["RequestItems"].items()
            },
            "UnprocessedKeys": {},
        }

    def _BatchWriteItem(self, asked: Item) -> Item:  # noqa: N802
        for requests in asked["RequestItems"].values():
            for each in requests:
                self._put(each["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def _TransactWriteItems(self, asked: Item) -> Item:  # noqa: N802
        for write in asked["TransactItems"]:
            for kind, part in write.items():
                getattr(self, f"_{kind}Item")(part)
        return {}

    def _item(self, key: tuple[str, str]) -> Item:
        """The item of a key, made if it is not there."""
        if (item := self.items.get(key)) is None:
            item = self.items[key] = {"PK": {"S": key[0]}, "SK": {"S": key[1]}}
            insort(self._sorted[key[0]], key[1])
        return item

    def _put(self, item: Item) -> None:
        self._item(_key(item))
        self.items[_key(item)] = item
        self._wrote(item)

    def _wrote(self, item: Item) -> None:
        # A write unit is a kilobyte or part of one; JSON is a little more than DynamoDB counts.
        self.write_units += len(json.dumps(item)) // 1024 + 1


def _key(item: Item) -> tuple[str, str]:
    return item["PK"]["S"], item["SK"]["S"]


def _split(clause: str) -> list[str]:
    """The actions of a clause; commas inside a function's brackets part nothing."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", clause) if part.strip()]


def _apply(item: Item, verb: str, action: str, names: Item, values: Item) -> None:
    if verb == "REMOVE":
        item.pop(names.get(action, action), None)
    elif verb == "SET":
        target, _, source = (part.strip() for part in action.partition("="))
        target = names.get(target, target)
        if match := _IF_NOT_EXISTS.fullmatch(source):
            item.setdefault(target, values[match[2]])
        else:
            item[target] = values[source]
    elif verb == "ADD":
        target, value = action.split()
        before = item.get(target, {"N": "0"})["N"]
        item[target] = {"N": str(int(before) + int(values[value]["N"]))}
    else:
        raise NotImplementedError(f"{verb} in an update")
