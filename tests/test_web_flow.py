"""From compose to the browser: the web edition on the template's own resources."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from datetime import UTC, date, datetime
from xml.etree import ElementTree

import boto3
import feedparser
import pytest

from courant.editions.archive import Archive
from courant.feeds.document import read_document
from courant.schedule import EditionId, Slot
from desk.stack import Call, Response, Stack
from tests.conftest import HandClock
from tests.newsroom import SPORT, Newsroom, html_of, text_of

SITE = "https://news.example.org"
PAGE = "/e/morning/daily/2026-11-22/0600"
TODAY = EditionId("morning", "daily", date(2026, 11, 22))
ATOM = "{http://www.w3.org/2005/Atom}"
NOWHERE = (
    "/e/",
    "/e/evening",
    "/e/evening/feed.xml",
    "/e/morning/feed.json",
    "/e/morning/daily",
    "/e/morning/daily/2026-11-21",
    "/e/morning/daily/2026-13-40",
    "/e/morning/weekly/2026-11-22",
    "/e/morning/daily/2026-11-22/0601",
    "/e/morning/daily/2026-11-22/0600/more",
    "/e/morning/../morning",
    "/e/morning/daily/2026-11-22/..%2F0600",
    "/e/%00",
    "/e/morning%23W",
)


@pytest.fixture
def newsroom(stack: Stack, clock: HandClock) -> Newsroom:
    """The newsletter ``morning`` with two readers and news, at its hour."""
    newsroom = Newsroom(stack, clock)
    newsroom.to(5, 40)
    newsroom.found()
    newsroom.stack.tick()
    newsroom.subscribe(2)
    newsroom.bring(4)
    newsroom.bring(2, SPORT)
    newsroom.to(6)
    return newsroom


def get(newsroom: Newsroom, path: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return newsroom.stack.request("GET", path, headers=named)


def archive(newsroom: Newsroom) -> Archive:
    bucket = newsroom.stack.outputs()["Bucket"]
    return Archive(newsroom.stack.table("content"), lambda: boto3.client("s3"), bucket)


def rows(newsroom: Newsroom) -> list[tuple[str, str]]:
    """The keys of every row of the web edition."""
    items = newsroom.stack.table("content").scan()["Items"]
    return sorted(
        (str(item["PK"]), str(item["SK"])) for item in items if str(item["SK"]).startswith("W#")
    )


def objects(newsroom: Newsroom) -> list[str]:
    bucket = newsroom.stack.outputs()["Bucket"]
    found = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="web/")
    return [item["Key"] for item in found.get("Contents", [])]


def test_the_link_in_the_mail_opens_the_page_of_that_edition(newsroom: Newsroom) -> None:
    newsroom.run()
    (mail, _) = newsroom.mails()

    answer = newsroom.stack.request("GET", SITE + PAGE)

    assert f'href="{SITE}{PAGE}"' in html_of(mail)
    assert SITE + PAGE in text_of(mail)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for headline in re.findall(r"Headline \d", text_of(mail)):
        assert headline in answer.text
    assert f'<link rel="canonical" href="{SITE}{PAGE}">' in answer.text


def test_the_page_is_locked_down_and_may_be_kept(newsroom: Newsroom) -> None:
    newsroom.run()

    answer = get(newsroom, PAGE)

    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert answer.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "img-src https: http: data:",
        "form-action 'none'",
    ]
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["x-robots-tag"] == "noindex"


def test_nobodys_link_and_no_placeholder_stands_in_the_page(newsroom: Newsroom) -> None:
    newsroom.run()

    page = get(newsroom, PAGE).text

    assert "/u/" not in page
    assert not re.search(r"c[0-9a-f]{32}c|\{\{|<!--", page)


def test_a_browser_that_has_the_page_reads_no_bucket(newsroom: Newsroom) -> None:
    newsroom.run()
    etag = get(newsroom, PAGE).headers["etag"]
    seen: list[Call] = []
    newsroom.stack.calls.before = seen.append

    answer = get(newsroom, PAGE, if_none_match=etag)

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "GetObject" not in [call.operation for call in seen]


def test_head_is_get_without_its_body_and_all_else_is_refused(newsroom: Newsroom) -> None:
    newsroom.run()

    for path in (PAGE, "/e/morning", "/e/morning/feed.xml"):
        head, answer = newsroom.stack.request("HEAD", path), get(newsroom, path)
        assert (head.status, head.headers) == (200, answer.headers)
        assert answer.status == 200
        assert not head.body
        for method in ("POST", "PUT", "DELETE"):
            refused = newsroom.stack.request(method, path)
            assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


def test_a_page_travels_packed(newsroom: Newsroom) -> None:
    newsroom.run()

    answer = get(newsroom, PAGE, accept_encoding="gzip, br")

    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == get(newsroom, PAGE).body


def test_the_index_lists_editions_newest_first(newsroom: Newsroom) -> None:
    newsroom.run()
    newsroom.to(5, day=23)
    newsroom.bring(2)
    newsroom.to(6, day=23)
    newsroom.run()

    answer = get(newsroom, "/e/morning")

    assert answer.status == 200
    links = re.findall(r'<li><a href="(/e/[^"]+)"', answer.text)
    assert links == ["/e/morning/daily/2026-11-23/0600", PAGE]
    assert "Sunday" in answer.text
    assert get(newsroom, "/e/morning/").body == answer.body


def test_an_edition_without_its_time_leads_to_its_page(newsroom: Newsroom) -> None:
    newsroom.run()

    for path in ("/e/morning/daily/2026-11-22", "/e/morning/daily/2026-11-22/"):
        answer = get(newsroom, path)
        assert (answer.status, answer.headers["location"]) == (302, PAGE)


def test_the_feed_is_atom_that_others_and_we_can_read(newsroom: Newsroom) -> None:
    newsroom.found(
        title="Morning & <Evening>",
        sections=[
            {
                "id": "world",
                "title": "World",
                "feeds": ["https://feeds.example.org/world"],
                "limit": 3,
            }
        ],
    )
    newsroom.run()

    answer = get(newsroom, "/e/morning/feed.xml")

    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.body)  # noqa: S314 - what we have just written
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}id") == f"{SITE}/e/morning"
    assert root.findtext(f"{ATOM}title") == "Morning & <Evening>"
    assert root.findtext(f"{ATOM}updated") == "2026-11-22T06:00:00Z"
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    read = feedparser.parse(answer.body)
    assert not read.bozo
    assert read.version == "atom10"
    assert read.feed.links[0].href == f"{SITE}/e/morning/feed.xml"
    (entry,) = read.entries
    assert (entry.title, entry.link) == ("Headline 1", SITE + PAGE)
    assert entry.id.startswith("urn:uuid:")
    ours = read_document(
        answer.body,
        answer.headers["content-type"],
        f"{SITE}/e/morning/feed.xml",
        feed_id="f",
        now=newsroom.clock(),
    )
    assert [(item.article.title, item.article.url) for item in ours.items] == [
        ("Headline 1", SITE + PAGE)
    ]
    assert (ours.title, ours.dropped) == ("Morning & <Evening>", 0)


def test_an_entry_keeps_its_id_when_the_site_moves(newsroom: Newsroom) -> None:
    newsroom.run()

    def ids() -> list[str]:
        body = get(newsroom, "/e/morning/feed.xml").body
        return [entry.id for entry in feedparser.parse(body).entries]

    before = ids()
    newsroom.stack.site_url = "https://elsewhere.example"

    assert ids() == before


def test_compose_run_again_writes_the_same_rows(newsroom: Newsroom) -> None:
    newsroom.run(duplicate=True)

    assert rows(newsroom) == [
        ("E#morning/daily/2026-11-22", "W#0600"),
        ("N#morning", "W#2026-11-22#daily"),
    ]
    assert len(objects(newsroom)) == 1


def test_who_loses_the_freezing_publishes_the_winners_page(newsroom: Newsroom) -> None:
    """The second compose comes between the first one's page and its freezing, with more news."""
    newsroom.stack.tick()
    message = newsroom.stack.queue("editions").messages()[0]
    event = {"Records": [{"messageId": "second", "body": message}]}
    inside: list[Call] = []

    def compose_again(call: Call) -> None:
        key = str(call.params.get("Key", ""))
        if call.operation == "PutObject" and key.startswith("editions/") and not inside:
            inside.append(call)
            newsroom.bring(1)
            newsroom.clock.advance(seconds=1)
            newsroom.stack.invoke("compose", event)

    newsroom.stack.calls.before = compose_again
    newsroom.run()

    assert inside
    assert len(objects(newsroom)) == 2  # the loser's page lies there, and nothing leads to it
    page = get(newsroom, PAGE).text
    told = {
        headline
        for mail in newsroom.mails()
        for headline in re.findall(r"Headline \d+", text_of(mail))
    }
    assert set(re.findall(r"Headline \d+", page)) == told
    assert "Headline 7" in page


