"""apply, subscribers, send and editions, against the local stack behind a loopback endpoint."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from courant.clock import Clock
from courant.feeds.store import FeedStore
from courant.newsletters import NewsletterStore
from courant.subscribers.store import SubscriberStore
from desk import deployment
from desk.cli import app
from desk.demo.paper import SITE, Paper
from desk.endpoint import Endpoint
from desk.feed_server import feed_server

pytestmark = pytest.mark.slow

NEWSLETTERS = Path(__file__).resolve().parents[1] / "newsletters"
# An hour before the demo's edition of the day.
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
TODAY = "demo/daily/2026-11-22"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """One stack for the module; the demo's newsletter is applied and its feeds are gathered."""
    at: Clock = lambda: NOW  # noqa: E731 - a clock that stands still
    with (
        pytest.MonkeyPatch.context() as patch,
        feed_server(Paper((NOW - timedelta(days=2)).date(), at)) as feeds,
        Endpoint(at, open_ports=[feeds.port]) as endpoint,
    ):
        for name, value in endpoint.environment.items():
            patch.setenv(name, value)
        endpoint.feeds_url = feeds.url  # type: ignore[attr-defined]  # for `demo_file` alone
        yield endpoint


@pytest.fixture
def demo_file(endpoint: Endpoint, tmp_path: Path) -> Path:
    """The demo's newsletter with its feeds on loopback, alone in a folder."""
    url: str = endpoint.feeds_url  # type: ignore[attr-defined]  # set above
    text = (NEWSLETTERS / "demo.yaml").read_text("utf-8").replace(SITE, url)
    file = tmp_path / "newsletters" / "demo.yaml"
    file.parent.mkdir()
    file.write_text(text, "utf-8")
    return file


@pytest.fixture(autouse=True)
def applied(endpoint: Endpoint, demo_file: Path) -> Endpoint:
    """The demo's newsletter is in the table as it is in its file, and nothing else is."""
    assert courant("apply", demo_file.parent, "--yes", "--prune").exit_code == 0
    endpoint.beat()
    return endpoint


@pytest.fixture
def subscribe(tmp_path: Path) -> Callable[..., Result]:
    """``subscribe("a@example.org", …)`` imports those addresses."""

    def import_(*addresses: str) -> Result:
        file = tmp_path / "more.csv"
        file.write_text("\n".join(["email", *addresses]), "utf-8")
        return courant("subscribers", "import", file, "-n", "demo")

    return import_


def courant(*words: object, answer: str = "") -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=answer)


