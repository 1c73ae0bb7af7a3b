"""Hands queued messages to functions as Lambda's event source mappings do, until all is quiet.

A failed message comes back at once; a delayed one when the stack's clock says so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
from moto.sqs.models import sqs_backends

from courant import clock
from desk.stack.calls import Killed
from desk.stack.template import ACCOUNT, REGION, EventSource, Json

Invoke = Callable[[str, Json], Any]
_AT_ONCE = 10


class NotQuietError(Exception):
    """Messages kept coming; the handlers probably nudge each other in a circle."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A handler that raised, or a message it handed back. ``reason`` is for people."""

    function: str
    message_id: str
    body: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pumped:
    """What happened until all was quiet."""

    invocations: Mapping[str, int]
    failures: tuple[Failure, ...]
    """Every failed try, also of messages that passed later."""
    dead: tuple[Failure, ...]
    """The last failure of each message that landed in a dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the stack and the dead-letter queue behind it."""

    url: str
    dead_url: str

    def send(self, message: Json | str) -> None:
        """Enqueue a message."""
        body = message if isinstance(message, str) else json.dumps(message)
        boto3.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def messages(self) -> tuple[str, ...]:
        """Bodies waiting, without taking them."""
        return tuple(message.body for message in _inside(self.url))

    def dead(self) -> tuple[str, ...]:
        """Bodies in the dead-letter queue."""
        return tuple(message.body for message in _inside(self.dead_url))

    def clear(self) -> None:
        """Lose every waiting message, as a queue whose retention ran out."""
        # Not PurgeQueue: SQS, and moto with it, allows that once a minute.
        _inside(self.url).clear()


class Pump:
    """The event source mappings of the template."""

    def __init__(
        self, sources: Sequence[EventSource], queues: Mapping[str, Queue], invoke: Invoke
    ) -> None:
        """``queues`` by logical id."""
        self._sources = sources
        self._queues = queues
        self._invoke = invoke
        self._counts: dict[str, int] = {}
        self._failures: list[Failure] = []

    def run(self, *, duplicate: bool, only: frozenset[str] | None, limit: int) -> Pumped:
        """Until no queue of ``only`` (functions' names; None is all) has a message.

        Raises:
            NotQuietError: more than ``limit`` invocations.
        """
        self._counts, self._failures = {}, []
        sources = [s for s in self._sources if only is None or s.function in only]
        before = {source.queue: _ids(self._queues[source.queue].dead_url) for source in sources}
        while sum([self._one_batch(source, duplicate=duplicate) for source in sources]):
            if sum(self._counts.values()) > limit:
                raise NotQuietError(f"{self._counts}; last failures: {self._failures[-3:]}")
        last = {failure.message_id: failure for failure in self._failures}
        dead = [
            last[message_id]
            for queue, known in before.items()
            for message_id in _ids(self._queues[queue].dead_url)
            if message_id not in known
        ]
        return Pumped(
            invocations=dict(self._counts), failures=tuple(self._failures), dead=tuple(dead)
        )

    def _one_batch(self, source: EventSource, *, duplicate: bool) -> bool:
        url = self._queues[source.queue].url
        if not _inside(url):
            return False  # asking moto costs as much as a small batch
        _wake(url)
        sqs = boto3.client("sqs")
        messages = list(_received(sqs, url, source.batch_size))
        if not messages:
            return False
        failed = set(self._handle(source, messages))
        if duplicate:
            failed |= set(self._handle(source, messages))
        for message in messages:
            # A failed one stays: the next _wake ends its visibility timeout.
            if message["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _handle(self, source: EventSource, messages: Sequence[Any]) -> Iterator[str]:
        """The ids of messages that failed."""
        self._counts[source.function] = self._counts.get(source.function, 0) + 1
        everything = [message["MessageId"] for message in messages]
        try:
            reply = self._invoke(source.function, sqs_event(source.queue, messages))
        except (Exception, Killed) as error:  # noqa: BLE001 - Lambda survives any handler
            failed, reason = everything, f"{type(error).__name__}: {error}"
        else:
            failed, reason = _failed(reply, everything, source), "handed back by the handler"
        bodies = {message["MessageId"]: message["Body"] for message in messages}
        for message_id in failed:
            self._failures.append(Failure(source.function, message_id, bodies[message_id], reason))
        yield from failed


def _received(sqs: Any, url: str, most: int) -> Iterator[Any]:
    """A batch, gathered in tens (SQS gives no more at once), as Lambda does within its window."""
    while most > 0:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(most, _AT_ONCE),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return
        yield from messages
        most -= len(messages)


def _failed(reply: Any, everything: list[str], source: EventSource) -> list[str]:
    if not source.partial_failures or not reply:
        return []
    failed = [entry.get("itemIdentifier") for entry in reply.get("batchItemFailures") or ()]
    # Lambda takes an id it does not know for a failure of the whole batch.
    return failed if set(failed) <= set(everything) else everything


def sqs_event(queue: str, messages: Sequence[Any]) -> Json:
    """The event that Lambda makes of received messages."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def _inside(url: str) -> list[Any]:
    """moto's own list: SQS has no way to look without taking, nor to end a delay."""
    queue = sqs_backends[ACCOUNT][REGION].queues[url.rpartition("/")[2]]
    messages: list[Any] = queue._messages  # noqa: SLF001 - see above
    return messages


def _wake(url: str) -> None:
    """End every visibility timeout; a delay ends by the stack's clock."""
    now = clock.now()
    for message in _inside(url):
        message.visible_at = 0.0
        if not hasattr(message, "due"):
            left = max(0.0, message.delayed_until - time.time() * 1000)
            message.due = now + timedelta(milliseconds=left)
        message.delayed_until = 0.0 if message.due <= now else float("inf")


def _ids(url: str) -> frozenset[str]:
    return frozenset(message.id for message in _inside(url))