def test_a_second_zone_of_the_same_edition_has_its_own_page(newsroom: Newsroom) -> None:
    newsroom.found(cadences={"daily": {"cron": "0 7 * * *", "timezone": "subscriber"}})
    newsroom.subscribe(1, slot=Slot("daily", "Europe/Amsterdam", "07:00"), prefix="ams")
    newsroom.subscribe(1, slot=Slot("daily", "America/New_York", "07:00"), prefix="nyc")
    newsroom.run()
    newsroom.bring(1)
    newsroom.to(12)
    newsroom.run()

    early, late = get(newsroom, PAGE), get(newsroom, "/e/morning/daily/2026-11-22/1200")

    assert (early.status, late.status) == (200, 200)
    assert "Headline 7" in late.text
    assert "Headline 7" not in early.text
    by_reader = {mail.to[0]: html_of(mail) for mail in newsroom.mails()}
    assert f"{SITE}{PAGE}" in by_reader["ams0@example.com"]
    assert f"{SITE}/e/morning/daily/2026-11-22/1200" in by_reader["nyc0@example.com"]
    # It is one edition, so it is listed once, by its first page.
    assert re.findall(r'<li><a href="(/e/[^"]+)"', get(newsroom, "/e/morning").text) == [PAGE]


def test_slots_that_had_different_news_have_different_pages_of_one_instant(
    newsroom: Newsroom,
) -> None:
    newsroom.found(cadences={"daily": {"cron": "0 7 * * *", "timezone": "subscriber"}})
    berlin = Slot("daily", "Europe/Berlin", "07:00")
    newsroom.subscribe(1, slot=Slot("daily", "Europe/Amsterdam", "07:00"), prefix="ams")
    newsroom.run()
    newsroom.subscribe(1, slot=berlin, prefix="ber")
    newsroom.to(5, day=23)
    newsroom.bring(3)
    newsroom.to(6, day=23)
    newsroom.run()

    pages = {
        link
        for mail in newsroom.mails()
        for link in re.findall(rf'{SITE}(/e/morning/daily/2026-11-23/[^"#]+)"', html_of(mail))
    }

    assert pages == {
        "/e/morning/daily/2026-11-23/0600",
        "/e/morning/daily/2026-11-23/0600-1",
    }
    assert len({get(newsroom, path).body for path in pages}) == 2
    # One edition: it is listed once, and leads to the first.
    moved = get(newsroom, "/e/morning/daily/2026-11-23")
    assert moved.headers["location"] == "/e/morning/daily/2026-11-23/0600"


