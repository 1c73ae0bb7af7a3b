"""Feeds in the content table: when each is due, what its server told us, what we have seen of it.

``F#<feed>`` / ``FEED`` is the feed's row (row.py), ``F#<feed>`` / ``I#<key>`` an identity that left
the feed; the row holds those still in it. The sparse index ``due`` holds the rows with ``due_kind``
and ``due_at``. Articles are another store's (courant.articles). Light to import: the heartbeat asks
``due`` every minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from courant import aws
from courant.clock import from_stamp, stamp
from courant.errors import Conflict
from courant.feeds.pace import LONGEST_RETRY
from courant.feeds.row import Feed, attributes, from_item, host_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

DUE_KIND = "FEED"
# Longer than a gather invocation can live, so when a lease has run out its owner is dead.
LEASE = timedelta(minutes=5)
# A visit takes hardly longer: a fetch (15 s) and its reading (10 s), the pages' time (20 s), and
# the page that was begun at its end.
LONGEST_VISIT = timedelta(seconds=75)
# How long an article that left its feed is still known, should it come back.
REMEMBERED = timedelta(days=180)
# A feed visited so lately is not hurried.
JUST_NOW = timedelta(minutes=15)
# What is said to last longer was written by a clock that was ahead: a lease (two leases, as clocks
# differ a little, and a gatherer that is at work must keep its feed), and a server's wish.
_LEASE_MOST, _WISH_MOST = 2 * LEASE, LONGEST_RETRY

_NOT_LEASED = "(attribute_not_exists(lease_until) OR lease_until <= :now OR lease_until > :lease)"
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A feed that is due: the host it is asked from, and since when it waits."""

    host: str
    since: datetime


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
        """Have a feed gathered, from ``now`` on; its id. One that has its turn already keeps it.

        One that is gone stays so until it was dropped: then somebody meant it.
        """
        id_ = feed_id(url)
        self._update(
            id_,
            "SET #url = if_not_exists(#url, :url), #host = if_not_exists(#host, :host),"
            " due_kind = :kind, due_at = if_not_exists(due_at, :now) REMOVE gone_at",
            "attribute_not_exists(gone_at) OR attribute_not_exists(due_kind)",
            {
                ":url": url.strip(),
                ":host": host_of(url.strip()),
                ":kind": DUE_KIND,
                ":now": stamp(now),
            },
            {"#url": "url", "#host": "host"},
        )
        return id_

    def drop(self, url: str) -> None:
        """Have a feed gathered no more. Its row stays, so that it is known when it comes back."""
        self._update(feed_id(url), "REMOVE due_kind, due_at", "attribute_exists(PK)")

    def hurry(self, id_: str, now: datetime) -> bool:
        """Make a feed due now; False if it is, was visited just now, or must not be asked yet."""
        done = self._update(
            id_,
            "SET due_at = :now",
            "due_kind = :kind AND due_at > :now"
            f" AND {_NOT_LEASED}"
            " AND (attribute_not_exists(fetched_at) OR fetched_at <= :lately OR fetched_at > :now)"
            " AND (attribute_not_exists(not_before) OR not_before <= :now"
            " OR not_before > :wish)",
            {
                ":kind": DUE_KIND,
                ":now": stamp(now),
                ":lately": stamp(now - JUST_NOW),
                ":lease": stamp(now + _LEASE_MOST),
                ":wish": stamp(now + _WISH_MOST),
            },
        )
        return done is not None

    def due(self, now: datetime, limit: int) -> dict[str, Waiting]:
        """Up to ``limit`` feeds that are due, by id, the longest waiting first."""
        found: dict[str, Waiting] = {}
        page: dict[str, Any] = {}
        while len(found) < limit:
            answer = self._table.query(
                IndexName="due",
                KeyConditionExpression=Key("due_kind").eq(DUE_KIND) & Key("due_at").lte(stamp(now)),
                Limit=limit - len(found),
                **page,
            )
            for item in answer["Items"]:
                waiting = Waiting(str(item.get("host", "")), from_stamp(str(item["due_at"])))
                found[str(item["PK"]).removeprefix("F#")] = waiting
            if "LastEvaluatedKey" not in answer:
                break
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found

    def get(self, id_: str) -> Feed | None:
        """A feed, for reports."""
        item = self._table.get_item(Key=_row(id_), ConsistentRead=True).get("Item")
        return from_item(item) if item else None

    def several(self, ids: Iterable[str]) -> dict[str, Feed]:
        """Those of many feeds that have a row, by id, for reports."""
        found = self._get_all([_row(id_) for id_ in dict.fromkeys(ids)])
        return {feed.id: feed for feed in map(from_item, found)}

    def claim(self, id_: str, now: datetime, lease: timedelta = LEASE) -> Feed | None:
        """Take a due feed to gather it; None if it is not due, dropped, or somebody has it.

        While it is taken it is not due; when the lease runs out it is again.
        """
        item = self._update(
            id_,
            "SET lease_until = :until, due_at = :until, begun_at = if_not_exists(begun_at, :now)",
            f"due_kind = :kind AND due_at <= :now AND {_NOT_LEASED}",
            {
                ":until": stamp(now + lease),
                ":now": stamp(now),
                ":lease": stamp(now + _LEASE_MOST),
                ":kind": DUE_KIND,
            },
            returns="ALL_NEW",
        )
        return from_item(item) if item else None

    def finish(self, claimed: Feed, outcome: Feed) -> None:
        """Write what became of a claimed feed (its fields and next ``due_at``) and let go of it.

        Only what changed is sent; DynamoDB charges for the whole row all the same (a row of 500
        articles is some 9 KB, so 9 units here, and 9 for the claim). A feed that was dropped
        meanwhile stays dropped: ``due_kind`` is not touched.

        Raises:
            Conflict: the lease ran out and somebody else took the feed.
        """
        before, after = attributes(claimed), attributes(outcome)
        changed = [name for name, value in after.items() if value != before[name]]
        sets = [f"#{name} = :{name}" for name in changed if after[name] is not None]
        removes = [f"#{name}" for name in changed if after[name] is None]
        done = self._update(
            claimed.id,
            (f"SET {', '.join(sets)} " if sets else "")
            + f"REMOVE {', '.join([*removes, 'lease_until', 'begun_at'])}",
            "lease_until = :mine",
            {":mine": stamp(claimed.lease_until) if claimed.lease_until else None}
            | {f":{name}": after[name] for name in changed if after[name] is not None},
            {f"#{name}": name for name in changed},
        )
        if done is None:
            raise Conflict(f"feed {claimed.id} was taken by another gatherer")

    def known(self, id_: str, keys: Collection[str]) -> frozenset[str]:
        """Which of the keys were in the feed before and left it within the last 180 days."""
        found = self._get_all([_identity(id_, key) for key in sorted(keys)])
        return frozenset(str(item["SK"]).removeprefix("I#") for item in found)

    def let_fade(self, id_: str, keys: Iterable[str], now: datetime) -> None:
        """Know these keys, which leave the feed, for 180 more days."""
        ttl = int((now + REMEMBERED).timestamp())
        aws.put_all(self._table, (_identity(id_, key) | {"ttl": ttl} for key in sorted(keys)))

    def _update(
        self,
        id_: str,
        expression: str,
        condition: str,
        values: dict[str, Any] | None = None,
        names: dict[str, str] | None = None,
        returns: Literal["NONE", "ALL_NEW"] = "NONE",
    ) -> aws.Item | None:
        """What the update ``returns`` of the row; None if the condition did not hold."""
        more: Any = {"ExpressionAttributeValues": values, "ExpressionAttributeNames": names}
        try:
            answer = self._table.update_item(
                Key=_row(id_),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ReturnValues=returns,
                # DynamoDB refuses empty ones.
                **{name: value for name, value in more.items() if value},
            )
        except ClientError as error:
            if aws.is_conflict(error):
                return None
            raise
        return answer.get("Attributes", {})

    def _get_all(self, keys: list[dict[str, Any]]) -> list[aws.Item]:
        found: list[aws.Item] = []
        for start in range(0, len(keys), _BATCH):
            found += self._get_batch(keys[start : start + _BATCH])
        return found

    def _get_batch(self, keys: list[dict[str, Any]]) -> list[aws.Item]:
        # The table's client, and no copy of it: it speaks plain values, and any thread may use it.
        dynamodb = self._table.meta.client
        request: Any = {self._table.name: {"Keys": keys}}
        found: list[aws.Item] = []
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
