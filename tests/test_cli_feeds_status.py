"""courant feeds status: the feeds of a stack, worst first."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from courant.feeds.fetching.resolve import NOT_FOUND
from courant.feeds.row import Feed
from courant.feeds.store import FeedStore, feed_id
from desk.cli import app
from desk.endpoint import Endpoint

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NEWSLETTERS = Path(__file__).resolve().parents[1] / "newsletters"
URL = "https://feeds.example"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courant.clock.now", lambda: NOW)


def courant(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with pytest.MonkeyPatch.context() as patch, Endpoint(lambda: NOW) as endpoint:
        for name, value in endpoint.environment.items():
            patch.setenv(name, value)
        yield endpoint


@pytest.fixture
def feeds(endpoint: Endpoint, tmp_path: Path) -> FeedStore:
    """A newsletter of seven feeds, just applied."""
    text = (NEWSLETTERS / "demo.yaml").read_text("utf-8").split("sections:")[0]
    names = ("ok", "failing", "older", "gone", "moved", "late", "empty")
    urls = "\n".join(f"      - {URL}/{name}" for name in names)
    file = tmp_path / "a.yaml"
    file.write_text(f"{text}sections:\n  - id: a\n    title: A\n    feeds:\n{urls}\n", "utf-8")
    assert courant("apply", file, "--yes").exit_code == 0
    store = FeedStore(endpoint.stack.table("content"))
    for name in names:
        store.drop(f"{URL}/{name}")
        store.register(f"{URL}/{name}", NOW - timedelta(hours=1))
    return store


def visited(store: FeedStore, name: str, **fields: Any) -> None:
    claimed = store.claim(feed_id(f"{URL}/{name}"), NOW)
    assert isinstance(claimed, Feed)
    read = {
        "fetched_at": NOW - timedelta(minutes=10),
        "due_at": NOW + timedelta(hours=2),
        "body_hash": "b",
        "present": frozenset({"00" * 8}),
    }
    # Rows outlive a test: nothing of the visit before this one stays.
    row = Feed(id=claimed.id, url=claimed.url)
    store.finish(claimed, replace(row, **{**read, **fields}))


def visit_all(store: FeedStore) -> None:
    week = NOW.toordinal() // 7
    visited(store, "ok", title="Good \x1b[31m News", weeks={week - 1: 6, week: 8})
    for name, days in (("failing", 1), ("older", 9)):
        since = NOW - timedelta(days=days)
        visited(store, name, failures=days, error="it answered 503", failing_since=since)
    visited(store, "gone", gone_at=NOW - timedelta(days=3), error="it answered 410")
    visited(store, "moved", address=f"{URL}/new")
    visited(store, "late", due_at=NOW - timedelta(hours=3))
    visited(store, "empty", present=frozenset(), weeks={})


def test_status_lists_the_worst_first(feeds: FeedStore) -> None:
    visit_all(feeds)

    result = courant("feeds", "status")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    order = [line.split()[0] for line in lines if line[:1].isalpha()]
    assert order[1:8] == ["gone", "failing", "failing", "empty", "late", "moved", "ok"]
    assert result.stdout.index("/older") < result.stdout.index("/failing")
    assert "since 2026-11-13 06:00, 9 times: it answered 503" in result.stdout
    assert f"write its new address: {URL}/new" in result.stdout
    assert "7.0" in result.stdout
    assert "\x1b" not in result.stdout
    assert "7 feeds: 1 gone, 2 failing, 1 empty, 1 late, 1 moved, 1 ok" in result.stdout
    assert max(map(len, lines)) <= 100


def test_status_of_one_newsletter_as_json_and_only_what_fails(feeds: FeedStore) -> None:
    visit_all(feeds)

    everything = json.loads(courant("feeds", "status", "demo", "--json").stdout)
    some = json.loads(courant("feeds", "status", "--failing", "--json").stdout)

    assert len(everything) == 7
    assert {one["state"] for one in some} == {"gone", "failing", "empty", "late", "moved"}
    [ok] = [one for one in everything if one["state"] == "ok"]
    assert ok["newsletters"] == ["demo"]
    assert ok["articles_a_week"] == 7.0
    assert ok["due_at"] == "2026-11-22T08:00:00+00:00"
    assert ok["error"] is None
    [gone] = [one for one in everything if one["state"] == "gone"]
    assert gone["gone_at"] == "2026-11-19T06:00:00+00:00"


def test_what_was_read_but_cannot_be_used_is_not_ok(feeds: FeedStore) -> None:
    visited(feeds, "empty", present=frozenset())

    [empty] = [one for one in listed(feeds) if one["url"].endswith("/empty")]

    assert empty["state"] == "empty"
    assert empty["remark"].startswith("nothing in it can be used; see 'courant feeds check'")
    assert empty["articles_a_week"] == 0


def test_a_feed_never_read_has_no_rhythm(feeds: FeedStore) -> None:
    visited(feeds, "failing", body_hash=None, present=frozenset(), error="x", failing_since=NOW)

    [failing] = [one for one in listed(feeds) if one["url"].endswith("/failing")]

    assert (failing["state"], failing["articles_a_week"]) == ("failing", None)
    assert "       –  feeds.example" in courant("feeds", "status").stdout


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"newest": NOW - timedelta(days=29)}, ""),
        ({"newest": NOW - timedelta(days=31)}, "It has been silent since 22 October 2026."),
        ({"newest": NOW - timedelta(days=31), "news_at": NOW - timedelta(days=2)}, ""),
        ({"newest": NOW - timedelta(days=80), "interval": timedelta(hours=12)}, ""),
        (
            {
                "newest": NOW - timedelta(days=91),
                "interval": timedelta(hours=12),
                "note": "And so on.",
            },
            "It has been silent since 23 August 2026. And so on.",
        ),
        (
            {"news_at": NOW - timedelta(days=400)},
            "Its newest article is of 18 October 2025: it may have been given up.",
        ),
    ],
)
def test_a_feed_that_fell_silent_says_since_when(
    feeds: FeedStore, fields: dict[str, Any], remark: str
) -> None:
    visited(feeds, "ok", **fields)

    [ok] = [one for one in listed(feeds) if one["url"].endswith("/ok")]

    assert (ok["state"], ok["remark"]) == ("ok", remark)


def test_where_no_host_is_found_the_gatherer_is_what_to_look_at(feeds: FeedStore) -> None:
    failed = {"error": NOT_FOUND, "failures": 1, "failing_since": NOW}
    hint = "None of these hosts was found: is the gatherer online?"

    for name in ("failing", "older", "gone", "moved", "late", "empty"):
        visited(feeds, name, **failed)
    assert hint not in courant("feeds", "status").stderr
    visited(feeds, "ok", **failed)
    assert hint in courant("feeds", "status").stderr


def listed(store: FeedStore) -> list[dict[str, Any]]:
    del store
    found: list[dict[str, Any]] = json.loads(courant("feeds", "status", "--json").stdout)
    return found


def test_status_of_a_newsletter_that_is_not_there(feeds: FeedStore) -> None:
    del feeds
    result = courant("feeds", "status", "evening")

    assert result.exit_code == 4
    assert "no newsletter 'evening'" in result.stderr