def test_an_extra_edition_has_its_own_place(newsroom: Newsroom) -> None:
    newsroom.run()
    newsroom.bring(1)
    newsroom.publish("r2", extra="budget-day")
    newsroom.run()

    answer = get(newsroom, "/e/morning/daily/2026-11-22+budget-day")

    assert answer.status == 302
    assert get(newsroom, answer.headers["location"]).status == 200
    assert get(newsroom, "/e/morning/daily/2026-11-22%2Bbudget-day").status == 302
    assert len(re.findall(r'<li><a href="/e/', get(newsroom, "/e/morning").text)) == 2


def test_without_a_web_edition_nothing_is_written_and_nothing_shown(newsroom: Newsroom) -> None:
    newsroom.found(web={"editions": False})
    newsroom.run()

    assert objects(newsroom) == []
    assert rows(newsroom) == []
    assert SITE + "/e/" not in html_of(newsroom.mails()[0])
    for path in ("/e/morning", "/e/morning/feed.xml", PAGE):
        assert get(newsroom, path).status == 404


def test_a_web_edition_that_is_turned_off_is_gone_at_once(newsroom: Newsroom) -> None:
    newsroom.run()
    newsroom.found(web={"editions": False})

    assert [get(newsroom, path).status for path in ("/e/morning", PAGE)] == [404, 404]


