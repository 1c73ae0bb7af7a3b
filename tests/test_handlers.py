"""Every handler on its events: the files that `sam local invoke -e` and the README use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from courant.delivery.ledger import DeliveryState
from courant.schedule import EditionId
from desk.newsletter_file import load
from desk.stack import Stack
from tests.conftest import HandClock
from tests.newsroom import Newsroom

ROOT = Path(__file__).resolve().parents[1]
EVENTS = ROOT / "events"
FUNCTIONS = ("heartbeat", "gather", "compose", "deliver", "feedback", "publish", "web", "letters")


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def newsroom(stack: Stack, clock: HandClock) -> Newsroom:
    """The demo's newsletter, a minute before its hour, with readers and no news."""
    newsroom = Newsroom(stack, clock)
    newsroom.to(5, 59)
    demo = load(ROOT / "newsletters" / "demo.yaml")
    newsroom.newsletters.put(demo.model_copy(update={"id": "morning"}), clock())
    newsroom.newsletters.put(demo, clock())
    stack.tick()
    return newsroom


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_normal_event_and_a_bad_one(function: str) -> None:
    cases = {path.name.split(".")[1] for path in EVENTS.glob(f"{function}.*.json")}

    assert "bad" in cases
    assert len(cases) >= 2


def test_every_event_is_some_functions() -> None:
    assert {path.name.split(".")[0] for path in EVENTS.iterdir()} == set(FUNCTIONS)


@pytest.mark.parametrize("name", ["heartbeat.normal", "heartbeat.bad"])
def test_heartbeat_looks_at_the_clock_and_not_at_the_event(newsroom: Newsroom, name: str) -> None:
    newsroom.to(6)
    newsroom.subscribe(1)

    answer = newsroom.stack.invoke("heartbeat", event(name))

    assert answer["started"] == 1
    assert newsroom.edition().state == "scheduled"


def test_compose_presses_what_waits_and_hands_back_what_it_can_not_read(
    newsroom: Newsroom,
) -> None:
    newsroom.to(6)

    assert failures(newsroom.stack.invoke("compose", event("compose.normal"))) == []
    assert failures(newsroom.stack.invoke("compose", event("compose.bad"))) == ["bad"]


def test_deliver_ignores_a_chunk_that_is_not_there_and_hands_back_rubbish(
    newsroom: Newsroom,
) -> None:
    assert failures(newsroom.stack.invoke("deliver", event("deliver.normal"))) == []
    assert failures(newsroom.stack.invoke("deliver", event("deliver.bad"))) == ["bad"]
    assert newsroom.mails() == ()


def test_feedback_takes_a_bounce_and_hands_back_rubbish(newsroom: Newsroom) -> None:
    body = event("feedback.normal")
    sid = "00112233445566778899aabbccddeeff"
    edition = EditionId.parse("demo/daily/2026-11-22")
    now = newsroom.at()
    newsroom.ledger.claim(edition, sid, attempt="a", chunk="c", lease=now, now=now)

    assert failures(newsroom.stack.invoke("feedback", body)) == []
    assert failures(newsroom.stack.invoke("feedback", event("feedback.bad"))) == ["bad"]

    row = newsroom.ledger.get(edition, sid)
    assert row is not None
    assert row.state is DeliveryState.SENT


@pytest.mark.parametrize(
    ("name", "status"),
    [("send", "started"), ("test", "accepted"), ("preview", "accepted"), ("bad", "refused")],
)
def test_publish_answers_each_of_its_events(newsroom: Newsroom, name: str, status: str) -> None:
    answer = newsroom.stack.invoke("publish", event(f"publish.{name}"))

    assert answer["status"] == status
    assert answer["message"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"newsletter": "nobody"}, "newsletter: there is none called 'nobody'"),
        ({"cadence": "hourly"}, "cadence: demo has daily, weekly, not 'hourly'"),
        ({"action": "test"}, "to: name the addresses"),
        ({"action": "test", "to": ["no address"]}, "to.0"),
        ({"extra": "x", "action": "preview"}, "extra: only a send"),
        ({"request_id": "a b"}, "request_id"),
        ({"request": "typo"}, "request"),
    ],
)
def test_publish_says_what_to_mend(
    newsroom: Newsroom, change: dict[str, object], names: str
) -> None:
    answer = newsroom.stack.invoke("publish", event("publish.send") | change)

    assert answer["status"] == "refused"
    assert names in answer["message"]


def test_publish_answers_an_editor_s_hand_on_an_edition(newsroom: Newsroom) -> None:
    newsroom.stack.invoke("publish", event("publish.send"))
    asked = ("pause", "resume", "cancel", "retry")

    answers = [newsroom.stack.invoke("publish", event(f"publish.{name}")) for name in asked]

    assert [answer["status"] for answer in answers] == ["done", "done", "done", "refused"]
    assert newsroom.edition("demo/daily/2026-11-22").state == "cancelled"


@pytest.mark.parametrize("body", [None, [], "send", 3])
def test_publish_refuses_what_is_no_request_at_all(newsroom: Newsroom, body: object) -> None:
    assert newsroom.stack.invoke("publish", body)["status"] == "refused"
