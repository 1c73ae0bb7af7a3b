"""Feeds in the content table: when each is due, what its server told us, what we have seen of it.

``F#<feed>`` / ``FEED`` is the feed's row, ``F#<feed>`` / ``I#<key>`` an identity. The sparse index
``due`` holds the rows that have ``due_kind``. Articles are another store's (courant.articles).
Light to import: the heartbeat asks ``due`` every minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from courant import aws
from courant.clock import from_stamp, stamp
from courant.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

DUE_KIND = "FEED"
# Longer than a gather invocation can live, so when a lease has run out its owner is dead.
LEASE = timedelta(minutes=5)
# How long an article that left its feed is still known, should it come back.
REMEMBERED = timedelta(days=180)

_KEY_BYTES = 8
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed's row. ``error`` is the sentence of the last failure, None while all is well.

    ``present`` are the identity keys in the latest document; ``failures`` counts those in a row,
    since ``failing_since``.
    """

    id: str
    url: str
    title: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    present: frozenset[str] = frozenset()
    failures: int = 0
    error: str | None = None
    failing_since: datetime | None = None
    fetched_at: datetime | None = None
    due_at: datetime | None = None
    lease_until: datetime | None = None


def feed_id(url: str) -> str:
    """The id of the feed at a URL: 32 hex digits. Scheme and host may be written in any case."""
    parts = urlsplit(url.strip())
    normalised = urlunsplit(
        (parts.scheme, parts.netloc.lower(), parts.path or "/", parts.query, parts.fragment)
    )
    return sha256(normalised.encode()).hexdigest()[:32]