def as_json(*words: object) -> Any:
    result = courant(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def mailed(endpoint: Endpoint) -> list[str]:
    """Everybody who got a mail so far, once for each mail."""
    return sorted(mail.to[0] for mail in endpoint.stack.mails())


# ── apply ────────────────────────────────────────────────────────────────────────────────────────


def test_apply_shows_a_diff_and_does_nothing_after_a_no(applied: Endpoint, demo_file: Path) -> None:
    demo_file.write_text(demo_file.read_text("utf-8").replace("limit: 6", "limit: 7"), "utf-8")

    result = courant("apply", demo_file.parent, answer="n\n")

    assert result.exit_code == 1
    assert "-  limit: 6" in result.stdout
    assert "+  limit: 7" in result.stdout
    [kept] = NewsletterStore(applied.stack.table("content")).all()
    assert kept.sections[0].limit == 6


def test_apply_twice_changes_nothing(demo_file: Path) -> None:
    result = courant("apply", demo_file.parent)

    assert result.exit_code == 0
    assert "Nothing to do" in result.stdout


def test_apply_without_anybody_to_answer_does_nothing(demo_file: Path) -> None:
    demo_file.write_text(demo_file.read_text("utf-8").replace("limit: 6", "limit: 8"), "utf-8")

    result = courant("apply", demo_file.parent)

    assert result.exit_code == 1
    assert "--yes" in result.stderr


def test_apply_names_file_sender_and_domain_of_foreign_senders(demo_file: Path) -> None:
    text = demo_file.read_text("utf-8")
    # deliver's role may send from the stack's own domain only, so a subdomain is foreign too.
    for domain in ("elsewhere.example", "news.courant.example"):
        demo_file.write_text(text.replace("@courant.example", f"@{domain}"), "utf-8")

        result = courant("apply", demo_file.parent, "--yes")

        assert result.exit_code == 2
        assert f"{demo_file}: sender.address: morning@{domain}" in result.stderr
        assert "not at courant.example" in result.stderr


def test_apply_tells_all_mistakes_and_applies_nothing(applied: Endpoint, demo_file: Path) -> None:
    text = demo_file.read_text("utf-8")
    (demo_file.parent / "other.yaml").write_text(text.replace("id: demo", "id: other"), "utf-8")
    demo_file.write_text(text.replace("language: en", "language: English"), "utf-8")
    (demo_file.parent / "third.yaml").write_text("id: third\n", "utf-8")

    result = courant("apply", demo_file.parent, "--yes")

    assert result.exit_code == 2
    assert re.search(r"demo\.yaml:\d+: language", result.stderr)
    assert "third.yaml:" in result.stderr
    assert "Traceback" not in result.output
    assert len(NewsletterStore(applied.stack.table("content")).all()) == 1


def test_apply_registers_new_feeds_and_drops_unused_ones(
    applied: Endpoint, demo_file: Path
) -> None:
    text = demo_file.read_text("utf-8")
    demo_file.write_text(text.replace("/feeds/sea.xml", "/feeds/ocean.xml"), "utf-8")

    answer = as_json("apply", demo_file.parent, "--yes")

    assert answer["changed"] == ["demo"]
    [new], [dropped] = answer["feeds"]["added"], answer["feeds"]["dropped"]
    assert new.endswith("/feeds/ocean.xml")
    assert dropped.endswith("/feeds/sea.xml")
    store = FeedStore(applied.stack.table("content"))
    later = NOW + timedelta(days=9)
    due = store.due(later, 100)
    assert store.register(new, NOW) in due
    assert len(due) == 8


def test_a_newsletter_without_a_file_is_kept_until_pruned(
    applied: Endpoint, demo_file: Path
) -> None:
    demo_file.write_text(demo_file.read_text("utf-8").replace("id: demo", "id: two"), "utf-8")

    first = as_json("apply", demo_file.parent, "--yes")
    second = as_json("apply", demo_file.parent, "--yes", "--prune")

    assert (first["added"], first["kept"]) == (["two"], ["demo"])
    assert (second["removed"], second["unchanged"]) == (["demo"], ["two"])
    store = NewsletterStore(applied.stack.table("content"))
    assert [newsletter.id for newsletter in store.all()] == ["two"]


def test_a_stack_that_is_not_there_is_named(demo_file: Path) -> None:
    result = courant("apply", demo_file.parent, "--stack", "other")

    assert result.exit_code == 2
    assert "no stack called 'other'" in result.stderr


# ── subscribers ──────────────────────────────────────────────────────────────────────────────────


def test_a_long_file_is_rehearsed_as_it_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    rows = "".join(f"many{number}@good.example\n" for number in range(120))
    file.write_text(f"email\n{rows}", "utf-8")

    rehearsed = courant("subscribers", "import", file, "-n", "demo", "--dry-run", "--json")
    result = courant("subscribers", "import", file, "-n", "demo", "--json")

    assert json.loads(rehearsed.stdout)["added"] == json.loads(result.stdout)["added"] == 120


def test_import_keeps_the_good_rows_and_names_the_bad_ones(tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text(
        "email,name,cadence\nann@good.example,Ann,\nnobody,,\nbob@good.example,Bob,hourly\n"
        "carl@good.example,Carl,weekly\nANN@good.example,Ann,\n",
        "utf-8",
    )

    rehearsed = courant("subscribers", "import", file, "-n", "demo", "--dry-run", "--json")
    result = courant("subscribers", "import", file, "-n", "demo", "--json")
    again = courant("subscribers", "import", file, "-n", "demo", "--json")

    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert (told["added"], told["already"]) == (2, 0)
    assert [bad["line"] for bad in told["refused"]] == [3, 4, 6]
    assert f"{file}:3: bad address" in result.stderr
    assert json.loads(rehearsed.stdout) == {**told, "dry_run": True}
    assert json.loads(again.stdout)["already"] == 2


def test_import_gives_rows_without_a_cadence_the_one_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text("email,cadence\nwim@cadence.example,\ndea@cadence.example,daily\n", "utf-8")

    assert (
        courant("subscribers", "import", file, "-n", "demo", "--cadence", "weekly").exit_code == 0
    )

    assert slot_of("wim@cadence.example") == "weekly"
    assert slot_of("dea@cadence.example") == "daily"


def slot_of(address: str) -> str:
    person = as_json("subscribers", "show", address)
    return str(person["subscriptions"]["demo"]["slot"])


def test_import_never_brings_back_who_left(subscribe: Callable[..., Result]) -> None:
    subscribe("gone@left.example")
    deployed = deployment.find("courant")
    store = SubscriberStore(deployed.subscribers)
    sid = store.find("gone@left.example", deployed.address_key())
    assert sid is not None
    store.unsubscribe(sid, "demo", "page", NOW)

    result = subscribe("gone@left.example")

    assert result.exit_code == 3
    assert "more.csv:2: unsubscribed before" in result.stderr


def test_import_refuses_a_file_without_addresses(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("who,where\nann,here\n", "utf-8")

    for file in (tmp_path / "x.csv", tmp_path / "none.csv"):
        result = courant("subscribers", "import", file, "-n", "demo")

        assert result.exit_code == 2
        assert str(file) in result.stderr
        assert "Traceback" not in result.output


def test_the_only_newsletter_need_not_be_named(tmp_path: Path) -> None:
    (tmp_path / "readers.csv").write_text("email\nonly@one.example\n", "utf-8")

    told = as_json("subscribers", "import", tmp_path / "readers.csv")

    assert (told["added"], told["newsletter"]) == (1, "demo")


def test_of_two_newsletters_one_must_be_named(applied: Endpoint) -> None:
    store = NewsletterStore(applied.stack.table("content"))
    demo = store.get("demo")
    assert demo is not None
    store.put(demo.model_copy(update={"id": "evening"}), NOW)

    result = courant("subscribers", "export")

    assert result.exit_code == 2
    assert "there are demo, evening" in result.stderr


def test_an_unknown_newsletter_is_not_found() -> None:
    result = courant("subscribers", "export", "-n", "evening")

    assert result.exit_code == 4
    assert "there are: demo" in result.stderr


def test_what_is_exported_can_be_imported(subscribe: Callable[..., Result], tmp_path: Path) -> None:
    subscribe("out@export.example", "in@export.example")

    to_file = courant("subscribers", "export", "-n", "demo", "--out", tmp_path / "out.csv")
    to_stdout = courant("subscribers", "export", "-n", "demo")

    with (tmp_path / "out.csv").open(newline="") as written:
        rows = list(csv.DictReader(written))
    assert to_file.exit_code == 0
    assert {"out@export.example", "in@export.example"} <= {row["email"] for row in rows}
    assert list(csv.DictReader(io.StringIO(to_stdout.stdout))) == rows
    again = as_json("subscribers", "import", tmp_path / "out.csv", "-n", "demo")
    assert (again["added"], again["already"]) == (0, len(rows))


def test_who_nobody_knows_is_not_found() -> None:
    assert courant("subscribers", "show", "nobody@nowhere.example").exit_code == 4
    assert courant("subscribers", "show", "nobody").exit_code == 2


# ── send and editions ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sent(applied: Endpoint, subscribe: Callable[..., Result]) -> Endpoint:
    """Today's daily edition was sent by hand."""
    subscribe("first@sent.example", "second@sent.example")
    assert courant("send", "demo", "--cadence", "daily", "--yes", "--no-wait").exit_code == 0
    applied.stack.pump()
    applied.beat()
    return applied


def test_a_send_asks_with_the_number_of_readers(
    applied: Endpoint, subscribe: Callable[..., Result]
) -> None:
    subscribe("asked@send.example")
    before = mailed(applied)

    # Another test may have sent today's own.
    result = courant("send", "demo", "--cadence", "daily", "--extra", "asked", answer="n\n")

    assert result.exit_code == 1
    assert re.search(r"2026-11-22, to [1-9]\d* readers? now\?", result.stderr)
    applied.stack.pump()
    assert mailed(applied) == before


def test_which_cadence_is_sent_is_never_guessed() -> None:
    result = courant("send", "demo", "--yes")

    assert result.exit_code == 2
    assert "--cadence (daily, weekly)" in result.stderr


def test_sending_twice_with_one_request_id_mails_nobody_twice(
    applied: Endpoint, tmp_path: Path
) -> None:
    (tmp_path / "w.csv").write_text("email\nwinnie@weekly.example\nwalt@weekly.example\n", "utf-8")
    as_json("subscribers", "import", tmp_path / "w.csv", "-n", "demo", "--cadence", "weekly")
    words = ("send", "demo", "--cadence", "weekly", "--yes", "--no-wait", "--request-id", "once")

    first = as_json(*words)
    applied.stack.pump(duplicate=True)
    second = as_json(*words)
    applied.stack.pump()

    assert (first["status"], second["status"]) == ("started", "already")
    assert first["request_id"] == second["request_id"] == "once"
    assert [to for to in mailed(applied) if to.endswith("@weekly.example")] == [
        "walt@weekly.example",
        "winnie@weekly.example",
    ]


def test_the_days_edition_is_sent_once_whatever_the_request(sent: Endpoint) -> None:
    before = mailed(sent)

    answer = as_json("send", "demo", "--cadence", "daily", "--yes", "--no-wait")
    sent.stack.pump()

    assert answer["status"] == "already"
    assert "once" not in answer["request_id"]
    assert mailed(sent) == before
    mails = [mail for mail in sent.stack.mails() if mail.to == ("first@sent.example",)]
    assert [mail.tags.get("ed") for mail in mails].count(TODAY.replace("/", "_")) == 1


def test_a_test_goes_to_its_addresses_alone(sent: Endpoint) -> None:
    before = mailed(sent)

    result = courant("send", "demo", "--test", "me@test.example", "--test", "you@test.example")
    sent.stack.pump()

    assert result.exit_code == 0
    assert "request id: demo-daily-" in result.stderr
    new = sorted(mailed(sent))
    assert [to for to in new if to.endswith("@test.example")] == [
        "me@test.example",
        "you@test.example",
    ]
    assert len(new) == len(before) + 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--test", "nobody"), "--test: bad address (nobody)"),
        (("--cadence", "hourly"), "--cadence: demo has daily, weekly"),
        (("--test", "a@b.example", "--extra", "x"), "--extra"),
        (("--cadence", "daily", "--extra", "Budget Day", "--yes"), "--extra: 'Budget Day'"),
        (("--cadence", "daily", "--request-id", "a b", "--yes"), "--request-id: 'a b'"),
    ],
)
def test_wrong_options_of_send_are_told_in_their_own_words(
    words: tuple[str, ...], says: str
) -> None:
    result = courant("send", "demo", *words)

    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("sent")
def test_a_request_id_used_for_something_else_is_refused() -> None:
    as_json("send", "demo", "--test", "a@ids.example", "--request-id", "mine")

    result = courant("send", "demo", "--test", "b@ids.example", "--request-id", "mine", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["status"] == "refused"
    assert "was used for something else" in result.stderr


def test_a_publish_function_that_breaks_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no queue")

    monkeypatch.setattr("courant.publish.Publisher.publish", broken)

    result = courant("send", "demo", "--cadence", "daily", "--yes")

    assert result.exit_code == 1
    assert "RuntimeError: no queue" in result.stderr
    assert "--request-id" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("sent")
def test_editions_are_listed_with_their_numbers() -> None:
    listed = as_json("editions", "list", "demo")
    shown = courant("editions", "list")

    [edition] = [one for one in listed if one["id"] == TODAY]
    assert edition["state"] == "sent"
    assert edition["by_hand"] is True
    assert edition["members"] == edition["sent"] > 0
    assert TODAY in shown.stdout


def test_an_edition_adds_up_and_says_why_some_got_nothing(
    sent: Endpoint, subscribe: Callable[..., Result]
) -> None:
    subscribe("barred@why.example")
    deployed = deployment.find("courant")
    store = SubscriberStore(deployed.subscribers)
    key = deployed.address_key()
    sid = store.find("barred@why.example", key)
    assert sid is not None
    as_json("send", "demo", "--cadence", "daily", "--extra", "why", "--yes", "--no-wait")
    sent.stack.pump(only=["compose"])
    # After the cut: counted, but not to be mailed any more.
    store.suppress(sid, "complaint", NOW + timedelta(seconds=1), key)
    sent.stack.pump()

    edition = as_json("editions", "show", f"{TODAY}+why")
    person = as_json("subscribers", "show", "barred@why.example")

    parts = ("sent", "skipped", "failed", "unresolved", "had", "cancelled", "waiting")
    assert edition["members"] == sum(edition[part] for part in parts)
    assert edition["skipped"] == 1
    assert [(one["state"], one["digests"]) for one in edition["exceptions"]] == [("skipped", 1)]
    assert edition["pressings"][0]["slots"] == ["daily"]
    assert person["suppressed"] is True
    [mine] = [one for one in person["deliveries"] if one["edition"] == f"{TODAY}+why"]
    assert mine["state"] == "skipped"
    shown = courant("editions", "show", f"{TODAY}+why")
    assert "= members counted at the cut" in shown.stdout
    assert "Not sent, and why" in shown.stdout


@pytest.mark.usefixtures("sent")
def test_what_recent_editions_did_for_a_person_is_shown() -> None:
    result = courant("subscribers", "show", "first@sent.example")

    assert result.exit_code == 0
    assert re.search(rf"^{TODAY} +sent", result.stdout, re.MULTILINE)


def test_an_edition_nobody_knows_is_not_found() -> None:
    unknown = courant("editions", "show", "demo/daily/2020-01-01")
    nonsense = courant("editions", "show", "demo")

    assert unknown.exit_code == 4
    assert nonsense.exit_code == 2
    assert courant("editions", "list", "evening").exit_code == 4


def test_the_readers_site_answers_at_the_same_address(sent: Endpoint) -> None:
    from urllib.request import urlopen

    [link, *_] = [
        re.search(rb"^List-Unsubscribe: <([^>]+)>", mail.raw, re.MULTILINE)
        for mail in sent.stack.mails()
        if mail.to == ("first@sent.example",)
    ]
    assert link is not None
    url = link[1].decode()

    with urlopen(url) as answer:  # noqa: S310 - our own loopback address
        page = answer.read().decode()

    assert url.startswith(f"{sent.url}/u/")
    assert "The Havenmere Courant" in page
