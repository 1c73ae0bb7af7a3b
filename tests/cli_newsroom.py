"""A newsroom behind a loopback endpoint, and the commands of another desk that talk to it.

Nothing passes by itself, but while a command watches an edition: then each of its waits is a wait
of the stack's clock too, in which the stack beats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from desk import watch_edition
from desk.cli import app
from desk.endpoint import Endpoint
from tests.conftest import HandClock
from tests.newsroom import Newsroom


class Desk:
    """The commands, and the newsroom that they work on."""

    def __init__(self, endpoint: Endpoint, clock: HandClock) -> None:
        self.endpoint = endpoint
        self.clock = clock
        self.room = Newsroom(endpoint.stack, clock)
        self.waits = 0
        self.at_wait: dict[int, Callable[[], None]] = {}
        """What happens in the so-manyeth wait, before the stack beats."""

    def courant(self, *words: object, answer: str = "") -> Result:
        self.waits = 0
        return CliRunner().invoke(app, [str(word) for word in words], input=answer)

    def as_json(self, *words: object) -> Any:
        result = self.courant(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def wait(self, seconds: float) -> None:
        """A wait of a command that watches: half a minute, whatever it asked for."""
        del seconds
        self.waits += 1
        assert self.waits < 200, "it never ends"
        if happens := self.at_wait.pop(self.waits, None):
            happens()
        self.clock.advance(seconds=30)
        self.endpoint.beat()


@contextmanager
def desk(clock: HandClock) -> Iterator[Desk]:
    """An edition's news and four readers are there; nothing was sent."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Endpoint(clock, sender_domain="news.example.org") as endpoint,
    ):
        for name, value in endpoint.environment.items():
            patch.setenv(name, value)
        patch.setenv("COURANT_EDITOR", "ann")
        one = Desk(endpoint, clock)
        patch.setattr(watch_edition, "sleep", one.wait)
        one.room.to(5, 40)
        one.room.found()
        one.room.bring(2)
        one.room.subscribe(3)
        one.room.subscribe(1, prefix="nl", locale="nl")
        yield one
