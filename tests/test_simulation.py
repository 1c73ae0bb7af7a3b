"""A few hundred editions of the real delivery code, with faults; `make simulate` plays more."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from courant.delivery.chunks import Chunk, ChunkState
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.schedule import EditionId
from tests.simulation.laws import Judge, judged
from tests.simulation.play import Play
from tests.simulation.runs import STEP, play_range, run
from tests.simulation.stack import PATCHED
from tests.simulation.world import MINUTE

pytestmark = pytest.mark.exhaustive


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The simulation sets things for its process, which other tests share."""
    for module, name in PATCHED:
        monkeypatch.setattr(module, name, getattr(module, name))
    logger = logging.getLogger("courant")
    before = logger.level, list(logger.handlers)
    yield
    logger.setLevel(before[0])
    logger.handlers[:] = before[1]


def test_editions_with_faults_keep_every_law() -> None:
    tally = play_range(0, 200)

    assert tally.broken == []
    assert tally.duplicates == tally.losses == 0
    # Else it would show nothing.
    assert sum(tally.faults.values()) > 300
    assert {"sent", "skipped", "unresolved", "edition: cancelled"} <= tally.outcomes.keys()


def test_without_faults_everybody_gets_their_digest_once() -> None:
    calm = (played for seed in range(60) if not (played := judged(seed))[0].script.faulty)

    for play, judge, outcomes in calm:
        assert judge.broken == []
        assert set(outcomes) <= {"sent", "skipped", "edition: sent"}
        assert all(len(calls) == 1 for calls in play.ses.accepts.values())


def test_the_same_seed_plays_the_same() -> None:
    first, again = (judged(7, trace=True)[0].world.trace for _ in range(2))

    assert first
    assert first == again


def test_what_was_played_is_not_played_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(run(0, 3, 1, None).to_json() + "\n{half a li")

    total = run(0, 3, 1, kept)

    assert total.count == 3
    assert kept.read_text().count("\n") == 1
    assert STEP > 3


# ── the laws themselves: each must be able to fail ───────────────────────────────────────────────


def broken_by(play: Play) -> Counter[str]:
    judge = Judge(play)
    play.run()
    judge.rest()
    return Counter(what.partition(":")[0] for what in judge.broken)


def _claims_all(play: Play) -> Callable[..., Delivery]:
    """Ledger.claim that says yes to everybody."""

    def claim(edition: EditionId, sid: str, *, attempt: str, **more: Any) -> Delivery:
        row = Ledger.claim(play.ledger, edition, sid, attempt=attempt, **more)
        return replace(row, attempt=attempt, state=DeliveryState.CLAIMED)

    return claim


def _takes_all(play: Play) -> Callable[..., Chunk | None]:
    """ChunkStore.take that leases a chunk to everybody who asks."""

    def take(edition: EditionId, chunk_id: str, *_: object) -> Chunk | None:
        found = play.chunks.of_edition(edition)
        return next(
            (one for one in found if one.id == chunk_id and one.state is not ChunkState.DONE), None
        )

    return take


def a_calm_play() -> Play:
    """A seed without faults, of several readers."""
    for seed in range(500):
        play = Play(seed)
        if not play.script.faulty and play.script.readers > 3 and not play.script.by_hand:
            return play
    raise AssertionError("no such seed")


def test_a_calm_play_breaks_nothing() -> None:
    assert broken_by(a_calm_play()) == {}


def test_claims_without_their_condition_mail_somebody_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play = a_calm_play()
    play.chaos.double, play.chaos.until = 1.0, MINUTE
    monkeypatch.setattr(play.ledger, "claim", _claims_all(play))
    monkeypatch.setattr(play.chunks, "take", _takes_all(play))

    assert broken_by(play).keys() >= {"I2"}


def test_a_reader_who_is_not_counted_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    play = a_calm_play()
    monkeypatch.setattr(play.members, "count", lambda *_: 0)

    assert "I3" in broken_by(play)


def test_an_edition_that_nobody_ends_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    play = a_calm_play()
    monkeypatch.setattr(play.editions, "open", lambda: iter(()))

    assert "rest" in broken_by(play)
