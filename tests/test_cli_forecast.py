"""``courant plan``, as people type it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.forecast import forecast


def told(*options: str) -> str:
    result = CliRunner().invoke(app, ["plan", *options])
    assert result.exit_code == 0, result.output
    # Columns are as wide as their widest cell.
    return "\n".join(" ".join(line.split()) for line in result.stdout.splitlines())


def test_it_says_how_long_how_much_and_what_to_raise_first() -> None:
    text = told("--subscribers", "1000000", "--rate", "200")

    expected = forecast(1_000_000, 200)
    assert "duration 1 h 44 min" in text
    assert "pace 160 mails/s; of the 200 that AWS allows a fifth is left free" in text
    assert "side by side 2 Lambda invocations; 16 chunks" in text
    assert "cost $100 for SES ($160 on its Essentials plan), $2.4" in text
    assert "SES, by the mail 1,000,000 mails $100" in text
    assert "SES, Essentials plan instead 1,000,000 mails $160" in text
    assert f"everything but SES {expected.cost.share:.1%} of SES by the mail" in text
    assert all(line.name in text for line in expected.cost.lines)
    assert "Raise first: SES send rate. Ask AWS" in text
    assert "Next is DeliverConcurrency, enough for 1,000 mails a second." in text


def test_a_small_quota_is_what_to_raise_first() -> None:
    text = told("--subscribers", "100000", "--rate", "14", "--daily-quota", "50000")

    assert "duration 2 days, for it takes the quota of 3 days" in text
    assert "SES daily quota 100,000 47,500 mails" in text
    assert "Raise first: SES daily quota. Ask AWS" in text


def test_too_few_invocations_are_what_to_raise_first() -> None:
    text = told("--subscribers", "10000000", "--rate", "2000", "--concurrency", "10")

    assert "pace 1,000 mails/s;" in text
    assert "Raise first: DeliverConcurrency. Deploy with DeliverConcurrency=16." in text
    # Not feedback, whose events wait.
    assert "Next is SES send rate, enough for 1,600 mails a second." in text


def test_without_delivery_events_it_costs_less_than_a_fiftieth_of_ses() -> None:
    options = ("--subscribers", "1000000", "--rate", "200", "--json")
    with_them, without = (
        json.loads(CliRunner().invoke(app, ["plan", *options, *more]).stdout)["cost"]
        for more in ((), ("--no-delivery-events",))
    )

    assert without["share"] < 0.02 < with_them["share"]
    assert 0.0065 < with_them["share"] - without["share"] < 0.0075


def test_nobody_is_no_mistake() -> None:
    assert "Nobody is to be mailed." in told("--subscribers", "0", "--rate", "1")


def test_json_is_the_whole_forecast() -> None:
    result = CliRunner().invoke(
        app, ["plan", "--subscribers", "1000000", "--rate", "200", "--json"]
    )

    answer, expected = json.loads(result.stdout), forecast(1_000_000, 200)
    assert answer["seconds"] == answer["sending_seconds"] == expected.duration.total_seconds()
    assert (answer["pace"], answer["invocations"], answer["chunks"]) == (160, 2, 16)
    assert answer["cost"]["beside"] == pytest.approx(expected.cost.beside)
    assert sum(line["dollars"] for line in answer["cost"]["lines"]) == pytest.approx(
        answer["cost"]["beside"]
    )
    assert answer["raise_first"] == answer["limits"][0]["name"] == "SES send rate"
    assert answer["limits"][0]["binds"]
    assert answer["quota_left"] is None


@pytest.mark.parametrize(
    "options",
    [
        ("--rate", "14"),
        ("--subscribers", "1000"),
        ("--subscribers", "-1", "--rate", "14"),
        ("--subscribers", "1000", "--rate", "0"),
        ("--subscribers", "1000", "--rate", "inf"),
        ("--subscribers", "1000000000000000000000", "--rate", "14"),
        ("--subscribers", "1000", "--rate", "14", "--concurrency", "1"),
    ],
)
def test_what_makes_no_sense_is_wrong_input(options: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["plan", *options]).exit_code == 2


@pytest.mark.parametrize(
    ("options", "lacks"),
    [
        (["--rate", "14", "--daily-quota", "50000"], "Raise the daily quota first."),
        (["--rate", "1"], "Raise the rate first."),
    ],
)
def test_what_takes_more_than_a_week_is_said_to_be_too_long(options: list[str], lacks: str) -> None:
    asked = ["plan", "--subscribers", "1000000", *options]

    shown = CliRunner().invoke(app, asked).stdout

    assert f"an edition may take 7 days, then it pauses for good. {lacks}" in " ".join(
        shown.split()
    )
    assert json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["too_long"] is True