def test_search_engines_are_let_in_only_when_asked_for(newsroom: Newsroom) -> None:
    newsroom.found(web={"search_engines": True})
    newsroom.run()

    for path in ("/e/morning", PAGE):
        answer = get(newsroom, path)
        assert "x-robots-tag" not in answer.headers
        assert "noindex" not in answer.text


def test_an_index_without_editions_says_so_and_its_feed_is_valid(newsroom: Newsroom) -> None:
    page, feed = get(newsroom, "/e/morning"), get(newsroom, "/e/morning/feed.xml")

    assert "No edition" in page.text
    read = feedparser.parse(feed.body)
    assert (read.bozo, read.entries) == (False, [])
    assert read.feed.updated == "1970-01-01T00:00:00Z"


def test_everything_else_is_not_there(newsroom: Newsroom) -> None:
    newsroom.run()

    answers = {path: get(newsroom, path) for path in NOWHERE}

    assert {path for path, answer in answers.items() if answer.status != 404} == set()
    assert {answer.headers["cache-control"] for answer in answers.values()} == {"no-store"}


@pytest.mark.parametrize("denied", [False, True])
def test_a_page_that_is_no_longer_in_the_bucket_is_not_found(
    newsroom: Newsroom, denied: bool
) -> None:
    newsroom.run()
    bucket = newsroom.stack.outputs()["Bucket"]
    (key,) = objects(newsroom)
    boto3.client("s3").delete_object(Bucket=bucket, Key=key)

    def refuse(call: Call) -> None:
        # Without the right to list, S3 says no more than this of what is missing.
        if call.operation == "GetObject":
            raise boto3.client("s3").exceptions.ClientError(
                {"Error": {"Code": "AccessDenied"}}, "GetObject"
            )

    newsroom.stack.calls.before = refuse if denied else None

    assert get(newsroom, PAGE).status == 404


def test_an_editors_preview_and_test_have_no_page(newsroom: Newsroom) -> None:
    newsroom.publish("r1", "preview")
    newsroom.publish("r2", "test", to=["desk@example.net"])
    newsroom.stack.pump()

    assert objects(newsroom) == []
    assert rows(newsroom) == []
    assert "/e/morning" not in html_of(newsroom.mails()[0])


def test_the_latest_are_the_newest(newsroom: Newsroom) -> None:
    newsroom.run()
    newsroom.to(5, day=23)
    newsroom.bring(2)
    newsroom.to(6, day=23)
    newsroom.run()

    (newest,) = archive(newsroom).latest("morning", 1)

    assert newest.at == datetime(2026, 11, 23, 6, tzinfo=UTC)
    first = archive(newsroom).first(TODAY)
    assert first
    assert (first.path, first.headline) == (PAGE, "Headline 1")
