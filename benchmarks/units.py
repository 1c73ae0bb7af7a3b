"""What an edition asks of AWS, counted from its real calls, events included; and what that costs.

``python -m benchmarks.units [--readers 400 2000]`` runs an edition of each size through the local
stack, from the first beat to its end, every mail's Delivery event included. Of two sizes come what
one more digest takes and what an edition takes by itself.

moto's own capacity is always 1, so units are counted here, by size, as DynamoDB's documentation
says ("Capacity unit consumption for operations", "DynamoDB item sizes and formats").
"""

from __future__ import annotations

import argparse
import json
import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from moto.backends import get_backend

from courant.clock import stamp
from courant.subscribers.model import SHARDS
from desk import prices
from desk.stack import Mail, Stack, functions
from desk.stack.template import ACCOUNT, REGION, Function
from tests.newsroom import SPORT, WORLD, Newsroom

_EDITION = "morning/daily/2026-11-22"
# Feedback's look at a row: half a kilobyte, read eventually.
_LOOK = 0.5
# Of feedback, an event: DynamoDB's 5 ms and 0.7 ms of a whole processor, of which its 512 MB
# are two sevenths (AWS gives 1,769 MB one).
_HEARING_S, _HEARING_GB = 0.005 + 0.0007 * 1_769 / 512, 0.5
# Mails a second that an invocation sends while nothing holds it back (benchmarks/deliver.py).
_WALKER_RATE = 100
# Data Firehose takes records as multiples of 5 kB, for $0.029 a GB.
_FIREHOSE = 5 / 1e6 * 0.029

Item = dict[str, Any]
Key = tuple[str, str]

# A line in CloudWatch Logs is billed with 26 bytes more, and Lambda wraps ours in JSON.
_LOG_LINE = 26
_ENVELOPE = len(
    '{"timestamp":"2026-11-22T06:00:00Z","level":"INFO","message":"","logger":"courant",'
    '"requestId":"00000000-0000-0000-0000-000000000000"}'
)
# Lambda's pollers take ten messages a request from a queue, and delete ten.
_HANDED_OUT = 10
_MILLION = 1_000_000
# An index that is sparse: an item with these is in it too, and a change there is one more write.
_INDEX = ("due_kind", "due_at", "host")


@dataclass(slots=True)
class Clock:
    """Stands still until it is moved."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **how_far: float) -> None:
        self.at += timedelta(**how_far)


class Meter:
    """Counts by (function, what): units, requests, bytes logged."""

    def __init__(self) -> None:
        self.used: Counter[tuple[str, str]] = Counter()
        self.row_bytes = 0.0
        self._function = ""

    def note(self, what: str, amount: float) -> None:
        """So much more of something, for the function that runs."""
        self.used[self._function, what] += amount  # type: ignore[assignment]  # a Counter may count halves

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Every call, invocation and log line of the stack's functions meanwhile."""
        make = BaseClient._make_request  # type: ignore[attr-defined]  # noqa: SLF001 - answers' items are typed only there
        run = functions.run

        def request(client: Any, model: Any, prepared: dict[str, Any], context: Any) -> Any:
            service = model.service_model.service_name
            if not self._function:
                return make(client, model, prepared, context)
            if service != "dynamodb":
                self.note(f"{service} {model.name}", 1)
                return make(client, model, prepared, context)
            asked = json.loads(prepared["body"])
            before = _before(asked)
            http, answer = make(client, model, prepared, context)
            self._dynamodb(model.name, asked, answer, before)
            return http, answer

        def invoked(function: Function, environment: Any, event: Any) -> Any:
            self._function = function.name
            self.note("lambda requests", 1)
            if "Records" in event:
                # Taken from the queue, and deleted.
                self.note("sqs requests", 2 * math.ceil(len(event["Records"]) / _HANDED_OUT))
            try:
                return run(function, environment, event)
            finally:
                self._function = ""

        lines = _Lines(self)
        logger = logging.getLogger("courant")
        logger.addHandler(lines)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        with (
            mock.patch.object(BaseClient, "_make_request", request),
            mock.patch.object(functions, "run", invoked),
        ):
            yield
        logger.removeHandler(lines)

    def _dynamodb(self, operation: str, asked: Item, answer: Item, before: dict[Key, Item]) -> None:
        match operation:
            case "PutItem" | "UpdateItem" | "DeleteItem":
                self._written(asked, before, 1)
            case "TransactWriteItems":
                for write in asked["TransactItems"]:
                    for part in write.values():
                        self._written(part, before, 2)
            case "BatchWriteItem":
                for table, requests in asked["RequestItems"].items():
                    for each in requests:
                        self._written({"TableName": table, **each["PutRequest"]}, before, 1)
            case "GetItem":
                self._read(size(answer.get("Item", {})), asked)
            case "BatchGetItem":
                for items in answer["Responses"].values():
                    for item in items:
                        self._read(size(item), asked)
            case "Query":
                self._read(_evaluated(asked, answer), asked)
            case _:
                raise NotImplementedError(operation)

    def _written(self, asked: Item, before: Mapping[Key, Item], times: int) -> None:
        table, key = asked["TableName"], _key(asked.get("Key") or asked["Item"])
        old, new = before.get(key, {}), _item(table, key)
        units = max(math.ceil(max(size(old), size(new)) / 1024), 1)
        self.note(f"write units {_short(table)} {key[0][:2]}", times * units)
        was, is_ = ([item.get(name) for name in _INDEX] for item in (old, new))
        if was != is_:
            self.note("write units index", times * ((was[0] is not None) + (is_[0] is not None)))

    def _read(self, bytes_: float, asked: Item) -> None:
        units = max(math.ceil(bytes_ / 4096), 1)
        name = _short(asked.get("TableName", "content"))
        self.note(f"read units {name}", units * (1 if asked.get("ConsistentRead") else 0.5))


