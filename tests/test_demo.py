"""`courant demo`, whole: what it writes, that nobody gets an article twice, how it refuses."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from courant.newsletter import Newsletter
from desk import newsletter_file
from desk.cli import app
from desk.demo import paper
from desk.demo.days import day_start
from desk.demo.readers import readers
from desk.demo.run import Plan, opened
from desk.mailbox.mails import SentMail
from desk.mailbox.server import Mailbox
from desk.stack import Stack
from desk.stack.template import ROOT

AT = "2026-11-22T05:45"
NOW = datetime(2026, 11, 22, 5, 45, tzinfo=UTC)
# What a template, or a pressing, would leave behind.
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{%|\bc[0-9a-f]{32}c\b")


@dataclass(frozen=True)
class Ran:
    out: Path
    report: dict[str, Any]
    editions: list[dict[str, Any]]
    exit_code: int
    said: str

    def mails(self, day: str = "") -> list[Path]:
        return sorted((self.out / "mail" / day).glob("*.eml"))


def demo(*arguments: str, out: Path) -> Ran:
    result = CliRunner().invoke(app, ["demo", "--no-serve", "--out", str(out), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return Ran(
        out,
        json.loads((out / "report.json").read_text()),
        json.loads((out / "edition.json").read_text()),
        result.exit_code,
        result.stdout,
    )


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["demo", "--no-serve", *arguments])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    out = tmp_path_factory.mktemp("demo") / "out"
    return demo("--at", AT, "--repeat", "3", out=out)


def parsed(path: Path) -> EmailMessage:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def stories(message: EmailMessage) -> list[str]:
    text = message.get_body(("plain",))
    assert text is not None
    return re.findall(
        r"^\s+(https://demo\.courant\.example/articles/\S+)", text.get_content(), re.MULTILINE
    )


def test_every_mail_parses_to_text_and_html(three_days: Ran) -> None:
    for path in three_days.mails("1"):
        message = parsed(path)
        text, html = message.get_body(("plain",)), message.get_body(("html",))

        assert text is not None
        assert not message.defects
        assert stories(message)
        assert PLACEHOLDER.search(text.get_content()) is None
        assert (html is None) == path.with_suffix(".txt").exists()
        if html is not None:
            assert 'style="' in html.get_content()
            assert PLACEHOLDER.search(html.get_content()) is None
            assert len(html.get_content().encode()) <= 102_400
            assert "../../images/" in path.with_suffix(".html").read_text()


def test_every_mail_has_its_headers_as_raw_bytes(three_days: Ran) -> None:
    for path in three_days.mails("2"):
        head, _, _ = path.read_bytes().partition(b"\r\n\r\n")

        for name in (b"From", b"To", b"Subject", b"Reply-To", b"List-Id", b"Date"):
            assert re.search(rb"^" + name + rb": .+\r$", head, re.MULTILINE), name
        assert re.search(rb"^List-Unsubscribe: <https://\S+>\r$", head, re.MULTILINE)
        assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head
        assert max(map(len, path.read_bytes().split(b"\r\n"))) <= 998


def test_three_days_send_each_article_once_to_each_reader(three_days: Ran) -> None:
    got: dict[str, Counter[str]] = defaultdict(Counter)

    for day in "123":
        for path in three_days.mails(day):
            message = parsed(path)
            got[str(message["To"])].update(stories(message))

    assert len(got) == 9
    assert {times for counter in got.values() for times in counter.values()} == {1}


def test_what_two_feeds_tell_is_one_story_with_both(three_days: Ran) -> None:
    also = [
        path
        for path in three_days.mails("1")
        if (text := parsed(path).get_body(("plain",))) and "Also in:" in text.get_content()
    ]

    assert len(also) >= 3
    for path in also:
        assert f"{paper.SITE}/articles/ferry-berth-lease" in str(parsed(path).get_body(("plain",)))


def test_the_report_adds_up_over_the_days(three_days: Ran) -> None:
    report = three_days.report

    assert three_days.exit_code == 0
    assert report["mails"] == sum(len(three_days.mails(day)) for day in "123") == 27
    assert [edition["state"] for edition in report["editions"]] == ["sent"] * 3
    for edition in report["editions"]:
        assert edition["members"] == sum(
            edition[name] for name in ("sent", "skipped", "failed", "unresolved")
        )
    assert sum(edition["sent"] for edition in report["editions"]) == 27
    feeds = report["feeds"]
    assert feeds["failed"] == []
    assert feeds["fetched"] + feeds["not_modified"] == feeds["visits"] == 3 * feeds["total"]
    assert report["problems"] == []


def test_the_summary_says_who_got_no_mail_and_what_to_open(three_days: Ran) -> None:
    assert [edition["not_sent"] for edition in three_days.report["editions"]] == [{"paused": 1}] * 3
    assert "12 sample readers, of whom" in three_days.said
    assert "1 had unsubscribed before" in three_days.said
    assert "1 chose “weekly”, not due yet" in three_days.said
    assert "demo/daily/2026-11-22: no mail to 1 paused" in three_days.said
    assert f"{three_days.out}/mail/1/*.html, such as {three_days.out}/mail/1/001-" in (
        three_days.said
    )
    assert "links work only in the mailbox" in three_days.said


def test_the_editions_name_their_stories_and_repeat_none(three_days: Ran) -> None:
    held = [
        {
            story["url"]
            for pressing in edition["pressings"]
            for section in pressing["sections"]
            for story in section["stories"]
        }
        for edition in three_days.editions
    ]

    assert all(held)
    assert sum(map(len, held)) == len(set().union(*held))


def test_every_reader_is_written_to_in_their_language_and_form(three_days: Ran) -> None:
    for edition in three_days.editions:
        for pressing in edition["pressings"]:
            assert pressing["locales"][0] == "en-GB"
            assert set(pressing["locales"]) == {"en-GB", "nl", "fr", "de", "ar"}
    led = {
        story["url"]
        for edition in three_days.editions
        for pressing in edition["pressings"]
        for section in pressing["sections"]
        for story in section["stories"]
    }
    newsletter = demo_newsletter()
    chosen = {one.signup.email: one.signup for one in readers(newsletter, 12, NOW)}
    for path in three_days.mails("1"):
        message = parsed(path)
        reader, html = chosen[str(message["To"])], message.get_body(("html",))
        assert (html is None) == (reader.format == "text")
        text = message.get_body(("plain",))
        assert text is not None
        # Who gave a name is greeted by it.
        assert reader.name is None or reader.name in text.get_content()
        if reader.limit is not None and reader.limit < 3:
            wanted = len(reader.sections or newsletter.sections)
            assert 0 < len(led & set(stories(message))) <= reader.limit * wanted
        if html is not None:
            language = reader.locale or "en-GB"
            direction = "rtl" if language == "ar" else "ltr"
            assert f'<html lang="{language}" dir="{direction}"' in html.get_content()


def test_a_folders_broken_feed_is_named_and_the_others_are_sent(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    item = "<item><title>{0} &amp; more</title><link>https://x.example/{0}</link></item>"
    for name, body in {
        "town/good.xml": "<rss version='2.0'><channel><title>Good</title>"
        + "".join(item.format(n) for n in range(9))
        + "</channel></rss>",
        "town/broken.xml": "<html><p>Not found",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(body)

    ran = demo("--feeds", str(folder), "--subscribers", "2", "--at", AT, out=tmp_path / "out")

    assert ran.exit_code == 0
    assert [failed["feed"] for failed in ran.report["feeds"]["failed"]] == ["town/broken.xml"]
    assert ran.report["feeds"]["failed"][0]["error"]
    assert ran.report["feeds"]["fetched"] == 1
    assert ran.report["feeds"]["visits"] == 2
    assert "2 feeds, 2 visits: 1 fetched, 0 not modified, 1 failed; 9 articles" in ran.said
    # The town's paper has no part in it.
    for path in ran.mails():
        assert str(parsed(path)["From"]) == "Feeds <morning@courant.example>"
        assert b"Havenmere" not in path.read_bytes()
    assert ran.report["articles"] == 9
    [section] = ran.editions[0]["pressings"][0]["sections"]
    assert (section["title"], len(section["stories"])) == ("town", 6)
    assert len(ran.mails()) == 2


def test_feeds_that_all_fail_send_no_mail_and_say_so(tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "broken.xml").write_text("<html>")

    ran = demo("--feeds", str(tmp_path / "feeds"), "--at", AT, out=tmp_path / "out")

    assert ran.exit_code == 1
    assert ran.report["mails"] == 0
    assert [edition["state"] for edition in ran.report["editions"]] == ["skipped"]


def test_a_strangers_folder_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    said = refused("--out", str(tmp_path))

    assert "not a demo's" in said
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "yesterday"], "is no time"),
        (["--feeds", "no/such/folder"], "no such folder"),
        (["--newsletter", "no/such/file.yaml"], "no/such/file.yaml"),
        (["--subscribers", "0"], "--subscribers"),
    ],
)
def test_a_wrong_argument_is_one_sentence(
    tmp_path: Path, arguments: Sequence[str], said: str
) -> None:
    assert said in refused("--out", str(tmp_path / "out"), *arguments)


def test_readers_are_the_same_each_time_and_no_two_share_an_address() -> None:
    newsletter = demo_newsletter()

    twice = [list(readers(newsletter, 200, NOW)) for _ in range(2)]

    assert twice[0] == twice[1]
    assert len({reader.signup.email for reader in twice[0]}) == 200
    assert all(re.search(r"@example\.(com|org|net)$", r.signup.email) for r in twice[0])


def test_sample_readers_choose_for_themselves() -> None:
    chosen = [reader.signup for reader in readers(demo_newsletter(), 12, NOW)]

    assert {one.locale for one in chosen} == {None, "nl", "fr", "de", "ar"}
    assert {one.format for one in chosen} == {"html", "text"}
    assert {one.limit for one in chosen} == {None, 1, 2, 50}
    assert {one.name for one in chosen} > {None, "فاطمة الزهراء"}


def test_a_day_begins_when_something_will_be_due() -> None:
    newsletter = demo_newsletter()
    slots = {reader.signup.slot for reader in readers(newsletter, 12, NOW)}
    weekly = {slot for slot in slots if slot.cadence == "weekly"}

    assert day_start(newsletter, slots, NOW) == NOW
    assert day_start(newsletter, weekly, NOW).isoformat() == "2026-11-28T00:00:00+01:00"


def test_what_is_due_as_the_day_begins_has_its_news() -> None:
    at_seven = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)

    with opened(Plan(newsletter=demo_newsletter(), subscribers=1, at=at_seven), NOW) as running:
        running.sign_up()
        mails = running.pass_day(1)

    assert len(mails) == 1


def test_a_link_in_a_mail_unsubscribes_through_the_mailbox() -> None:
    with opened(Plan(newsletter=demo_newsletter(), subscribers=1, at=NOW), NOW) as running:
        running.sign_up()
        mails = running.pass_day(1)
        mailbox = mailbox_of(running.stack, mails)
        [token] = re.findall(rb"http://here(/u/\S+)", ask(mailbox, "/mail/1-001.txt"))
        ask(mailbox, token.decode())
        still = running.stack.table("subscribers").scan()["Items"]
        ask(mailbox, token.decode(), "POST")
        gone = running.stack.table("subscribers").scan()["Items"]

    assert [item["status"] for item in still if "status" in item] == ["active"]
    assert [item["status"] for item in gone if "status" in item] == ["unsubscribed"]


def test_a_link_in_a_mail_opens_the_web_edition_in_the_mailbox() -> None:
    with opened(Plan(newsletter=demo_newsletter(), subscribers=1, at=NOW), NOW) as running:
        running.sign_up()
        mailbox = mailbox_of(running.stack, running.pass_day(1))

        (path,) = set(
            re.findall(rb'"http://here(/e/[^"]+/\d{4})"', ask(mailbox, "/mail/1-001.html"))
        )
        browser = {"Accept-Encoding": "gzip"}
        page = mailbox.answer("GET", path.decode(), browser, b"", "http://here")

        assert page.status == 200
        assert "content-encoding" not in page.headers
        assert b"<h1>" in page.body
        assert b'src="http://here/images/' in page.body
        assert paper.SITE.encode() not in page.body


def test_the_mailbox_shows_mails_but_runs_nothing_of_theirs() -> None:
    mail = SentMail(
        name="001-x-a@example.org",
        day=1,
        raw=b"Subject: <b>\r\n\r\n",
        subject="<script>",
        sender="S <s@example.org>",
        recipient="a@example.org",
        date=NOW,
        edition="x",
        text="<b>text",
        html=None,
    )
    mailbox = mailbox_of(None, [mail])

    page = mailbox.answer("GET", "/mail/1-001.html", {}, b"", "http://here")

    assert b"&lt;b&gt;text" in page.body
    assert "sandbox" in page.headers["content-security-policy"]
    assert b"<script>\n" not in ask(mailbox, "/").split(b"<nav")[1].split(b"</nav>")[0]
    assert ask(mailbox, "/mail/1-001.eml") == mail.raw
    assert mailbox.answer("GET", "/mail/9-999.html", {}, b"", "").status == 404
    assert mailbox.answer("POST", "/", {}, b"", "").status == 405


@pytest.mark.slow
def test_real_feeds_are_gathered_composed_and_sent(shared: Path, tmp_path: Path) -> None:
    folder = shared / "corpora" / "feeds" / "feedjira"
    if not folder.is_dir():
        pytest.skip("needs ../shared/corpora/feeds")

    ran = demo("--feeds", str(folder), "--subscribers", "3", "--at", AT, out=tmp_path / "out")

    feeds = ran.report["feeds"]
    assert ran.exit_code == 0
    assert feeds["fetched"] + len(feeds["failed"]) == feeds["total"]
    assert all(
        (folder / failed["feed"]).is_file() and failed["error"] for failed in feeds["failed"]
    )
    assert len(ran.mails()) == 3
    for path in ran.mails():
        assert PLACEHOLDER.search(str(parsed(path).get_body(("plain",)))) is None


def demo_newsletter() -> Newsletter:
    return newsletter_file.load(ROOT / "newsletters" / "demo.yaml")


def mailbox_of(stack: Stack | None, mails: Sequence[SentMail]) -> Mailbox:
    def request(method: str, path: str, headers: Any, body: bytes) -> Any:
        assert stack is not None
        return stack.request(method, path, headers=headers, body=body)

    return Mailbox(
        mails=mails,
        summary={"newsletter": "Demo"},
        editions={},
        site_url="https://demo.courant.example",
        zone=UTC,
        ask=request,
    )


def ask(mailbox: Mailbox, path: str, method: str = "GET") -> bytes:
    return mailbox.answer(method, path, {}, b"", "http://here").body
