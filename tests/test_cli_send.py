"""courant send: what it says before, what it shows while, how it ends."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from courant.editions.store import EditionStore
from desk.stack import Call
from tests.cli_newsroom import Desk, desk
from tests.conftest import HandClock

pytestmark = pytest.mark.slow

TODAY = "morning/daily/2026-11-22"


@pytest.fixture
def one(clock: HandClock) -> Iterator[Desk]:
    with desk(clock) as made:
        yield made


def kill_the_watching() -> None:
    raise KeyboardInterrupt


def test_a_rehearsal_tells_to_whom_how_long_and_at_what_cost_and_sends_nothing(one: Desk) -> None:
    result = one.courant("send", "morning", "--dry-run")
    told = one.as_json("send", "morning", "--dry-run")

    assert result.exit_code == 0
    assert f"{TODAY}  The Morning, to 4 readers" in result.stdout
    for words in ("slot    daily", "locale  nl", "locale  en", "It takes", "SES asks", "quota"):
        assert words in result.stdout
    assert told["readers"] == 4
    assert told["slots"] == {"daily": 4}
    assert told["locales"] == {"en": 3, "nl": 1}
    assert told["account"]["left"] == 50_000
    assert told["expected"]["cost"]["ses"] > 0
    one.endpoint.stack.pump()
    assert one.room.mails() == ()
    assert one.room.editions.of_newsletter("morning") == ()


def test_a_send_stays_until_all_have_it(one: Desk) -> None:
    result = one.courant("send", "morning", answer="y\n")

    assert result.exit_code == 0, result.output
    assert "2026-11-22, to 4 readers now?" in result.stderr
    assert f"{TODAY} is sent: 4 sent, 0 failed, 0 unresolved." in result.stdout
    assert one.room.mailed().total() == 4
    assert one.room.editions.audit(one.room.edition().id)[0].by == "editor:ann"


def test_for_programs_it_waits_and_tells_once(one: Desk) -> None:
    told = one.as_json("send", "morning", "--yes")

    assert told["status"] == "started"
    assert told["state"] == "sent"
    assert (told["members"], told["sent"], told["waiting"]) == (4, 4, 0)
    assert told["plan"]["readers"] == 4


def test_without_waiting_it_only_starts(one: Desk) -> None:
    told = one.as_json("send", "morning", "--yes", "--no-wait")

    assert (told["status"], told["state"]) == ("started", "scheduled")
    assert one.waits == 0
    assert one.room.mails() == ()


def test_ctrl_c_ends_only_the_watching(one: Desk) -> None:
    one.at_wait[2] = kill_the_watching

    result = one.courant("send", "morning", "--yes")
    one.room.run(5)

    assert result.exit_code == 0
    assert f"courant editions watch {TODAY}" in result.stderr
    assert f"courant editions pause {TODAY}" in result.stderr
    assert one.room.counts().sent == 4


def test_the_same_request_again_takes_up_the_watching(one: Desk) -> None:
    one.at_wait[1] = kill_the_watching
    one.courant("send", "morning", "--yes", "--request-id", "mine")

    told = one.as_json("send", "morning", "--yes", "--request-id", "mine")

    assert told["status"] == "already"
    assert told["state"] == "sent"
    assert one.room.mailed().total() == 4


def test_a_send_that_is_paused_meanwhile_says_why_and_how_to_go_on(one: Desk) -> None:
    one.endpoint.stack.calls.before = nothing_goes
    result = one.courant("send", "morning", "--yes")

    assert result.exit_code == 3
    assert f"{TODAY} is paused" in result.stdout
    assert f"courant editions resume {TODAY}" in result.stdout
    assert one.room.edition().reason
    assert str(one.room.edition().reason) in result.stdout


def nothing_goes(call: Call) -> None:
    if call.operation == "SendEmail":
        answer: Any = {
            "Error": {"Code": "AccountSuspendedException", "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(answer, "SendEmail")


def test_a_quota_too_small_is_refused_unless_it_may_be_spread(one: Desk) -> None:
    one.endpoint.stack.calls.account["SendQuota"] = {
        "Max24HourSend": 100.0,
        "MaxSendRate": 1.0,
        "SentLast24Hours": 93.0,
    }

    refused = one.courant("send", "morning", "--yes")
    rehearsed = one.courant("send", "morning", "--dry-run", "--json")
    spread = one.courant("send", "morning", "--yes", "--spread", "--no-wait")

    assert refused.exit_code == rehearsed.exit_code == 2
    assert "--spread" in refused.stderr
    assert "4 mails are needed, and of 100 a day 7 are left" in refused.stderr
    assert "--spread" in json.loads(rehearsed.stdout)["refusal"]
    assert spread.exit_code == 0
    assert one.room.edition().spread


def test_who_may_not_ask_about_the_account_may_still_send(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetAccount")

    monkeypatch.setattr("desk.look_ahead.AccountReader.read", denied)
    result = one.courant("send", "morning", "--dry-run")

    assert result.exit_code == 0
    assert "SES refused GetAccount (AccessDeniedException)" in result.stdout


def test_what_was_sent_already_is_not_counted_or_asked_again(one: Desk) -> None:
    one.courant("send", "morning", "--yes")

    rehearsed = one.courant("send", "morning", "--dry-run")
    again = one.courant("send", "morning")

    assert "was started before" in rehearsed.stdout
    assert again.exit_code == 0
    assert "now?" not in again.stderr
    assert one.room.mailed().total() == 4


@pytest.mark.parametrize("option", ["--dry-run", "--spread"])
def test_a_test_mail_has_none_of_an_editions_options(one: Desk, option: str) -> None:
    result = one.courant("send", "morning", "--test", "me@example.org", option)

    assert result.exit_code == 2
    assert option in result.stderr


def test_a_look_that_fails_now_and_then_ends_nothing(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, broken = EditionStore.get, iter([False, True, True, False, True])

    def gets(store: EditionStore, edition: object) -> object:
        if one.waits and next(broken, False):
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")
        return get(store, edition)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr("desk.watch_edition.EditionStore.get", gets)

    one.as_json("send", "morning", "--yes", "--no-wait")
    assert one.courant("editions", "watch", TODAY).exit_code == 0
