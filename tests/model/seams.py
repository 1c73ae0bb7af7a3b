"""The seams of the real code in the small world: tables, queues and turns that may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from botocore.exceptions import ClientError

from courant import log
from courant.delivery import digest as digests
from courant.delivery import mailer as mailers
from courant.delivery.ledger import DeliveryState, Ledger
from courant.delivery.pace import Turn
from tests.model.facts import (
    READER,
    START,
)
from tests.simulation.table import MemoryTable

if TYPE_CHECKING:
    from tests.model.world import World


class Watched(MemoryTable):
    """A table that tells of every write."""

    def __init__(self, told: Callable[[Any, Any, Any], None], name: str) -> None:
        super().__init__(name)
        self._told = told

    def store(self, key: Any, item: Any) -> None:
        before = self._item(key)
        super().store(key, item)
        self._told(key, before, item)

    def keep(self) -> dict[str, dict[str, Any]]:
        return {partition: dict(items) for partition, items in self.partitions.items()}

    def put_back(self, kept: Mapping[str, Mapping[str, Any]]) -> None:
        self.partitions = {partition: dict(items) for partition, items in kept.items()}
        self._order = {partition: sorted(items) for partition, items in kept.items()}


class Seam:
    """A table as the code has it: each call may go wrong."""

    def __init__(self, world: World, table: MemoryTable) -> None:
        self.name = table.name
        self._world = world
        self._table = table
        self.meta = SimpleNamespace(client=self)

    def __getattr__(self, name: str) -> Any:
        target = self._table.meta.client if name.startswith("transact") else self._table
        method = getattr(target, name)

        def call(**arguments: Any) -> Any:
            kind = "read" if name in {"get_item", "query"} else "write"
            claim = str(arguments.get("UpdateExpression", "")).startswith("SET st = :claimed")
            claim = claim and arguments["Key"]["SK"] == READER
            return self._world.call("claim" if claim else kind, lambda: method(**arguments))

        return call


class TellingLedger(Ledger):
    """The ledger, telling who writes."""

    def __init__(self, world: World, table: Any) -> None:
        super().__init__(table)
        self._world = world

    def record(self, *given: Any, **more: Any) -> DeliveryState | None:
        with self._by(settling=False):
            return super().record(*given, **more)

    def settle(self, *given: Any, **more: Any) -> bool:
        with self._by(settling=True):
            return super().settle(*given, **more)

    @contextmanager
    def _by(self, *, settling: bool) -> Iterator[None]:
        before, self._world.settling = self._world.settling, settling
        try:
            yield
        finally:
            self._world.settling = before


class Throttle:
    def __init__(self, world: World) -> None:
        self._world = world

    def acquire(self, latest: datetime) -> Turn:
        self._world.call("turn", lambda: None)
        return Turn.TOO_LATE if self._world.now() > latest else Turn.GO

    def slower(self) -> None:
        pass


class Sqs:
    def __init__(self, world: World) -> None:
        self._world = world

    def send_message_batch(self, **_: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._world.call("queue", dict)
        return answer


def error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # as much of it as is read
        "Call",
    )


def frozen(*_: object) -> Any:
    masthead = SimpleNamespace(sender_address="morning@example.org")
    return SimpleNamespace(instant=START, pressings=[SimpleNamespace(masthead=masthead)])


@contextmanager
def in_memory(of: Callable[[], World]) -> Iterator[None]:
    """The real code outside AWS: SES is the world's, digests have no bytes, nothing is logged."""

    def client(_: str, config: Any) -> Any:
        attempts = config.retries["total_max_attempts"]
        return SimpleNamespace(send_email=lambda **asked: of().ask_ses(asked, attempts))

    silent = mock.Mock()
    with (
        mock.patch.object(mailers, "boto3", SimpleNamespace(client=client)),
        mock.patch.object(digests, "join", return_value=silent),
        mock.patch.object(digests, "message", return_value=b""),
        mock.patch.object(log, "event"),
        mock.patch.object(log, "error"),
    ):
        yield
