"""The deliver function over made-up editions, and the same calls made bare.

The function is the real one, from the event to its answer, with its own wiring; AWS is answers.py.
What it asked of AWS on one walk is kept and made again with plain boto3 clients of the same
configuration: so both send the same bytes, and only what lies above boto3 differs. Of those calls
the bare ones are what nobody could do without: the members' pages, and for each member claim,
``SendEmail`` and record.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from benchmarks.edition import edition, occasion, readers
from courant import aws
from courant.clock import stamp
from courant.delivery.account import AccountReader
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts
from courant.delivery.digest import Reader
from courant.delivery.grants import Grants
from courant.editions.frozen import PressingStore
from courant.editions.model import Edition, EditionState
from courant.editions.pressing import Frozen
from courant.editions.render import render
from courant.editions.store import EditionStore
from courant.schedule import EditionId, Slot
from courant.subscribers.items import membership_item
from courant.subscribers.model import Consent, Profile, Subscription

SETTINGS = {
    "CONTENT_TABLE": "content",
    "SUBSCRIBERS_TABLE": "subscribers",
    "LEDGER_TABLE": "ledger",
    "BUCKET": "courant",
    "CHUNKS_QUEUE": "https://sqs.eu-west-1.amazonaws.com/0/chunks",
    "SITE_URL": "https://news.example.org",
    "TOKEN_SECRET": "token",
    "CONFIGURATION_SET": "Digests",
    "LANES": "1",
    "EPOCH": "1",
}
# Claim, mail, record.
Digest = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]
SLOT = Slot("daily")
SHARD = "6"


class Context:
    """An invocation of two minutes."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 120_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a client: ``dynamodb`` ``UpdateItem`` with its parameters as they went out."""

    service: str
    operation: str
    params: Mapping[str, Any]

    def touches(self, partition: str) -> bool:
        """Whether it reads or writes in DynamoDB partitions whose names begin so."""
        if self.service != "dynamodb":
            return False
        names = self.params.get("Key") or self.params.get("Item")
        if names is None:
            names = self.params.get("ExpressionAttributeValues", {})
        return any(value.get("S", "").startswith(partition) for value in names.values())


@contextmanager
def recording() -> Iterator[list[Asked]]:
    """Every call that any client makes meanwhile."""
    make = BaseClient._make_request  # type: ignore[attr-defined]  # noqa: SLF001 - what left boto3 is seen nowhere else
    asked: list[Asked] = []

    def seen(client: Any, model: Any, request: dict[str, Any], context: Any) -> Any:
        asked.append(
            Asked(model.service_model.service_name, model.name, _parameters(model, request))
        )
        return make(client, model, request, context)

    with mock.patch.object(BaseClient, "_make_request", seen):
        yield asked


def _parameters(model: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    if model.name == "GetObject":
        bucket, _, key = urlsplit(request["url"]).path.lstrip("/").partition("/")
        return {"Bucket": bucket, "Key": unquote(key)}
    # The JSON protocols write parameters as they are given; only bytes become base64.
    parameters: dict[str, Any] = json.loads(request["body"])
    if model.name == "SendEmail":
        raw = parameters["Content"]["Raw"]
        raw["Data"] = b64decode(raw["Data"])
    return parameters


class Editions:
    """Editions of one newsletter for the same members, as compose leaves them; no end of them."""

    def __init__(self, members: int, sections: int, stories: int) -> None:
        self._members = members
        self._days = count()
        self._content = aws.table(SETTINGS["CONTENT_TABLE"])
        self._ledger = aws.table(SETTINGS["LEDGER_TABLE"])
        self._pressings = PressingStore(aws.client("s3"), SETTINGS["BUCKET"])
        at = occasion(sections, stories)
        self._pressing = render(at, edition(at.newsletter), (SLOT,))
        now = datetime.now(UTC)
        # As the heartbeat notes it: without, everyone would wait for a sandbox's turns.
        Grants(self._ledger).look(AccountReader().read(), now)
        aws.put_all(
            aws.table(SETTINGS["SUBSCRIBERS_TABLE"]),
            (
                _member(number, reader, now - timedelta(days=1))
                for number, reader in enumerate(islice(readers(at.newsletter), members))
            ),
        )

    def next(self) -> dict[str, Any]:
        """One more edition, of one chunk; the event that has it delivered."""
        now = datetime.now(UTC)
        id_ = EditionId("morning", "daily", date(2026, 1, 1) + timedelta(days=next(self._days)))
        EditionStore(self._content).create(
            Edition(
                id=id_,
                state=EditionState.SENDING,
                started_at=now,
                closes_at=now,
                by_hand=False,
                epoch=SETTINGS["EPOCH"],
                moved_at=now,
            )
        )
        self._pressings.freeze(
            Frozen(edition=id_, instant=now, cut_at=now, pressings=(self._pressing,))
        )
        chunk = Chunk(
            edition=id_,
            id=f"{stamp(now)}.0#{SLOT}#{SHARD}",
            state=ChunkState.OPEN,
            instant=now,
            pressing=0,
            slot=SLOT,
            range=SHARD,
            cut_at=now,
            cursor="",
            members=self._members,
            counts=Counts(),
            fence=0,
            lease_until=None,
            nudged_at=now,
            epoch=SETTINGS["EPOCH"],
        )
        ChunkStore(self._ledger).create(chunk)
        body = json.dumps({"edition": str(id_), "chunk": chunk.id})
        return {"Records": [{"messageId": "nudge", "body": body}]}


class Bare:
    """The calls of a walk that nobody could do without, made with plain clients."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        """``asked`` with one lane: then a digest's calls stand together."""
        self._dynamodb = client("dynamodb")
        self._ses = client("sesv2")
        self.pages = [one.params for one in asked if one.operation == "Query" and one.touches("L#")]
        sends = [one.params for one in asked if one.operation == "SendEmail"]
        # A digest's row is written twice: claimed, and with what came of it.
        rows = [one.params for one in asked if one.operation == "UpdateItem" and one.touches("D#")]
        self.digests: list[Digest] = list(zip(rows[0::2], sends, rows[1::2], strict=True))

    def page(self, page: Mapping[str, Any]) -> None:
        """A page of members."""
        self._dynamodb.query(**page)

    def deliver(self, digest: Digest) -> None:
        """Claim, send, record."""
        claim, mail, record = digest
        self._dynamodb.update_item(**claim)
        self._ses.send_email(**mail)
        self._dynamodb.update_item(**record)

    def send(self, digest: Digest) -> None:
        """The mail alone, without a ledger."""
        self._ses.send_email(**digest[1])


def client(service: str) -> Any:
    """A plain client of the configuration that aws.py and mailer.py give theirs."""
    retries: Any = {"mode": "standard", "total_max_attempts": 5}
    config = Config(retries=retries, connect_timeout=3, max_pool_connections=16)
    if service == "sesv2":
        once = Config(retries={"total_max_attempts": 1}, read_timeout=10)
        config = config.merge(once)
    make: Any = boto3.client  # its overloads want a literal name
    return make(service, config=config)


def _member(number: int, reader: Reader, since: datetime) -> dict[str, Any]:
    profile = Profile(
        sid=f"{SHARD}{number:031x}",
        email=f"reader-{number}@example.org",
        name=reader.name,
        consent=Consent("benchmark", since),
        subscriptions={"morning": Subscription(SLOT, reader.sections, limit=reader.limit)},
    )
    return membership_item(profile, "morning", since)
