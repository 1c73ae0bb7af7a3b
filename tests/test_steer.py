"""What an editor may do to an edition: every act on every state, and what it says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from courant.editions.model import LONGEST, MOVES, OPEN, Edition, EditionState
from courant.editions.steer import Act, Already, Refused, Step, paused_by_hand, step
from courant.schedule import EditionId

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
EDITION = Edition(
    id=EditionId.parse("morning/daily/2026-11-22"),
    state=EditionState.SENDING,
    started_at=NOW - timedelta(hours=2),
    closes_at=NOW - timedelta(hours=2),
    by_hand=False,
    epoch="1",
    moved_at=NOW - timedelta(hours=1),
)
S = EditionState
ENDED = frozenset(EditionState) - OPEN


def act(what: Act, state: EditionState, **more: object) -> Step | Already | Refused:
    return step(what, replace(EDITION, state=state), NOW, epoch="1", **more)  # type: ignore[arg-type]  # keywords of any type


@pytest.mark.parametrize("state", EditionState)
@pytest.mark.parametrize("what", Act)
def test_whatever_is_asked_is_a_move_there_is_or_a_sentence(what: Act, state: EditionState) -> None:
    decided = act(what, state)

    assert str(EDITION.id) in decided.says
    if isinstance(decided, Step):
        assert decided.after in MOVES[state]
    else:
        assert state.value in decided.says


def test_the_table_of_what_can_be_done() -> None:
    can = {
        what: {state for state in EditionState if isinstance(act(what, state), Step)}
        for what in Act
    }

    assert can == {
        Act.PAUSE: OPEN - {S.PAUSED},
        Act.RESUME: {S.PAUSED},
        Act.CANCEL: OPEN,
        Act.RETRY_UNRESOLVED: {S.SENT_WITH_UNRESOLVED},
    }


@pytest.mark.parametrize(
    ("what", "state"),
    [(Act.PAUSE, S.PAUSED), (Act.CANCEL, S.CANCELLED), (Act.RESUME, S.SENDING)],
)
def test_what_is_so_already_is_no_mistake(what: Act, state: EditionState) -> None:
    assert isinstance(act(what, state), Already)


@pytest.mark.parametrize("state", sorted(ENDED - {S.CANCELLED}))
def test_what_is_over_can_be_neither_paused_nor_cancelled(state: EditionState) -> None:
    for what in (Act.PAUSE, Act.CANCEL, Act.RESUME):
        decided = act(what, state)
        assert isinstance(decided, Refused)
        assert "since 2026-11-22 08:30 UTC" in decided.says


def test_resuming_sends_it_however_late() -> None:
    decided = act(Act.RESUME, S.PAUSED)

    assert isinstance(decided, Step)
    assert decided.attended
    assert decided.spread is None


def test_an_edition_that_was_paused_for_weeks_can_only_be_cancelled() -> None:
    old = replace(EDITION, state=S.PAUSED, started_at=NOW - LONGEST - timedelta(seconds=1))

    assert isinstance(step(Act.RESUME, old, NOW, epoch="1"), Refused)
    assert isinstance(step(Act.CANCEL, old, NOW, epoch="1"), Step)


def test_resuming_with_a_small_quota_spreads_it_only_if_asked() -> None:
    decided = act(Act.RESUME, S.PAUSED, spread=True)

    assert isinstance(decided, Step)
    assert decided.spread
    assert "daily quota" in decided.says


def test_an_editors_pause_is_told_from_one_by_itself() -> None:
    paused = act(Act.PAUSE, S.SENDING, reason="wrong headline")
    assert isinstance(paused, Step)
    by_hand = replace(EDITION, state=S.PAUSED, reason=paused.reason)
    by_itself = replace(EDITION, state=S.PAUSED, reason="61 of 1,000 mails bounced")

    assert paused.reason == "by hand: wrong headline"
    assert [paused_by_hand(one) for one in (by_hand, by_itself)] == [True, False]


@pytest.mark.parametrize("what", [Act.RESUME, Act.RETRY_UNRESOLVED])
def test_nothing_of_another_epoch_is_sent(what: Act) -> None:
    state = S.PAUSED if what is Act.RESUME else S.SENT_WITH_UNRESOLVED
    edition = replace(EDITION, state=state)

    assert isinstance(step(what, edition, NOW, epoch="1"), Step)
    assert isinstance(step(what, edition, NOW, epoch="2"), Refused)


@pytest.mark.parametrize("what", [Act.PAUSE, Act.CANCEL])
def test_an_edition_of_another_epoch_may_be_stopped(what: Act) -> None:
    assert isinstance(step(what, EDITION, NOW, epoch="2"), Step)


def test_the_unresolved_are_tried_again_up_to_now_and_for_a_week() -> None:
    edition = replace(EDITION, state=S.SENT_WITH_UNRESOLVED)
    last = edition.started_at + LONGEST

    decided = step(Act.RETRY_UNRESOLVED, edition, last, epoch="1")

    assert isinstance(decided, Step)
    assert decided.resend_before == last
    assert decided.attended
    late = step(Act.RETRY_UNRESOLVED, edition, last + timedelta(seconds=1), epoch="1")
    assert isinstance(late, Refused)
