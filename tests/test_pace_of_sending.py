"""The pace that all workers share: never faster than the account, however many take from it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery import pace as deciding
from courant.delivery.allowance import Account
from courant.delivery.pace import AHEAD, Grant, Pace, Spent, Wait, grant, looked, slower

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ACCOUNT = Account(
    max_rate=200.0,
    daily_quota=None,
    sent_24h=0,
    sending=True,
    production=True,
    enforcement="HEALTHY",
)
PACE = looked(None, ACCOUNT, NOW)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taken(answer: Grant | Wait | Spent) -> tuple[datetime, ...]:
    assert isinstance(answer, Grant)
    return answer.instants


def most_in(span: timedelta, instants: Sequence[datetime]) -> int:
    """The most instants in any half-open span of this length."""
    instants = sorted(instants)
    return max(
        (
            bisect_right(instants, start + span - timedelta(microseconds=1)) - first
            for first, start in enumerate(instants)
        ),
        default=0,
    )


# ── the limit ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("max_rate", "limit"), [(1.0, 0.8), (14.0, 11.2), (200.0, 160.0), (0.0, 0.001)]
)
def test_editions_use_nine_tenths_less_a_tenth_for_letters(max_rate: float, limit: float) -> None:
    assert deciding.limit(max_rate) == limit


def test_an_account_nobody_looked_at_is_as_slow_as_a_sandbox() -> None:
    pace = deciding.unlooked(NOW)

    assert (pace.limit, pace.rate, pace.budget) == (0.8, 0.8, None)


def test_the_first_look_brings_the_whole_rate_at_once() -> None:
    first = replace(deciding.unlooked(NOW), next=at(1))

    pace = looked(first, ACCOUNT, at(3))

    assert deciding.rate_now(pace, at(3)) == 160.0
    assert pace.next == at(1)  # what is taken stays taken


def test_a_higher_rate_is_seen_at_the_next_look_and_so_is_a_lower_one() -> None:
    higher = looked(PACE, replace(ACCOUNT, max_rate=400.0), at(60))
    lower = looked(PACE, replace(ACCOUNT, max_rate=20.0), at(60))

    assert deciding.rate_now(higher, at(60)) == 320.0
    assert deciding.rate_now(lower, at(60)) == 16.0


def test_a_look_does_not_end_a_slowdown() -> None:
    pace = looked(slower(PACE, NOW), ACCOUNT, NOW)

    assert deciding.rate_now(pace, NOW) == 112.0


def test_a_schedule_that_a_wrong_clock_pushed_far_ahead_is_pulled_back() -> None:
    pushed = replace(PACE, next=at(3600), rate_at=at(3600))

    pace = looked(pushed, ACCOUNT, NOW)

    assert pace.next == NOW + AHEAD
    assert pace.rate_at == NOW


def test_a_schedule_that_is_ahead_as_it_may_be_stays() -> None:
    pace = replace(PACE, next=at(12))  # a slow account's next instant

    assert looked(pace, ACCOUNT, NOW).next == at(12)


# ── grants ───────────────────────────────────────────────────────────────────────────────────────


def test_instants_lie_one_rate_apart() -> None:
    answer, after = grant(replace(PACE, rate=8.0, limit=8.0), NOW, 2)

    assert taken(answer) == (NOW, at(0.125))
    assert after.next == at(0.25)


def test_a_grant_is_a_quarter_of_a_second_at_most() -> None:
    assert len(taken(grant(PACE, NOW, 1000)[0])) == 40


def test_a_grant_is_no_more_than_was_wanted() -> None:
    assert len(taken(grant(PACE, NOW, 3)[0])) == 3


def test_a_slow_account_gets_one_at_a_time() -> None:
    answer, after = grant(deciding.unlooked(NOW), NOW, 16)

    assert taken(answer) == (NOW,)
    assert after.next == at(1.25)


def test_an_idle_hour_is_not_saved_up() -> None:
    answer, after = grant(PACE, at(3600), 40)

    assert taken(answer)[0] == at(3600)
    assert after.next == at(3600.25)


def test_nobody_takes_more_than_two_seconds_ahead() -> None:
    full = replace(PACE, next=at(2.5))

    assert grant(full, NOW, 1) == (Wait(at(0.5)), full)
    assert isinstance(grant(full, at(0.5), 1)[0], Grant)


def test_the_budget_ends_the_grants() -> None:
    last, after = grant(replace(PACE, budget=3), NOW, 40)
    nothing, still = grant(after, NOW, 40)

    assert len(taken(last)) == 3
    assert (nothing, still) == (Spent(), after)


# ── the day's quota ──────────────────────────────────────────────────────────────────────────────


def test_the_budget_is_what_is_left_of_the_quota_less_a_reserve() -> None:
    pace = looked(None, replace(ACCOUNT, daily_quota=50_000, sent_24h=10_000), NOW)

    assert pace.budget == 38_750  # 2.5 % of 50,000 stay


def test_an_edition_that_just_fits_is_not_stopped_by_instants_that_were_missed() -> None:
    account = replace(ACCOUNT, daily_quota=50_000, sent_24h=10_000)
    budget = looked(None, account, NOW).budget

    assert account.room is not None
    assert budget is not None
    assert budget > account.room * 1.02


def test_a_look_takes_off_what_is_granted_and_not_sent_yet() -> None:
    account = replace(ACCOUNT, daily_quota=50_000, sent_24h=10_000)
    ahead = replace(looked(None, account, NOW), next=at(2))

    assert looked(ahead, account, NOW).budget == 38_750 - 320


def test_a_look_brings_the_quota_that_came_free() -> None:
    spent = replace(looked(None, replace(ACCOUNT, daily_quota=200), NOW), budget=0)

    pace = looked(spent, replace(ACCOUNT, daily_quota=200, sent_24h=150), at(60))

    assert pace.budget == 45
    assert isinstance(grant(pace, at(60), 1)[0], Grant)


# ── a 429 ────────────────────────────────────────────────────────────────────────────────────────


def test_a_429_takes_three_tenths_off() -> None:
    assert deciding.rate_now(slower(PACE, NOW), NOW) == 112.0


def test_it_comes_back_by_a_twentieth_of_the_limit_a_second_and_no_higher() -> None:
    pace = slower(PACE, NOW)

    rates = [deciding.rate_now(pace, at(seconds)) for seconds in (1, 3, 6, 600)]

    assert rates == [120.0, 136.0, 160.0, 160.0]


def test_all_the_429s_of_one_second_are_one_slowdown() -> None:
    once = slower(PACE, NOW)

    assert slower(once, at(0.999)) == once
    assert slower(once, at(1)).rate == 84.0  # of the 120 that it had come back to


def test_the_very_first_429_counts_even_right_after_a_look() -> None:
    assert slower(PACE, NOW).rate < PACE.rate


def test_there_is_an_end_to_slowness() -> None:
    pace = PACE
    for second in range(100):
        pace = slower(pace, at(second))

    assert 16.0 <= deciding.rate_now(pace, at(99)) <= 32.0


def test_a_clock_that_is_behind_sees_no_recovery_and_no_error() -> None:
    pace = slower(PACE, at(5))

    assert deciding.rate_now(pace, NOW) == 112.0


# ── the laws ─────────────────────────────────────────────────────────────────────────────────────

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "take", "slower", "look"]),
        st.integers(0, 400_000),  # microseconds since the act before
        st.integers(1, 60),
    ),
    max_size=150,
)


@given(acts=ACTS, max_rate=st.sampled_from([1.0, 14.0, 50.0, 200.0, 1000.0]))
def test_in_no_second_are_there_more_instants_than_the_limit(
    acts: list[tuple[str, int, int]], max_rate: float
) -> None:
    """Whatever workers take, slow down and look: instants are distinct, in order, never denser."""
    account = replace(ACCOUNT, max_rate=max_rate)
    pace, now = looked(None, account, NOW), NOW
    instants: list[datetime] = []
    for act, passed, wanted in acts:
        now += timedelta(microseconds=passed)
        if act == "slower":
            pace = slower(pace, now)
        elif act == "look":
            pace = looked(pace, account, now)
        else:
            answer, pace = grant(pace, now, wanted)
            if isinstance(answer, Grant):
                assert answer.instants[0] >= now
                assert answer.instants[0] <= now + AHEAD
                assert len(answer.instants) <= max(wanted, 1)
                instants += answer.instants
            else:
                assert isinstance(answer, Wait)
                assert answer.until > now

    assert instants == sorted(set(instants))
    # One instant may lie at the very start of the second.
    assert most_in(SECOND, instants) <= deciding.limit(max_rate) + 1


@given(
    acts=st.lists(st.tuples(st.integers(0, 500_000), st.integers(1, 60)), max_size=100),
    quota=st.integers(0, 500),
)
def test_no_more_is_granted_than_the_budget(acts: list[tuple[int, int]], quota: int) -> None:
    account = replace(ACCOUNT, daily_quota=quota)
    pace, now, granted = looked(None, account, NOW), NOW, 0
    for passed, wanted in acts:
        now += timedelta(microseconds=passed)
        answer, pace = grant(pace, now, wanted)
        granted += len(answer.instants) if isinstance(answer, Grant) else 0

    assert granted <= 0.975 * quota


@given(
    skews=st.lists(st.integers(-300_000, 300_000), min_size=2, max_size=6),
    turns=st.lists(st.integers(0, 5), max_size=150),
)
def test_clocks_that_differ_add_no_more_than_their_difference(
    skews: list[int], turns: list[int]
) -> None:
    """A worker whose clock is off uses an instant by its own clock, so early or late by that."""
    pace, true, used = PACE, NOW, list[datetime]()
    for turn in turns:
        true += timedelta(milliseconds=20)
        skew = timedelta(microseconds=skews[turn % len(skews)])
        answer, pace = grant(pace, true + skew, 40)
        used += [instant - skew for instant in taken(answer)] if isinstance(answer, Grant) else []

    apart = timedelta(microseconds=max(skews) - min(skews)) / SECOND
    assert most_in(SECOND, used) <= PACE.limit * (1 + apart) + 1


@given(st.integers(1, 10_000_000), st.integers(0, 10**9))
def test_a_pace_is_made_of_whole_thousandths(milli: int, passed: int) -> None:
    """So that it stays what it is when it is written to the table and read again."""
    account = replace(ACCOUNT, max_rate=milli / 1000)
    pace: Pace = slower(looked(None, account, NOW), NOW + timedelta(microseconds=passed))

    assert round(pace.limit * 1000) / 1000 == pace.limit
    assert round(pace.rate * 1000) / 1000 == pace.rate
    assert 0 < pace.rate <= pace.limit
