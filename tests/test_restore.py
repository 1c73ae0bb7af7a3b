"""Tables restored from a backup, and the next epoch deployed: nobody is mailed an edition twice."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from courant.editions.model import EditionState
from desk.stack import Call
from desk.stack.stack import Stack
from desk.stack.template import ACCOUNT, REGION
from tests.conftest import HandClock
from tests.newsroom import Newsroom

READERS = {f"reader{number}@example.com": 1 for number in range(12)}


@pytest.fixture
def newsroom(stack: Stack, clock: HandClock) -> Newsroom:
    newsroom = Newsroom(stack, clock)
    newsroom.to(5, 40)
    newsroom.found()
    newsroom.subscribe(len(READERS))
    newsroom.run(1)
    newsroom.bring(3)
    newsroom.to(5, 59)
    newsroom.stack.tick()
    newsroom.to(6)
    return newsroom


def backup() -> dict[str, Any]:
    """Every item of every table, as it is now."""
    tables = dynamodb_backends[ACCOUNT][REGION].tables
    return {name: deepcopy(table.items) for name, table in tables.items()}


def restore(kept: dict[str, Any]) -> None:
    """The tables as they were."""
    for name, table in dynamodb_backends[ACCOUNT][REGION].tables.items():
        table.items = deepcopy(kept[name])


@pytest.mark.parametrize("mailed", [None, 0, 1, 5, 11, 12])
def test_after_a_restore_nobody_gets_the_edition_again(
    newsroom: Newsroom, mailed: int | None
) -> None:
    """The backup is from before the hour (None), or from when so many had been mailed."""
    kept = backup() if mailed is None else {}

    def back_up(call: Call) -> None:
        if call.operation == "SendEmail" and not kept and len(newsroom.mails()) == mailed:
            kept.update(backup())

    if mailed == 0:
        newsroom.stack.calls.before = back_up
    else:
        newsroom.stack.calls.after = back_up
    newsroom.run(4)
    newsroom.stack.calls.before = newsroom.stack.calls.after = None
    assert newsroom.mailed() == READERS
    assert kept

    newsroom.to(7)
    restore(kept)
    newsroom.stack.deploy(Epoch="2")
    newsroom.run(30)
    assert newsroom.mailed() == READERS
    if mailed is None:  # nothing of it is left but that there was to be one
        (pressing,) = newsroom.pressings()
        assert newsroom.edition().state is EditionState.EXPIRED
        assert "may have been sent" in (pressing.reason or "")

    # Tomorrow all is as ever.
    newsroom.to(5, 50, day=newsroom.clock.at.day + 1)
    newsroom.run(1)
    newsroom.bring(3)
    newsroom.to(5, 59)
    newsroom.run(5)
    assert newsroom.mailed() == dict.fromkeys(READERS, 2)
    tomorrow = newsroom.edition("morning/daily/2026-11-23")
    assert (tomorrow.state, tomorrow.epoch) == (EditionState.SENT, "2")


def test_without_the_next_epoch_a_restore_would_mail_everybody_again(newsroom: Newsroom) -> None:
    """So the test above is about something."""
    kept = backup()
    newsroom.run(4)

    newsroom.to(7)
    restore(kept)
    newsroom.run(5)

    assert set(newsroom.mailed().values()) == {2}


def test_a_deployment_with_the_next_epoch_in_the_minute_of_an_edition_loses_nothing(
    newsroom: Newsroom,
) -> None:
    newsroom.stack.deploy(Epoch="2")

    newsroom.run(4)

    assert newsroom.mailed() == READERS
