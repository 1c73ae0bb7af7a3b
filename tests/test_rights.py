"""Least privilege, held from both sides: no function lacks a right, none has one it never uses."""

from __future__ import annotations

import http.server
import itertools
import threading
from collections.abc import Iterator

import pytest

from courant.editions.model import EditionState
from courant.feeds.store import FeedStore
from courant.subscribers.model import Status
from desk.stack import Call, Killed, Stack
from tests.conftest import HandClock
from tests.newsroom import Newsroom, parse

# Each answer has an item of its own, so that gather looks up what it knows of the feed.
RSS = """<rss version="2.0"><channel><title>Wire</title><link>https://example.org/</link>
<item><title>Item %(n)d</title><link>https://example.org/%(n)d</link><guid>%(n)d</guid></item>
</channel></rss>"""
_numbers = itertools.count()


class _Feed(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = (RSS % {"n": next(_numbers)}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    """A feed on loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Feed) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_every_right_is_enough_and_none_is_too_much(port: int, clock: HandClock) -> None:
    with Stack(clock, open_ports=[port]) as stack:
        newsroom = Newsroom(stack, clock)
        newsroom.to(5, 40)
        feed = f"http://127.0.0.1:{port}/feed"
        newsroom.found(
            sections=[
                {"id": "wire", "title": "Wire", "feeds": [feed]},
                {"id": "world", "title": "World", "feeds": ["https://feeds.example.org/world"]},
            ],
            report_to=["editors@news.example.org"],
        )
        FeedStore(stack.table("content")).register(feed, clock())
        sids = newsroom.subscribe(17)  # so that some shard has two, and a walk can be cut short
        newsroom.bring(3)
        newsroom.run(1)
        newsroom.publish("r1", "test", to=["desk@example.net"])
        newsroom.publish("r2", "preview")
        newsroom.stack.pump()
        _an_edition_with_trouble(newsroom)
        _editors_who_steer(newsroom)
        _readers_who_write_back(newsroom, sids)
        newsroom.publish("r3", extra="special")
        newsroom.run(2)

        assert stack.denied() == ()
        assert stack.unused() == ()


def _an_edition_with_trouble(newsroom: Newsroom) -> None:
    """A lost nudge, a walk that reaches its deadline, a death while sending, a second delivery."""
    newsroom.to(6)
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])
    newsroom.purge("chunks")
    killed: list[Call] = []

    def trouble(call: Call) -> None:
        if call.operation != "SendEmail":
            return
        if not killed:
            killed.append(call)
            raise Killed
        newsroom.clock.advance(seconds=110)

    newsroom.stack.calls.after = trouble
    newsroom.run(4, duplicate=True)
    newsroom.stack.calls.after = None
    newsroom.clock.advance(hours=1)
    newsroom.run(3)


def _editors_who_steer(newsroom: Newsroom) -> None:
    """Of the reader at whose mail it died nobody knows anything; the editor has it sent again."""
    assert newsroom.edition().state is EditionState.SENT_WITH_UNRESOLVED
    answer = newsroom.stack.invoke(
        "publish",
        {
            "request_id": "r4",
            "action": "retry-unresolved",
            "edition": "morning/daily/2026-11-22",
            "by": "ann",
        },
    )
    assert answer["status"] == "done", answer
    newsroom.run(3)
    newsroom.clock.advance(minutes=20)  # the report waits for bounces
    newsroom.run(1)
    assert newsroom.edition().state is EditionState.SENT


def _readers_who_write_back(newsroom: Newsroom, sids: list[str]) -> None:
    """One leaves by link, one bounces, one is asked to confirm, one reads on the web."""
    mail = [mail for mail in newsroom.mails() if "rid" in mail.tags][-1]
    link = str(parse(mail)["List-Unsubscribe"]).strip("<>")
    newsroom.stack.request("GET", link)
    newsroom.stack.request("POST", link)
    for path in ("", "/feed.xml", "/daily/2026-11-22", "/daily/2026-11-22/0600"):
        assert newsroom.stack.request("GET", f"/e/morning{path}").status in {200, 302}
    leaver = mail.tags["rid"]
    bouncer = next(sid for sid in sids if sid != leaver)
    newsroom.stack.put_event(
        {
            "eventType": "Bounce",
            "mail": {"tags": {"rid": [bouncer], "ed": ["morning_daily_2026-11-22"]}},
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": []},
        }
    )
    (pending,) = newsroom.subscribe(1, prefix="new", status=Status.PENDING)
    newsroom.stack.queue("letters").send(
        {"kind": "confirmation", "sid": pending, "newsletter": "morning"}
    )
    newsroom.stack.pump()
    assert newsroom.mails()[-1].configuration_set.startswith("Letters")
