"""The send path under faults: what SES says, and what it does not say."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from courant.delivery import digest
from courant.delivery.chunks import Chunk, Counts
from courant.delivery.deliver import GIVE_UP
from courant.delivery.evidence import Evidence
from courant.delivery.ledger import DeliveryState
from courant.delivery.reconcile import GRACE
from courant.delivery.sender import Streaks
from courant.editions.model import LONGEST, EditionState
from courant.schedule import EditionId
from desk.stack import Call, Stack
from tests.conftest import HandClock
from tests.newsroom import Newsroom

URL = "https://email.eu-west-1.amazonaws.com"


@pytest.fixture
def newsroom(stack: Stack, clock: HandClock) -> Newsroom:
    """Four readers and news, at the edition's minute."""
    newsroom = Newsroom(stack, clock)
    newsroom.to(5, 40)
    newsroom.found()
    newsroom.stack.tick()
    newsroom.subscribe(4)
    newsroom.bring(3)
    newsroom.to(6)
    return newsroom


@pytest.fixture
def sixty(newsroom: Newsroom) -> Newsroom:
    """Sixty readers: more than what must go wrong one after the other before all waits."""
    newsroom.to(5, 50)
    newsroom.subscribe(56, prefix="other")
    newsroom.to(6)
    return newsroom


def answer(code: str, status: int, message: str = "") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]  # as much of it as is read
        },
        "SendEmail",
    )


@contextmanager
def ses_says(
    newsroom: Newsroom, error: Exception, *, when: str = "before", times: int = 10**6
) -> Iterator[list[Call]]:
    """Break SendEmail to reader0, before SES hears of it or after it took the mail."""
    broken: list[Call] = []

    def hook(call: Call) -> None:
        if call.operation != "SendEmail" or len(broken) == times:
            return
        if call.params["Destination"]["ToAddresses"] == ["reader0@example.com"]:
            broken.append(call)
            raise error

    setattr(newsroom.stack.calls, when, hook)
    try:
        yield broken
    finally:
        setattr(newsroom.stack.calls, when, None)


def test_an_address_that_ses_refuses_fails_alone(newsroom: Newsroom) -> None:
    with ses_says(newsroom, answer("MessageRejected", 400, "Address is on a list")):
        newsroom.run()

    assert newsroom.counts() == Counts(sent=3, failed=1)
    assert newsroom.edition().state is EditionState.SENT
    assert "reader0@example.com" not in newsroom.mailed()


@pytest.mark.parametrize(
    "error",
    [
        answer("TooManyRequestsException", 429),
        ConnectTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
    ],
)
def test_what_was_surely_not_sent_is_sent_later(newsroom: Newsroom, error: Exception) -> None:
    with ses_says(newsroom, error, times=2):
        newsroom.run(8)

    assert newsroom.mailed() == {f"reader{n}@example.com": 1 for n in range(4)}
    assert newsroom.counts() == Counts(sent=4)
    assert newsroom.edition().state is EditionState.SENT


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (answer("AccountSuspendedException", 400), "suspended"),
        (answer("SendingPausedException", 400), "Sending is paused"),
        (answer("MessageRejected", 400, "Email address is not verified."), "not verified"),
        (answer("LimitExceededException", 400, "Daily message quota exceeded."), "quota"),
    ],
)
def test_what_stops_every_mail_pauses_the_edition_with_the_mend_and_resuming_sends_the_rest(
    newsroom: Newsroom, error: Exception, says: str
) -> None:
    with ses_says(newsroom, error):
        newsroom.run(3)
    edition = newsroom.edition()
    assert edition.state is EditionState.PAUSED
    assert says in (edition.reason or "")
    before = len(newsroom.mails())

    newsroom.run(3)
    assert len(newsroom.mails()) == before

    move(newsroom, EditionState.PAUSED, EditionState.SENDING)
    newsroom.run(4)
    assert newsroom.mailed() == {f"reader{n}@example.com": 1 for n in range(4)}
    assert newsroom.counts() == Counts(sent=4)
    assert newsroom.edition().state is EditionState.SENT


def test_when_ses_refuses_everybody_it_is_not_the_addresses(sixty: Newsroom) -> None:
    def refuse(call: Call) -> None:
        if call.operation == "SendEmail":
            raise answer("MessageRejected", 400, "Address is on a list")

    sixty.stack.calls.before = refuse
    sixty.run(3)
    edition = sixty.edition()
    failed = sum(row.state is DeliveryState.FAILED for row in sixty.rows().values())
    sixty.stack.calls.before = None

    assert edition.state is EditionState.PAUSED
    # Besides those that were in flight.
    assert Streaks.LONGEST <= failed < Streaks.LONGEST + 16

    move(sixty, EditionState.PAUSED, EditionState.SENDING)
    sixty.run(6)
    assert sixty.counts() == Counts(sent=60 - failed, failed=failed)


