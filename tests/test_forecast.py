"""What ``courant plan`` and docs/scale.md compute."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from math import ceil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery import pace as paces
from courant.delivery import plan
from desk import prices
from desk.cost import EVENTS_A_RUN, EVENTS_WINDOW, GRANTS_A_SECOND, UNITS, Units, cost
from desk.forecast import FEEDBACK_AT_ONCE, Forecast, forecast
from desk.forecast_words import describe, length, money, number

ROOT = Path(__file__).resolve().parents[1]
SCALE = ROOT / "docs" / "scale.md"


def test_the_pace_is_the_accounts_rate_less_what_is_kept_for_letters() -> None:
    expected = forecast(1_000_000, 200)

    assert expected.pace == paces.limit(200) == 160
    assert expected.duration == expected.sending == timedelta(seconds=1_000_000 / 160)
    assert expected.fits_today
    assert expected.quota_left is None


def test_no_more_invocations_than_the_pace_needs_and_never_more_than_are_allowed() -> None:
    slow, fast, cramped = (
        forecast(1_000_000, 14),
        forecast(10_000_000, 5_000, concurrency=1_000),
        forecast(10_000_000, 5_000, concurrency=10),
    )

    assert slow.workers == 1
    assert fast.workers == plan.walkers(4_000) == 40
    assert fast.pace == 4_000
    assert (cramped.workers, cramped.pace) == (10, 10 * plan.WALKER_RATE)
    assert cramped.first.name == "DeliverConcurrency"
    assert cramped.first.mend == "deploy with DeliverConcurrency=40"


def test_chunks_are_those_that_the_code_cuts() -> None:
    assert forecast(1_000, 14).chunks == 16
    assert forecast(10_000_000, 200).chunks == 16 * plan.parts(10_000_000, 160)
    assert forecast(1_000_000, 200, slots=40).chunks == 16 * 40 * plan.parts(25_000, 160)


@pytest.mark.parametrize(
    ("members", "quota", "sent", "days", "left"),
    [
        (47_500, 50_000, 0, 1, 47_500),
        (47_501, 50_000, 0, 2, 47_500),
        (100_000, 50_000, 0, 3, 47_500),
        (10_000, 50_000, 40_000, 2, 7_500),
        (10_000, 50_000, 60_000, 2, 0),
        (95_000, 50_000, 50_000, 3, 0),
    ],
)
def test_a_small_quota_spreads_an_edition_over_days(
    members: int, quota: int, sent: int, days: int, left: int
) -> None:
    expected = forecast(members, 200, daily_quota=quota, sent_24h=sent)

    assert (expected.days, expected.quota_left) == (days, left)
    assert expected.fits_today == (days == 1)
    assert expected.duration >= timedelta(days=days - 1)
    assert expected.duration < timedelta(days=days)
    assert (expected.first.name == "SES daily quota") == (days > 1)


def test_at_a_pace_that_the_quota_keeps_up_with_it_never_runs_out() -> None:
    expected = forecast(3_000_000, 14, daily_quota=1_100_000)

    assert expected.fits_today
    assert expected.duration == expected.sending > timedelta(days=3)


def test_nobody_takes_no_time_and_costs_nothing() -> None:
    expected = forecast(0, 14, daily_quota=50_000)

    assert (expected.duration, expected.chunks, expected.workers) == (timedelta(), 0, 0)
    assert expected.cost.beside == expected.cost.share == 0
    assert describe(expected) == ("Nobody is to be mailed.",)


@given(
    # Fewer have fewer chunks than the pace asks for, and are done in seconds all the same.
    members=st.integers(100_000, 20_000_000),
    rate=st.floats(0.1, 20_000),
    quota=st.none() | st.integers(1, 50_000_000),
    sent=st.integers(0, 1_000_000),
    concurrency=st.integers(2, 1_000),
)
def test_whatever_the_account_the_numbers_agree_with_each_other(
    members: int, rate: float, quota: int | None, sent: int, concurrency: int
) -> None:
    expected = forecast(members, rate, daily_quota=quota, sent_24h=sent, concurrency=concurrency)

    assert 0 < expected.pace <= paces.limit(rate)
    assert expected.sending <= expected.duration
    assert 1 <= expected.workers <= concurrency
    # What only makes others wait comes last.
    assert [(not limit.waits, limit.use) for limit in expected.limits] == sorted(
        ((not limit.waits, limit.use) for limit in expected.limits), reverse=True
    )
    # Something always holds it back, and is named first.
    assert expected.first.binds
    for limit in expected.limits:
        if limit.name in {"DynamoDB writes", "DynamoDB reads", "one shard of the ledger"}:
            assert limit.ceiling is not None
            assert limit.use == pytest.approx(expected.pace / limit.ceiling)
    assert expected.cost.beside == pytest.approx(sum(one.dollars for one in expected.cost.lines))
    more = forecast(
        members + 1_000, rate, daily_quota=quota, sent_24h=sent, concurrency=concurrency
    )
    assert more.cost.ses > expected.cost.ses
    assert more.sending > expected.sending or more.pace > expected.pace


def test_a_bill_by_hand() -> None:
    units = Units(
        claim=1,
        record=1,
        bookkeeping=0,
        member_reads=0.5,
        event_reads=0.5,
        event_requests=0.2,
        event_seconds=0.01,
        event_gb=0.5,
        row_bytes=400,
        row_days=30,
        log_bytes=100,
        worker_gb=1,
        worker_seconds=100,
    )

    bill = cost(1_000_000, workers=2, sending_seconds=10_000, chunks=16, units=units)

    assert {line.name: round(line.dollars, 4) for line in bill.lines} == {
        "DynamoDB writes": round((2_000_000 + 40_000 + 10_000) * 0.625e-6, 4),
        "DynamoDB reads": 0.125,
        "ledger kept": 0.1,
        "SNS events": 0.5,
        "SQS": round((200_000 + 2.1 * 232) * 0.4e-6, 4),
        "Lambda, deliver": round(20_000 * 0.0000133334 + 232 * 0.2e-6, 4),
        "Lambda, feedback": round(5_000 * 0.0000133334 + 10_000 * 0.2e-6, 4),
        "S3": round(232 * 0.4e-6, 4),
        "logs": 0.05,
    }
    assert bill.ses == pytest.approx(100)
    assert bill.ses_essentials == pytest.approx(160)
    assert bill.share == pytest.approx(bill.beside / 100)


def test_without_delivery_events_only_bad_news_is_paid_for() -> None:
    everything, less = (
        {
            line.name: line
            for line in cost(
                1_000_000, workers=8, sending_seconds=1_250, chunks=16, units=units
            ).lines
        }
        for units in (UNITS, UNITS.without_delivery_events())
    )

    assert (everything["SNS events"].quantity, less["SNS events"].quantity) == (1_000_000, 20_000)
    heard = {"DynamoDB writes", "DynamoDB reads", "SNS events", "SQS", "Lambda, feedback"}
    assert {name for name in less if less[name].dollars < everything[name].dollars} == heard
    assert all(less[name] == everything[name] for name in less.keys() - heard)


def test_what_the_arithmetic_assumes_of_the_template_and_the_code_is_so() -> None:
    text = re.sub(r"!\w+", "", (ROOT / "template.yaml").read_text("utf-8"))
    template = yaml.safe_load(text)
    deliver = template["Resources"]["DeliverFunction"]["Properties"]
    feedback = template["Resources"]["FeedbackFunction"]["Properties"]
    memory = template["Globals"]["Function"]["MemorySize"]

    assert deliver["MemorySize"] / 1024 == UNITS.worker_gb
    assert deliver["Timeout"] - 15 == UNITS.worker_seconds
    assert feedback.get("MemorySize", memory) / 1024 == UNITS.event_gb
    events = feedback["Events"]["Events"]["Properties"]
    assert events["BatchSize"] == EVENTS_A_RUN
    assert events["MaximumBatchingWindowInSeconds"] == EVENTS_WINDOW
    assert events["ScalingConfig"]["MaximumConcurrency"] == FEEDBACK_AT_ONCE
    assert template["Parameters"]["DeliverConcurrency"]["Default"] == 10
    assert GRANTS_A_SECOND == paces._GRANTS_A_SECOND
    assert UNITS.worker_rate == plan.WALKER_RATE


def test_prices_are_those_of_the_price_list() -> None:
    assert forecast(1_000, 14).cost.ses == pytest.approx(0.10)
    assert forecast(1_000, 14).cost.ses_essentials == pytest.approx(0.16)
    by_write, by_read = prices.DYNAMODB_WRITE_UNIT, prices.DYNAMODB_READ_UNIT
    # In every region.
    assert by_write == pytest.approx(5 * by_read)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=59), "under a minute"),
        (timedelta(seconds=90), "2 min"),
        (timedelta(minutes=103), "1 h 43 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=26, minutes=59), "1 day 3 h"),
        (timedelta(days=2), "2 days"),
        (timedelta(hours=23, minutes=59, seconds=40), "1 day"),
    ],
)
def test_lengths_of_time_in_two_units(span: timedelta, text: str) -> None:
    assert length(span) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "$0.00"), (0.004, "under $0.01"), (1.5, "$1.50"), (99.994, "$99.99"), (1234.5, "$1,234")],
)
def test_money(value: float, text: str) -> None:
    assert money(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01, "under 0.1"), (0.2, "0.2"), (2.04, "2"), (2.7, "2.7"), (1234.5, "1,234")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_a_forecast_in_words() -> None:
    assert describe(forecast(1_000_000, 200))[0] == "It takes 1 h 44 min, at 160 mails a second."
    spread = " ".join(describe(forecast(100_000, 14, daily_quota=50_000)))
    assert "47,500 mails are left, so it is spread over 3 days" in spread
    within = " ".join(describe(forecast(10_000, 14, daily_quota=50_000)))
    assert "37,500 mails are left after it" in within
    assert "SES asks $1.00 ($1.60 on its Essentials plan)" in within


# docs/scale.md

RATES = (14, 50, 100, 200, 500, 1_000, 2_000, 5_000)


def _enough(members: int, rate: float, units: Units = UNITS) -> Forecast:
    concurrency = max(10, plan.walkers(paces.limit(rate)))
    return forecast(members, rate, concurrency=concurrency, units=units)


def _how_long() -> Iterable[Sequence[str]]:
    yield ("readers", *(f"{rate:,}/s" for rate in RATES))
    for members in (1_000, 10_000, 100_000, 1_000_000, 10_000_000):
        yield (f"{members:,}", *(length(_enough(members, rate).duration) for rate in RATES))


def _ten_million() -> Iterable[Sequence[str]]:
    yield (
        *("SES rate", "pace", "wall time", "invocations at once", "chunks"),
        *("write units/s", "read units/s", "mails in flight at most", "$ beside SES", "of SES"),
        "of SES, without delivery events",
    )
    for rate in RATES:
        expected = _enough(10_000_000, rate)
        without = _enough(10_000_000, rate, UNITS.without_delivery_events())
        yield (
            f"{rate:,}/s",
            f"{number(expected.pace)}/s",
            length(expected.duration),
            f"{expected.workers}",
            f"{expected.chunks}",
            number(expected.write_units),
            number(expected.read_units),
            f"{expected.workers * 16:,}",
            f"{expected.cost.beside:,.2f}",
            f"{expected.cost.share:.1%}",
            f"{without.cost.share:.1%}",
        )


def _bill() -> Iterable[Sequence[str]]:
    one, ten = (_enough(members, 1_000) for members in (1_000_000, 10_000_000))
    without = _enough(10_000_000, 1_000, UNITS.without_delivery_events())
    yield ("", "1,000,000", "10,000,000", "of SES", "without delivery events", "of SES")
    ses = f"{ten.cost.ses:,.2f}"
    yield ("SES, by the mail", f"{one.cost.ses:,.2f}", ses, "", ses, "")
    yield (
        "SES, Essentials plan instead",
        f"{one.cost.ses_essentials:,.2f}",
        f"{ten.cost.ses_essentials:,.2f}",
        "",
        f"{without.cost.ses_essentials:,.2f}",
        "",
    )
    for lines in zip(one.cost.lines, ten.cost.lines, without.cost.lines, strict=True):
        small, big, less = (f"{line.dollars:,.2f}" for line in lines)
        share, rest = (f"{line.dollars / ten.cost.ses:.2%}" for line in lines[1:])
        yield (lines[0].name, small, big, share, less, rest)
    yield (
        "**all beside SES**",
        f"**{one.cost.beside:,.2f}**",
        f"**{ten.cost.beside:,.2f}**",
        f"**{ten.cost.share:.2%}**",
        f"**{without.cost.beside:,.2f}**",
        f"**{without.cost.share:.2%}**",
    )


def _limits() -> Iterable[Sequence[str]]:
    expected = forecast(10_000_000, 1_000, concurrency=10)
    yield ("limit", "is", "reached at mails/s")
    found = [one for one in expected.limits if one.ceiling and one.name != "SES send rate"]
    for one in sorted(found, key=lambda limit: limit.ceiling or 0):
        name = f"{one.name} (default 10)" if one.name == "DeliverConcurrency" else one.name
        yield (name, f"{number(one.limit)} {one.unit}", number(one.ceiling or 0))


TABLES: dict[str, Callable[[], Iterable[Sequence[str]]]] = {
    "how-long": _how_long,
    "ten-million": _ten_million,
    "cost": _bill,
    "limits": _limits,
}


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_of_the_docs_are_what_the_code_computes(
    name: str, request: pytest.FixtureRequest
) -> None:
    head, *rows = (" | ".join(cells) for cells in TABLES[name]())
    rule = "|---" * (head.count(" | ") + 1) + "|"
    table = "\n".join([f"| {head} |", rule, *(f"| {row} |" for row in rows)])
    page = SCALE.read_text("utf-8")
    place = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    assert len(place.findall(page)) == 1
    wanted = place.sub(lambda match: f"{match[1]}{table}\n{match[2]}", page)
    if request.config.getoption("--update-golden"):
        SCALE.write_text(wanted, "utf-8")

    assert SCALE.read_text("utf-8") == wanted, "see `make golden`"


def test_ten_million_need_no_more_than_the_defaults_but_concurrency() -> None:
    expected = _enough(10_000_000, 1_000)

    over = [limit.name for limit in expected.limits if limit.use > 1]
    assert over == []
    assert ceil(expected.pace / UNITS.worker_rate) == expected.workers == 8
