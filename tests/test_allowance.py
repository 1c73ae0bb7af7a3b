"""Whether an edition may start on this account, and what the editor is told if not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery.allowance import Account, refusal, warning

ACCOUNT = Account(
    max_rate=14.0,
    daily_quota=50_000,
    sent_24h=8_700,
    sending=True,
    production=True,
    enforcement="HEALTHY",
)
SANDBOX = replace(ACCOUNT, max_rate=1.0, daily_quota=200, sent_24h=0, production=False)
UNLIMITED = replace(ACCOUNT, daily_quota=None)


def test_what_is_left_and_what_of_it_an_edition_may_count_on() -> None:
    assert (ACCOUNT.left, ACCOUNT.room) == (41_300, 38_800)  # 5 % of 50,000 are kept


def test_a_quota_that_is_overdrawn_leaves_nothing() -> None:
    overdrawn = replace(ACCOUNT, sent_24h=50_010)

    assert (overdrawn.left, overdrawn.room) == (0, 0)


def test_without_a_quota_there_is_no_end() -> None:
    assert (UNLIMITED.left, UNLIMITED.room) == (None, None)
    assert refusal(10_000_000, UNLIMITED) is None


@pytest.mark.parametrize(("members", "starts"), [(38_800, True), (38_801, False)])
def test_an_edition_starts_if_todays_quota_holds_it(members: int, starts: bool) -> None:
    assert (refusal(members, ACCOUNT) is None) == starts


def test_an_edition_too_big_for_today_is_refused_with_the_sum() -> None:
    assert refusal(60_000, ACCOUNT) == (
        "It needs 60,000 mails; today's quota leaves 41,300 of 50,000, of which 2,500 are kept for"
        " letters. Resume with --spread to send it over 2 days, as the quota comes free, or ask AWS"
        " for a higher quota (Service Quotas, Amazon SES)."
    )


def test_one_that_fits_into_a_whole_day_may_wait_for_tomorrow() -> None:
    assert "or resume tomorrow, or ask" in str(refusal(45_000, ACCOUNT))


def test_a_million_on_a_small_account_says_how_many_days() -> None:
    # 38,800 today, then 47,500 a day: (200,000 - 38,800) / 47,500 = 3.4
    assert "over 5 days" in str(refusal(200_000, ACCOUNT))
    assert refusal(200_000, ACCOUNT, spread=True) is None


def test_what_takes_more_than_a_week_is_not_spread() -> None:
    most = 38_800 + 6 * 47_500

    assert refusal(most, ACCOUNT, spread=True) is None
    for spread in (True, False):
        said = str(refusal(most + 1, ACCOUNT, spread=spread))
        assert "it would take 8, and 7 are the most" in said
        assert "--spread" not in said


def test_what_other_editions_still_need_is_not_given_twice() -> None:
    assert refusal(20_000, ACCOUNT, promised=18_800) is None

    said = str(refusal(20_000, ACCOUNT, promised=18_801))

    assert "and 18,801 belong to editions that are running" in said


def test_a_quota_of_nothing_offers_no_days() -> None:
    said = str(refusal(1, replace(ACCOUNT, daily_quota=0, sent_24h=0)))

    assert "--spread" not in said
    assert "ask AWS for a higher quota" in said


def test_an_editor_may_spread_it() -> None:
    assert refusal(60_000, ACCOUNT, spread=True) is None


def test_resuming_alone_does_not_make_the_quota_bigger() -> None:
    assert refusal(60_000, ACCOUNT, attended=True) is not None


def test_nothing_starts_by_itself_in_the_sandbox() -> None:
    said = str(refusal(3, SANDBOX))

    assert "sandbox" in said
    assert "200 a day" in said
    assert "if all of its 3 readers are verified, resume" in said
    assert "its one reader is verified" in str(refusal(1, SANDBOX))


def test_an_editor_with_a_few_verified_readers_may_start_it_in_the_sandbox() -> None:
    assert refusal(3, SANDBOX, attended=True) is None
    assert "200 of 200" in str(refusal(191, SANDBOX, attended=True))


@pytest.mark.parametrize(
    ("account", "word"),
    [
        (replace(ACCOUNT, sending=False), "switched off"),
        (replace(ACCOUNT, enforcement="SHUTDOWN"), "shut down"),
    ],
    ids=["sending off", "shut down"],
)
def test_an_account_that_may_not_send_starts_nothing_whoever_asks(
    account: Account, word: str
) -> None:
    assert word in str(refusal(1, account, spread=True, attended=True))


def test_probation_is_a_warning_and_no_refusal() -> None:
    account = replace(ACCOUNT, enforcement="PROBATION")

    assert refusal(1, account) is None
    assert "PROBATION" in str(warning(account))


def test_a_healthy_account_needs_no_warning_and_a_sandbox_does() -> None:
    assert warning(ACCOUNT) is None
    assert "sandbox" in str(warning(SANDBOX))


@given(
    members=st.integers(0, 10**7),
    quota=st.integers(1, 10**6),
    sent=st.integers(0, 10**6),
    promised=st.integers(0, 10**5),
)
def test_who_is_let_in_leaves_the_letters_theirs(
    members: int, quota: int, sent: int, promised: int
) -> None:
    account = replace(ACCOUNT, daily_quota=quota, sent_24h=sent)

    if refusal(members, account, promised=promised) is None and members + promised:
        assert members + promised + 0.05 * quota <= quota - sent