def test_when_ses_does_not_answer_about_anybody_the_edition_waits(sixty: Newsroom) -> None:
    def down(call: Call) -> None:
        if call.operation == "SendEmail":
            raise answer("InternalFailure", 500)

    sixty.stack.calls.before = down
    sixty.run(10)
    sixty.stack.calls.before = None
    edition = sixty.edition()
    assert edition.state is EditionState.PAUSED
    assert "no answer about one mail after another" in (edition.reason or "")
    doubtful = sum(row.state is DeliveryState.UNKNOWN for row in sixty.rows().values())
    assert Streaks.LONGEST <= doubtful < Streaks.LONGEST + 16

    move(sixty, EditionState.PAUSED, EditionState.SENDING)
    sixty.run(3)
    sixty.clock.at += GRACE
    sixty.run(3)
    assert sixty.counts() == Counts(sent=60 - doubtful, unresolved=doubtful)


def test_a_mail_now_and_then_without_an_answer_stops_nobody(sixty: Newsroom) -> None:
    asked = 0

    def now_and_then(call: Call) -> None:
        nonlocal asked
        if call.operation == "SendEmail":
            asked += 1
            if asked % 2:
                raise answer("InternalFailure", 500)

    sixty.stack.calls.before = now_and_then
    sixty.run(3)

    assert sixty.edition().state in {EditionState.SENDING, EditionState.SETTLING}
    assert sixty.counts().sent == 30


@pytest.mark.parametrize(
    "error",
    [
        answer("SendingPausedException", 400),
        answer("MessageRejected", 400, "Email address is not verified."),
    ],
)
def test_cancelling_while_a_call_is_out_that_halts_closes_the_edition(
    newsroom: Newsroom, error: Exception
) -> None:
    def cancelled_meanwhile(call: Call) -> None:
        if call.operation != "SendEmail":
            return
        newsroom.clock.advance(seconds=1)
        move(newsroom, EditionState.SENDING, EditionState.CANCELLED)
        newsroom.clock.advance(seconds=1)
        raise error

    newsroom.stack.calls.before = cancelled_meanwhile
    newsroom.run(3)
    newsroom.stack.calls.before = None
    newsroom.run(15)

    assert all(one.counts.total == one.members for one in newsroom.open_chunks())
    assert not list(newsroom.editions.open())


def test_an_edition_that_takes_over_a_week_waits_to_be_cancelled(newsroom: Newsroom) -> None:
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])
    newsroom.clock.at += LONGEST + timedelta(minutes=1)
    newsroom.purge("chunks")
    newsroom.stack.tick()

    edition = newsroom.edition()
    assert edition.state is EditionState.PAUSED
    assert "over a week" in (edition.reason or "")

    move(newsroom, EditionState.PAUSED, EditionState.CANCELLED)
    newsroom.run(15)
    assert all(one.counts.cancelled == one.members for one in newsroom.open_chunks())


