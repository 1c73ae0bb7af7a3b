"""What is said before an edition is sent, of any account."""

import pytest

from courant.delivery.allowance import Account
from courant.schedule import EditionId, Slot
from desk.census import Census
from desk.outlook import Outlook, as_json, audience, outlook, sentences

EDITION = EditionId.parse("morning/daily/2026-11-22")


def account(**changes: object) -> Account:
    values = {
        "max_rate": 14.0,
        "daily_quota": 50_000,
        "sent_24h": 1_000,
        "sending": True,
        "production": True,
        "enforcement": "HEALTHY",
    }
    return Account(**values | changes)  # type: ignore[arg-type]  # of any type


def seen(
    members: int = 1_000,
    of: Account | None = None,
    *,
    spread: bool = False,
    promised: int = 0,
    unknown: str | None = None,
) -> Outlook:
    return outlook(
        EDITION,
        Census({Slot("daily"): members}, {"en": members}),
        of if of or unknown else account(),
        concurrency=10,
        promised=promised,
        spread=spread,
        unknown=unknown,
    )


def test_a_small_edition_fits_and_says_how_long_and_how_much() -> None:
    one = seen(1_000)

    assert one.refusal is None
    assert one.warning is None
    said = " ".join(sentences(one))
    assert "It takes 1 min" in said
    assert "SES asks $0.10" in said


def test_a_quota_too_small_is_refused_with_its_arithmetic_and_the_way_out() -> None:
    refusal = seen(60_000, promised=500).refusal

    assert refusal is not None
    for number in ("60,000", "50,000", "49,000", "2,500", "500"):
        assert number in refusal
    assert "--spread" in refusal
    assert "days" in refusal


def test_what_is_spread_over_days_is_not_refused() -> None:
    one = seen(60_000, spread=True)

    assert one.refusal is None
    assert "over 2 days" in " ".join(sentences(one))


def test_the_refusal_begins_with_the_first_mail_that_does_not_fit() -> None:
    room = account().room
    assert room is not None

    assert seen(room).refusal is None
    assert seen(room + 1).refusal is not None
    assert seen(room, promised=1).refusal is not None
    assert seen(10**9, account(daily_quota=None)).refusal is None


@pytest.mark.parametrize("spread", [False, True])
def test_an_account_that_must_not_send_is_refused_whatever_is_agreed(spread: bool) -> None:
    for of in (account(sending=False), account(enforcement="SHUTDOWN")):
        refusal = seen(10, of, spread=spread).refusal
        assert refusal is not None
        assert "--spread" not in refusal


def test_a_sandbox_warns_that_the_edition_pauses_first() -> None:
    one = seen(10, account(production=False, daily_quota=200, sent_24h=0))

    assert one.refusal is None
    assert one.warning is not None
    assert "sandbox" in one.warning
    assert "pause" in one.warning


def test_an_account_that_is_not_known_is_no_reason_not_to_send() -> None:
    one = seen(unknown="SES refused GetAccount")

    assert one.refusal is None
    assert one.expected is None
    assert sentences(one) == ("SES refused GetAccount",)
    assert "account" not in as_json(one)


def test_hundreds_of_slots_are_told_by_the_largest() -> None:
    slots = {Slot("daily", "Asia/Tokyo", f"{n:02}:00"): 24 - n for n in range(24)}
    census = Census(slots, {"en": sum(slots.values())})

    rows = list(audience(census))

    counted = [int(count) for kind, _, count in rows if kind == "slot"]
    assert len(counted) == 11
    assert sum(counted) == census.members
    assert ("slot", "14 more slots", "105") in rows
    assert rows[-1] == ("locale", "en", "300")