class FeedStore:
    """Feeds and identities in the content table. ``pause`` waits between tries of a batch."""

    def __init__(self, table: Table, pause: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._pause = pause

    def register(self, url: str, now: datetime) -> str:
        """Have a feed gathered, from ``now`` on; its id. One that has its turn already keeps it."""
        id_ = feed_id(url)
        self._table.update_item(
            Key=_row(id_),
            UpdateExpression=(
                "SET #url = if_not_exists(#url, :url), due_kind = :kind,"
                " due_at = if_not_exists(due_at, :now)"
            ),
            ExpressionAttributeNames={"#url": "url"},
            ExpressionAttributeValues={":url": url.strip(), ":kind": DUE_KIND, ":now": stamp(now)},
        )
        return id_

    def drop(self, url: str) -> None:
        """Have a feed gathered no more. Its row stays, so that it is known when it comes back."""
        try:
            self._table.update_item(
                Key=_row(feed_id(url)),
                UpdateExpression="REMOVE due_kind, due_at",
                ConditionExpression="attribute_exists(PK)",
            )
        except ClientError as error:
            if not aws.is_conflict(error):
                raise

    def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        """The ids of up to ``limit`` feeds that are due, the longest waiting first."""
        found: list[str] = []
        page: dict[str, Any] = {}
        while len(found) < limit:
            answer = self._table.query(
                IndexName="due",
                KeyConditionExpression=Key("due_kind").eq(DUE_KIND) & Key("due_at").lte(stamp(now)),
                Limit=limit - len(found),
                **page,
            )
            found += [str(item["PK"]).removeprefix("F#") for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return tuple(found)

    def get(self, id_: str) -> Feed | None:
        """A feed, for reports."""
        item = self._table.get_item(Key=_row(id_), ConsistentRead=True).get("Item")
        return _from_item(item) if item else None

    def claim(self, id_: str, now: datetime, lease: timedelta = LEASE) -> Feed | None:
        """Take a due feed to gather it; None if it is not due, dropped, or somebody has it.

        While it is taken it is not due; when the lease runs out it is again.
        """
        until = stamp(now + lease)
        try:
            answer = self._table.update_item(
                Key=_row(id_),
                UpdateExpression="SET lease_until = :until, due_at = :until",
                ConditionExpression=(
                    "due_kind = :kind AND due_at <= :now"
                    " AND (attribute_not_exists(lease_until) OR lease_until <= :now)"
                ),
                ExpressionAttributeValues={
                    ":until": until,
                    ":now": stamp(now),
                    ":kind": DUE_KIND,
                },
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if aws.is_conflict(error):
                return None
            raise
        return _from_item(answer["Attributes"])

    def finish(self, claimed: Feed, outcome: Feed) -> None:
        """Write what became of a claimed feed (its fields and next ``due_at``) and let go of it.

        A feed that was dropped meanwhile stays dropped: ``due_kind`` is not touched.

        Raises:
            Conflict: the lease ran out and somebody else took the feed.
        """
        names: dict[str, str] = {}
        values: dict[str, Any] = {":mine": _stamp(claimed.lease_until)}
        sets: list[str] = []
        removes: list[str] = ["lease_until"]
        for name, value in _attributes(outcome).items():
            names[f"#{name}"] = name
            if value is None:
                removes.append(f"#{name}")
            else:
                sets.append(f"#{name} = :{name}")
                values[f":{name}"] = value
        try:
            self._table.update_item(
                Key=_row(claimed.id),
                UpdateExpression=f"SET {', '.join(sets)} REMOVE {', '.join(removes)}",
                ConditionExpression="lease_until = :mine",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if aws.is_conflict(error):
                raise Conflict(f"feed {claimed.id} was taken by another gatherer") from error
            raise

    def known(self, id_: str, keys: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Which of the keys we have seen, and which of those are set to be forgotten."""
        wanted = [_identity(id_, key) for key in sorted(keys)]
        found: list[dict[str, Any]] = []
        for start in range(0, len(wanted), _BATCH):
            found += self._get_all(wanted[start : start + _BATCH])
        return (
            frozenset(str(item["SK"]).removeprefix("I#") for item in found),
            frozenset(str(item["SK"]).removeprefix("I#") for item in found if "ttl" in item),
        )

    def remember(self, id_: str, keys: Iterable[str]) -> None:
        """Know these keys from now on, for as long as they are in the feed."""
        aws.put_all(self._table, (_identity(id_, key) for key in sorted(keys)))

    def let_fade(self, id_: str, keys: Iterable[str], now: datetime) -> None:
        """Know these keys, which left the feed, for 180 more days."""
        ttl = int((now + REMEMBERED).timestamp())
        aws.put_all(self._table, (_identity(id_, key) | {"ttl": ttl} for key in sorted(keys)))

    def _get_all(self, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        dynamodb = self._table.meta.client
        request: Any = {self._table.name: {"Keys": keys}}
        found: list[dict[str, Any]] = []
        tries = 0
        while request:
            if tries:
                # DynamoDB is throttling: it answered some and wants to be asked later for others.
                self._pause(min(0.05 * 2**tries, 5))
            answer = dynamodb.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(self._table.name, [])
            request = answer.get("UnprocessedKeys")
            tries += 1
        return found


def _row(id_: str) -> dict[str, str]:
    return {"PK": f"F#{id_}", "SK": "FEED"}


def _identity(id_: str, key: str) -> dict[str, Any]:
    return {"PK": f"F#{id_}", "SK": f"I#{key}"}


def _attributes(feed: Feed) -> dict[str, Any]:
    return {
        "url": feed.url,
        "title": feed.title or None,
        "etag": feed.etag,
        "last_modified": feed.last_modified,
        "body_hash": feed.body_hash,
        # Bytes: a feed of 500 articles has a thousand keys, and every write pays for its row.
        "present": bytes.fromhex("".join(sorted(feed.present))) or None,
        "failures": feed.failures,
        "error": feed.error,
        "failing_since": _stamp(feed.failing_since),
        "fetched_at": _stamp(feed.fetched_at),
        "due_at": _stamp(feed.due_at),
    }


def _from_item(item: Any) -> Feed:
    present = bytes(item["present"]) if "present" in item else b""
    return Feed(
        id=item["PK"].removeprefix("F#"),
        url=item["url"],
        title=item.get("title"),
        etag=item.get("etag"),
        last_modified=item.get("last_modified"),
        body_hash=item.get("body_hash"),
        present=frozenset(
            present[start : start + _KEY_BYTES].hex()
            for start in range(0, len(present), _KEY_BYTES)
        ),
        failures=int(item.get("failures", 0)),
        error=item.get("error"),
        failing_since=_instant(item.get("failing_since")),
        fetched_at=_instant(item.get("fetched_at")),
        due_at=_instant(item.get("due_at")),
        lease_until=_instant(item.get("lease_until")),
    )


def _stamp(instant: datetime | None) -> str | None:
    return stamp(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return from_stamp(text) if text else None
