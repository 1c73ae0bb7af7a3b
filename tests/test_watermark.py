"""From when on a beat looks for what is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from courant.watermark import RESTORED, Watermark, WatermarkStore, missed, since
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
        (Watermark(ago(hours=5), "0"), ago(hours=5)),  # no beat came for hours
        (Watermark(ago(days=9), "1"), ago(days=2)),
    ],
)
def test_a_beat_looks_from_the_last_one(mark: Watermark | None, looks_from: datetime) -> None:
    assert since(mark, NOW) == looks_from


@pytest.mark.parametrize(
    ("mark", "restored"),
    [
        (None, False),
        (Watermark(ago(days=9), "1"), False),
        (Watermark(ago(minutes=1), "0"), False),  # a deployment between two beats
        (Watermark(NOW - RESTORED, "0"), False),
        (Watermark(NOW - RESTORED - timedelta(seconds=1), "0"), True),
        (Watermark(ago(days=9), "0"), True),
    ],
)
def test_what_was_due_before_a_restore_may_have_been_sent(
    mark: Watermark | None, restored: bool
) -> None:
    assert (missed(mark, "1", NOW) is not None) is restored


def test_the_watermark_never_moves_back(stack: Stack, clock: HandClock) -> None:
    store = WatermarkStore(stack.table("content"))
    assert store.get() is None

    store.move(clock.at, "1")
    store.move(clock.at - timedelta(minutes=5), "0")

    assert store.get() == Watermark(clock.at, "1")
