"""From when on a beat looks for what is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from courant.watermark import RESTORED, Watermark, WatermarkStore, restored, since
from desk.stack import Stack
from tests.conftest import HandClock

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


@pytest.mark.parametrize(
    ("mark", "looks_from"),
    [
        (None, ago(minutes=1)),
        (Watermark(ago(minutes=1), "1"), ago(minutes=1)),
        (Watermark(ago(hours=5), "1"), ago(hours=5)),  # no beat came for hours
        (Watermark(ago(days=9), "1"), ago(days=2)),
        (Watermark(ago(minutes=1), "0"), ago(minutes=1)),  # a deployment between two beats
        (Watermark(NOW - RESTORED, "0"), NOW - RESTORED),
        (Watermark(NOW - RESTORED - timedelta(seconds=1), "0"), NOW),
        (Watermark(ago(days=9), "0"), NOW),
    ],
)
def test_a_beat_looks_from_the_last_one_but_not_behind_a_restore(
    mark: Watermark | None, looks_from: datetime
) -> None:
    assert since(mark, "1", NOW) == looks_from
    assert (mark is not None and restored(mark, "1", NOW)) is (looks_from == NOW)


def test_the_watermark_never_moves_back(stack: Stack, clock: HandClock) -> None:
    store = WatermarkStore(stack.table("content"))
    assert store.get() is None

    store.move(clock.at, "1")
    store.move(clock.at - timedelta(minutes=5), "0")

    assert store.get() == Watermark(clock.at, "1")
