"""Opening chunks: counted once, cut once, and refused when the account can't send them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from courant import aws
from courant.delivery import plan
from courant.delivery.account import AccountReader
from courant.delivery.audience import Audience
from courant.delivery.chunks import Counts
from courant.delivery.grants import Grants
from courant.editions.frozen import PressingStore
from courant.editions.model import Edition, EditionState
from courant.editions.pressing import Frozen
from courant.schedule import EditionId
from courant.subscribers.lists import MemberLists
from desk.stack import Stack
from tests.conftest import HandClock
from tests.newsroom import Newsroom

ID = EditionId.parse("morning/daily/2026-11-22")


@pytest.fixture
def newsroom(stack: Stack, clock: HandClock) -> Newsroom:
    """Forty readers, news, and an edition that is composed but whose chunks are not walked."""
    newsroom = Newsroom(stack, clock)
    newsroom.to(5, 40)
    newsroom.found()
    newsroom.subscribe(40)
    newsroom.bring(3)
    newsroom.to(6)
    return newsroom


def compose(newsroom: Newsroom) -> Edition:
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])
    return newsroom.edition()


def quota(newsroom: Newsroom, **figures: float) -> None:
    newsroom.stack.calls.account["SendQuota"].update(figures)


def test_members_are_counted_at_the_cut_in_ranges_that_make_up_the_audience(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "parts", lambda *_: 3)

    compose(newsroom)
    chunks = newsroom.open_chunks()
    newsroom.run(4)

    assert len({chunk.range for chunk in chunks}) > 16
    assert sum(chunk.members for chunk in chunks) == 40
    assert newsroom.counts().sent == 40
    assert newsroom.edition().state is EditionState.SENT


def test_who_composes_a_second_time_cuts_as_the_first_did(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose(newsroom)
    before = {chunk.id: chunk.members for chunk in newsroom.open_chunks()}
    monkeypatch.setattr(plan, "parts", lambda *_: 7)
    pressing = newsroom.stack.table("content")
    key = {"PK": f"E#{ID}", "SK": f"P#{newsroom.pressings()[0].instant:%Y-%m-%dT%H:%M:%S.%fZ}"}
    update: dict[str, Any] = {
        "UpdateExpression": "SET st = :waiting",
        "ExpressionAttributeValues": {":waiting": "waiting"},
    }
    pressing.update_item(Key=key, **update)

    newsroom.clock.advance(minutes=3)
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])

    assert {chunk.id: chunk.members for chunk in newsroom.open_chunks()} == before


def test_an_edition_too_big_for_todays_quota_waits_and_says_the_sum(newsroom: Newsroom) -> None:
    quota(newsroom, Max24HourSend=50.0, SentLast24Hours=20.0)

    edition = compose(newsroom)
    newsroom.run(3)

    assert edition.state is EditionState.PAUSED
    assert "needs 40 mails" in (edition.reason or "")
    assert "leaves 30 of 50" in (edition.reason or "")
    assert newsroom.mails() == ()


def test_an_editor_may_spread_it_over_days(newsroom: Newsroom) -> None:
    quota(newsroom, Max24HourSend=30.0)
    compose(newsroom)
    before = EditionState.PAUSED
    now = newsroom.clock()
    newsroom.editions.move(
        ID, before, EditionState.SENDING, by="editor:ann", now=now, spread=True, attended=True
    )

    newsroom.run(5)
    today = len(newsroom.mails())
    assert newsroom.edition().state is EditionState.SENDING
    newsroom.clock.at += timedelta(days=1)
    newsroom.run(5)
    newsroom.clock.at += timedelta(days=1)
    newsroom.run(5)

    assert 20 < today <= 30
    assert max(newsroom.mailed().values()) == 1
    assert len(newsroom.mailed()) == 40
    assert newsroom.edition().state is EditionState.SENT


def test_what_other_editions_still_need_of_the_quota_is_theirs(newsroom: Newsroom) -> None:
    quota(newsroom, Max24HourSend=70.0)
    compose(newsroom)
    newsroom.purge("chunks")

    newsroom.publish("r1", extra="special")
    newsroom.stack.pump(only=["compose"])

    extra = newsroom.edition("morning/daily/2026-11-22+special")
    assert newsroom.edition().state is EditionState.SENDING
    assert extra.state is EditionState.PAUSED
    assert "40 belong to editions that are running" in (extra.reason or "")


def test_an_account_that_can_not_be_asked_holds_nobody_up(newsroom: Newsroom) -> None:
    class Mute(AccountReader):
        def read(self) -> Any:
            raise aws.client("sesv2").exceptions.ClientError({"Error": {}}, "GetAccount")

    compose(newsroom)
    stack = newsroom.stack
    ledger = stack.table("ledger")
    audience = Audience(
        subscribers=MemberLists(stack.table("subscribers")),
        editions=newsroom.editions,
        chunks=newsroom.chunks,
        account=Mute(),
        grants=Grants(ledger),
        sqs=aws.client("sqs"),
        queue=stack.queue("chunks").url,
        epoch="1",
        now=newsroom.clock,
        sleep=lambda _: None,
    )
    frozen = _frozen(newsroom)

    assert audience.open_chunks(frozen, newsroom.edition(), None).refusal is None


def _frozen(newsroom: Newsroom) -> Frozen:

    bucket = newsroom.stack.outputs()["Bucket"]
    frozen = PressingStore(aws.client("s3"), bucket).get(ID, newsroom.pressings()[0].instant)
    assert frozen is not None
    return frozen


def test_an_edition_starts_late_only_if_somebody_is_there(newsroom: Newsroom) -> None:
    compose(newsroom)
    newsroom.purge("chunks")
    newsroom.clock.advance(hours=7)  # max_lateness is 6 h

    newsroom.run(4)
    paused = newsroom.edition()
    assert paused.state is EditionState.PAUSED
    assert "late" in (paused.reason or "")
    assert newsroom.mails() == ()

    newsroom.editions.move(
        ID,
        EditionState.PAUSED,
        EditionState.SENDING,
        by="editor:ann",
        now=newsroom.clock(),
        attended=True,
    )
    newsroom.run(5)

    assert newsroom.counts().sent == 40
    assert newsroom.edition().state is EditionState.SENT


def test_an_edition_that_began_in_time_goes_on_however_late(newsroom: Newsroom) -> None:
    compose(newsroom)
    chunk = newsroom.open_chunks()[0]
    now = newsroom.clock()
    taken = newsroom.chunks.take(ID, chunk.id, now, now)
    assert taken is not None
    newsroom.chunks.advance(taken, "", Counts(sent=1), now)
    newsroom.purge("chunks")
    newsroom.clock.advance(hours=7)

    newsroom.run(5)

    assert newsroom.counts().sent == 40
