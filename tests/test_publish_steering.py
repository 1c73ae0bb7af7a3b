"""Pause, resume, cancel and retry through the real publish function, as a repeat finds them."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from courant.editions.model import EditionState
from courant.schedule import EditionId
from desk.stack import Call, Stack
from tests.conftest import HandClock
from tests.newsroom import Newsroom

EDITION = "morning/daily/2026-11-22"


@pytest.fixture
def newsroom(clock: HandClock) -> Iterator[Newsroom]:
    """An edition is composed and has four members; none was mailed yet."""
    with Stack(clock) as stack:
        newsroom = Newsroom(stack, clock)
        newsroom.to(5, 40)
        newsroom.found()
        newsroom.bring(2)
        newsroom.subscribe(4)
        newsroom.to(6)
        newsroom.stack.tick()
        newsroom.stack.pump(only=["compose"])
        assert newsroom.edition().state is EditionState.SENDING
        clock.advance(seconds=10)
        yield newsroom


def act(newsroom: Newsroom, action: str, request_id: str = "a1", **more: object) -> dict[str, str]:
    event = {"request_id": request_id, "action": action, "edition": EDITION, "by": "ann", **more}
    answer: dict[str, str] = newsroom.stack.invoke("publish", event)
    return answer


def history(newsroom: Newsroom) -> list[tuple[str, str, str | None]]:
    entries = newsroom.editions.audit(EditionId.parse(EDITION))
    return [(one.after.value, one.by, one.reason) for one in entries if one.by == "editor:ann"]


def test_a_pause_stops_it_and_a_resume_sends_the_rest(newsroom: Newsroom) -> None:
    paused = act(newsroom, "pause", reason="wrong headline")
    newsroom.run(5)
    nobody = len(newsroom.mails())
    newsroom.to(23)  # later than any max_lateness
    resumed = act(newsroom, "resume", "a2")
    newsroom.run(5)

    assert (paused["status"], paused["state"]) == ("done", "paused")
    assert (resumed["status"], resumed["state"]) == ("done", "sending")
    assert nobody == 0
    assert newsroom.counts().sent == 4
    assert newsroom.edition().state is EditionState.SENT
    assert history(newsroom) == [
        ("paused", "editor:ann", "by hand: wrong headline"),
        ("sending", "editor:ann", None),
    ]


def test_a_cancelled_edition_mails_nobody_and_adds_up(newsroom: Newsroom) -> None:
    answer = act(newsroom, "cancel")
    newsroom.run(15)

    assert (answer["status"], answer["state"]) == ("done", "cancelled")
    assert newsroom.mails() == ()
    assert sum(chunk.counts.cancelled for chunk in newsroom.open_chunks()) == 4
    assert act(newsroom, "cancel", "a2")["status"] == "already"
    assert act(newsroom, "resume", "a3")["status"] == "refused"


def test_one_request_id_acts_once_whatever_came_after(newsroom: Newsroom) -> None:
    act(newsroom, "pause", "mine")
    newsroom.clock.advance(seconds=1)
    act(newsroom, "resume", "other")

    again = act(newsroom, "pause", "mine")

    assert again["status"] == "already"
    assert "done before and is not done again" in again["message"]
    assert "is sending now" in again["message"]
    assert newsroom.edition().state is EditionState.SENDING


def test_what_was_so_already_is_no_order_for_later(newsroom: Newsroom) -> None:
    assert act(newsroom, "resume", "early")["status"] == "already"
    newsroom.clock.advance(seconds=1)
    act(newsroom, "pause", "p")

    assert act(newsroom, "resume", "early")["status"] == "already"
    assert newsroom.edition().state is EditionState.PAUSED


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_act_whose_write_got_no_answer_is_done_once_when_repeated(
    newsroom: Newsroom, when: str
) -> None:
    def fails(call: Call) -> None:
        if call.operation == "TransactWriteItems":
            setattr(newsroom.stack.calls, when, None)
            raise ConnectionClosedError(endpoint_url="https://dynamodb.example")

    setattr(newsroom.stack.calls, when, fails)
    with pytest.raises(ConnectionClosedError):
        act(newsroom, "pause", "mine")
    newsroom.clock.advance(seconds=1)
    first = act(newsroom, "pause", "mine")

    assert first["status"] == ("done" if when == "before" else "already")
    assert [after for after, _, _ in history(newsroom)] == ["paused"]
    assert newsroom.edition().state is EditionState.PAUSED


def test_an_edition_that_moves_under_the_hand_is_looked_at_again(newsroom: Newsroom) -> None:
    editions, clock = newsroom.editions, newsroom.clock

    def moves_first(call: Call) -> None:
        if call.operation == "TransactWriteItems":
            newsroom.stack.calls.before = None
            assert editions.move(
                EditionId.parse(EDITION),
                EditionState.SENDING,
                EditionState.SETTLING,
                by="heartbeat",
                now=clock(),
            )

    newsroom.stack.calls.before = moves_first

    assert act(newsroom, "pause")["status"] == "done"
    assert newsroom.edition().state is EditionState.PAUSED


def test_the_unresolved_alone_are_tried_again(newsroom: Newsroom) -> None:
    lost: list[str] = []

    def loses(call: Call) -> None:
        if call.operation == "SendEmail" and not lost:
            lost.extend(call.params["Destination"]["ToAddresses"])
            raise ReadTimeoutError(endpoint_url="https://email.example")

    newsroom.stack.calls.after = loses
    newsroom.run(3)
    newsroom.clock.advance(minutes=40)
    newsroom.run(6)
    assert newsroom.edition().state is EditionState.SENT_WITH_UNRESOLVED

    answer = act(newsroom, "retry-unresolved")
    newsroom.run(6)

    assert answer["status"] == "done"
    assert newsroom.mailed()[lost[0]] == 2
    assert newsroom.mailed().total() == 5
    assert newsroom.edition().state is EditionState.SENT
    assert act(newsroom, "retry-unresolved", "a2")["status"] == "refused"
    assert newsroom.mailed().total() == 5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"edition": "morning/daily/2020-01-01"}, "edition: there is none called"),
        ({"edition": "morning"}, "newsletter/cadence/YYYY-MM-DD"),
        ({"edition": 3}, "edition"),
        ({"action": "stop"}, "action"),
        ({"spread": True}, "spread: only a resume"),
        ({"by": "heartbeat\n"}, "by"),
        ({"reason": ""}, "reason"),
        ({"request_id": ""}, "request_id"),
        ({"newsletter": "morning"}, "newsletter"),
    ],
)
def test_publish_says_what_to_mend(
    newsroom: Newsroom, change: dict[str, object], says: str
) -> None:
    event = {"request_id": "a1", "action": "pause", "edition": EDITION}

    answer = newsroom.stack.invoke("publish", event | change)

    assert answer["status"] == "refused"
    assert says in answer["message"]
    assert newsroom.edition().state is EditionState.SENDING


def test_an_id_of_another_act_or_edition_is_refused(newsroom: Newsroom) -> None:
    act(newsroom, "pause", "mine")

    other = act(newsroom, "cancel", "mine")
    send = newsroom.publish("mine")

    for answer in (other, send):
        assert answer["status"] == "refused"
        assert "was used for something else" in answer["message"]
    assert newsroom.edition().state is EditionState.PAUSED


def test_who_started_it_by_hand_stands_in_its_history(newsroom: Newsroom) -> None:
    newsroom.publish("hand", by="bea", extra="more", spread=True)

    edition = EditionId.parse(f"{EDITION}+more")
    assert newsroom.edition(str(edition)).spread
    assert newsroom.editions.audit(edition)[0].by == "editor:bea"