def test_who_loses_the_lease_says_nothing_more_about_the_chunk(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[Chunk] = []

    def take(call: Call) -> None:
        moves = "#cursor = :cursor" in call.params.get("UpdateExpression", "")
        if taken or call.operation != "UpdateItem" or not moves:
            return
        newsroom.clock.advance(minutes=30)
        edition = newsroom.edition().id
        chunk = newsroom.chunks.take(
            edition, call.params["Key"]["SK"]["S"], newsroom.clock.at, newsroom.clock.at
        )
        assert chunk is not None
        taken.append(chunk)

    newsroom.stack.calls.before = take
    with caplog.at_level(logging.INFO, "courant"):
        newsroom.run(1)
    assert '"status": "lease lost"' in caplog.text
    newsroom.stack.calls.before = None
    (late,) = taken
    as_taken = next(one for one in newsroom.open_chunks() if one.id == late.id)
    assert (as_taken.cursor, as_taken.state) == ("", late.state)
    assert as_taken.fence == late.fence

    newsroom.run(6)

    assert newsroom.mailed() == {f"reader{n}@example.com": 1 for n in range(4)}
    assert newsroom.counts() == Counts(sent=4)


def test_throttling_for_an_hour_costs_nobody_their_digest(newsroom: Newsroom) -> None:
    with ses_says(newsroom, answer("TooManyRequestsException", 429)) as broken:
        for _ in range(6):
            newsroom.run(1)
            newsroom.clock.advance(minutes=9)

    assert len(broken) > 5
    newsroom.run(3)
    assert newsroom.counts() == Counts(sent=4)


def test_throttling_without_end_is_told_after_a_day_and_nobody_is_given_up(
    newsroom: Newsroom,
) -> None:
    with ses_says(newsroom, answer("TooManyRequestsException", 429)):
        newsroom.run(3)
        newsroom.clock.at += GIVE_UP
        newsroom.run(6)
    edition = newsroom.edition()
    assert edition.state is EditionState.PAUSED
    assert "For a day SES took no mail" in (edition.reason or "")

    move(newsroom, EditionState.PAUSED, EditionState.SENDING)
    newsroom.run(4)

    assert newsroom.counts() == Counts(sent=4)


def test_a_mail_that_can_not_be_written_fails_alone(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = digest.message

    def unwritable(*args: Any, to: str, **more: Any) -> bytes:
        if to == "reader0@example.com":
            raise ValueError("To: a header value must be printable ASCII")
        return message(*args, to=to, **more)

    monkeypatch.setattr(digest, "message", unwritable)
    newsroom.run()

    assert newsroom.counts() == Counts(sent=3, failed=1)


@pytest.mark.parametrize("where", ["join", "message"])
def test_a_reader_for_whom_nothing_can_be_made_stops_no_other(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    make = getattr(digest, where)
    broken = iter([True])

    def once(*args: Any, **more: Any) -> Any:
        if next(broken, False):
            raise KeyError("a defect")
        return make(*args, **more)

    monkeypatch.setattr(digest, where, once)
    newsroom.run()

    assert newsroom.counts() == Counts(sent=3, failed=1)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url=URL),
        SSLError(endpoint_url=URL, error=OSError("broken off")),
        answer("InternalServiceError", 500),
        answer("SomethingNobodyKnows", 400),
    ],
)
def test_what_nobody_can_say_is_never_sent_again_but_shown(
    newsroom: Newsroom, error: Exception, when: str
) -> None:
    with ses_says(newsroom, error, when=when) as broken:
        newsroom.run()
        newsroom.clock.at += GRACE + timedelta(minutes=5)
        newsroom.run()

    assert len(broken) == 1
    assert newsroom.counts() == Counts(sent=3, unresolved=1)
    assert newsroom.edition().state is EditionState.SENT_WITH_UNRESOLVED
    assert newsroom.mailed()["reader0@example.com"] == (when == "after")


def test_a_send_event_settles_what_nobody_could_say(newsroom: Newsroom) -> None:
    with ses_says(newsroom, ReadTimeoutError(endpoint_url=URL), when="after"):
        newsroom.run()
    mail = next(mail for mail in newsroom.mails() if mail.to == ("reader0@example.com",))

    newsroom.stack.put_event(
        {
            "eventType": "Send",
            "mail": {
                "messageId": mail.message_id,
                "tags": {name: [value] for name, value in mail.tags.items()},
            },
            "send": {},
        }
    )
    newsroom.run(5)

    assert newsroom.counts() == Counts(sent=4)
    assert newsroom.edition().state is EditionState.SENT


def test_a_walk_near_its_deadline_goes_on_in_another_invocation(newsroom: Newsroom) -> None:
    def slow(call: Call) -> None:
        if call.operation == "SendEmail":
            newsroom.clock.advance(seconds=50)

    newsroom.stack.calls.after = slow
    newsroom.run(2)
    newsroom.stack.calls.after = None
    newsroom.run(3)

    assert newsroom.mailed() == {f"reader{n}@example.com": 1 for n in range(4)}
    assert newsroom.counts() == Counts(sent=4)


def test_a_pause_stops_and_resuming_goes_on(newsroom: Newsroom) -> None:
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])
    assert move(newsroom, EditionState.SENDING, EditionState.PAUSED)

    newsroom.run(4)
    paused = len(newsroom.mails())
    move(newsroom, EditionState.PAUSED, EditionState.SENDING)
    newsroom.run(4)

    assert paused == 0
    assert newsroom.counts() == Counts(sent=4)


def move(newsroom: Newsroom, before: EditionState, after: EditionState) -> bool:
    edition = newsroom.edition()
    now = newsroom.clock()
    return newsroom.editions.move(edition.id, before, after, by="editor:ann", now=now)


def test_a_reject_that_is_faster_than_our_own_record_is_what_is_counted(newsroom: Newsroom) -> None:
    def reject(call: Call) -> None:
        if call.operation == "SendEmail" and call.params["Destination"]["ToAddresses"] == [
            "reader0@example.com"
        ]:
            tags = {tag["Name"]: tag["Value"] for tag in call.params["EmailTags"]}
            edition = EditionId.parse("morning/daily/2026-11-22")
            Evidence(newsroom.stack.table("ledger")).tell(
                edition, tags["rid"], DeliveryState.FAILED, "Reject", newsroom.clock()
            )

    newsroom.stack.calls.after = reject
    newsroom.run(3)

    assert newsroom.counts() == Counts(sent=3, failed=1)