class _Lines(logging.Handler):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def emit(self, record: logging.LogRecord) -> None:
        line = len(json.dumps(record.getMessage())) - 2 + _ENVELOPE + _LOG_LINE
        self._meter.note("bytes logged", line)


def size(item: Mapping[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them: names, values, and what holds them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    [(kind, held)] = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return math.ceil(len(held.lstrip("-").replace(".", "")) / 2) + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(v) for name, v in held.items())
        case "L":
            return 3 + sum(1 + _value_size(each) for each in held)
        case "SS":
            return sum(len(each.encode()) for each in held)
        case _:
            return 1


def _backend() -> Any:
    return get_backend("dynamodb")[ACCOUNT][REGION]


def _table(name: str) -> Any:
    return _backend().get_table(name)


def _partition(table: str, name: str) -> dict[str, Item]:
    kept = _table(table)
    found: Any = next((items for key, items in kept.items.items() if key.value == name), {})
    return {key.value: item.to_json()["Attributes"] for key, item in found.items()}


def _item(table: str, key: Key) -> Item:
    found = _backend().get_item(table, {"PK": {"S": key[0]}, "SK": {"S": key[1]}})
    return dict(found.to_json()["Attributes"]) if found else {}


def _key(item: Item) -> Key:
    return item["PK"]["S"], item["SK"]["S"]


def _before(asked: Item) -> dict[Key, Item]:
    """The items that a request may write, as they are before it."""
    parts = [part for write in asked.get("TransactItems", ()) for part in write.values()]
    for table, requests in asked.get("RequestItems", {}).items():
        if isinstance(requests, list):
            parts += [{"TableName": table, **each["PutRequest"]} for each in requests]
    if "Key" in asked or "Item" in asked:
        parts.append(asked)
    keyed = [(part["TableName"], _key(part.get("Key") or part["Item"])) for part in parts]
    return {key: _item(table, key) for table, key in keyed}


def _evaluated(asked: Item, answer: Item) -> float:
    """Bytes that a Query looked at: also of what a filter or a projection kept back."""
    looked_at = int(answer.get("ScannedCount") or answer["Count"])
    whole = "ProjectionExpression" not in asked and "Select" not in asked
    if whole and looked_at == len(answer["Items"]):
        return sum(size(item) for item in answer["Items"])
    name = next(v["S"] for v in asked["ExpressionAttributeValues"].values() if "S" in v)
    items = _partition(asked["TableName"], name).values()
    return looked_at * sum(map(size, items)) / max(len(items), 1)


def _short(table: str) -> str:
    return next(name for name in ("content", "subscribers", "ledger") if name in table.lower())


def run(readers: int) -> Meter:
    """One edition for so many readers, from its hour until it is over."""
    meter = Meter()
    clock = Clock(datetime(2026, 11, 22, 5, 30, tzinfo=UTC))
    with Stack(clock) as stack:
        stack.calls.account["SendQuota"] = {
            "Max24HourSend": -1.0,
            "MaxSendRate": 200.0,
            "SentLast24Hours": 0.0,
        }
        newsroom = Newsroom(stack, clock)  # type: ignore[arg-type]  # asks no more of a clock
        newsroom.found()
        newsroom.bring(20, WORLD)
        newsroom.bring(20, SPORT)
        newsroom.subscribe(readers, prefix="a-reader-of-average-length-")
        newsroom.run(1)
        newsroom.to(6)
        with meter.counting():
            told = 0
            for _ in range(60):
                stack.tick()
                stack.pump()
                for mail in stack.mails()[told:]:
                    stack.put_event(delivery_event(mail, clock()))
                told = len(stack.mails())
                stack.pump()
                if newsroom.edition().state.value == "sent":
                    break
                clock.advance(minutes=1)
            else:
                raise RuntimeError(f"it is {newsroom.edition().state} after an hour")
            rows = [
                size(item)
                for shard in SHARDS
                for item in _partition(stack.table("ledger").name, f"D#{_EDITION}#{shard}").values()
            ]
        meter.row_bytes = sum(rows) / len(rows)
    if told != readers:
        raise RuntimeError(f"{told} mails for {readers} readers")
    return meter


def delivery_event(mail: Mail, at: datetime) -> Item:
    """SES's Delivery event of a mail, as long as a real one."""
    lines = mail.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = [dict(zip(("name", "value"), line.split(": ", 1), strict=False)) for line in lines]
    when = stamp(at)
    return {
        "eventType": "Delivery",
        "mail": {
            "timestamp": when,
            "source": mail.sender,
            "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/news.example.org",
            "sendingAccountId": ACCOUNT,
            "messageId": mail.message_id,
            "destination": list(mail.to),
            "headersTruncated": False,
            "headers": headers,
            "commonHeaders": {"from": [mail.sender], "to": list(mail.to), "subject": "News"},
            "tags": {
                "ses:configuration-set": [mail.configuration_set],
                "ses:source-ip": ["192.0.2.1"],
                "ses:from-domain": ["news.example.org"],
                "ses:caller-identity": ["deliver"],
                **{name: [value] for name, value in mail.tags.items()},
            },
        },
        "delivery": {
            "timestamp": when,
            "processingTimeMillis": 546,
            "recipients": list(mail.to),
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "a8-70.smtp-out.amazonses.com",
        },
    }


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--readers", nargs=2, type=int, default=[400, 2000], metavar=("FEW", "MANY"))
    few, many = words.parse_args(arguments).readers
    small, large = run(few), run(many)
    print(f"{'function':10}{'what':36}{few:>10}{many:>10}{'a digest':>12}{'an edition':>12}")
    a_digest: Counter[str] = Counter()
    for function, what in sorted({*small.used, *large.used}):
        counted = [meter.used[function, what] for meter in (small, large)]
        each = (counted[1] - counted[0]) / (many - few)
        a_digest[_kind(what)] += each
        print(
            f"{function:10}{what:36}{counted[0]:>10,.1f}{counted[1]:>10,.1f}"
            f"{each:>12.4f}{counted[0] - each * few:>12.1f}"
        )
    print("a digest:", ", ".join(f"{amount:.4f} {kind}" for kind, amount in a_digest.items()))
    print(f"a row of the ledger: {large.row_bytes:.0f} bytes, and DynamoDB's 100")
    _compare(ways(a_digest, large.row_bytes))


def _kind(what: str) -> str:
    kinds = ("write units", "read units", "bytes logged", "lambda requests", "sqs")
    return next((kind for kind in kinds if what.startswith(kind)), what)


def ways(a_digest: Mapping[str, float], row_bytes: float) -> dict[str, dict[str, float]]:
    """Dollars for a million digests, by the way on which it is heard what became of them."""
    hearing_s = _HEARING_S * _HEARING_GB * prices.LAMBDA_GB_SECOND
    looked = _LOOK * prices.DYNAMODB_READ_UNIT + hearing_s
    queued = 2 / _HANDED_OUT * prices.SQS_REQUEST
    # The event's look is counted in ``a_digest``; it belongs to the ways.
    sending = {
        "ledger, written": a_digest["write units"] * prices.DYNAMODB_WRITE_UNIT,
        "ledger and members, read": (a_digest["read units"] - _LOOK) * prices.DYNAMODB_READ_UNIT,
        "ledger, kept 90 days": (row_bytes + 100) / 1e9 * 3 * prices.DYNAMODB_GB_MONTH,
        "logs": a_digest["bytes logged"] / 1e9 * prices.LOGS_GB,
        "deliver, 1 GB": prices.LAMBDA_GB_SECOND / _WALKER_RATE,
    }
    events = {
        "Send and Delivery, SNS to SQS, a write each": 2
        * (prices.SNS_PUBLISH + queued + prices.DYNAMODB_WRITE_UNIT + hearing_s),
        "Delivery, SNS to SQS, read first": prices.SNS_PUBLISH + queued + looked,
        "Delivery, EventBridge to SQS, read first": queued + looked,
        "Delivery, Firehose to S3, read first": _FIREHOSE + looked,
        "bounces and complaints only": 0.02 * (prices.SNS_PUBLISH + queued + looked),
    }
    return {
        way: {name: dollars * _MILLION for name, dollars in [*sending.items(), ("events", dollars)]}
        for way, dollars in events.items()
    }


def _compare(bills: Mapping[str, Mapping[str, float]]) -> None:
    print("\na million digests, in dollars beside SES")
    for name, dollars in next(iter(bills.values())).items():
        if name != "events":
            print(f"  {name:44}{dollars:>8.2f}")
    for way, lines in bills.items():
        beside, total = lines["events"], sum(lines.values())
        shares = (
            total / (price * _MILLION) for price in (prices.SES_MAIL, prices.SES_MAIL_ESSENTIALS)
        )
        print(
            f"  {way:44}{beside:>8.2f}{total:>8.2f}" + "".join(f"{share:>8.1%}" for share in shares)
        )


if __name__ == "__main__":
    main()
