"""The editor's preview without a browser: what is shown, what is said, and who may ask."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.newsletter import Newsletter
from desk import newsletter_file
from desk.demo import paper
from desk.feed_server import Document
from desk.lint.mail import CLIP
from desk.preview import dressing, live, report
from desk.preview.choice import Choice
from desk.preview.draft import Draft
from desk.preview.gauge import weigh
from desk.preview.live import Watch
from desk.preview.news import Feeds, Heard, News
from desk.preview.report import check
from desk.preview.server import Preview, PreviewServer
from desk.sample_digest import UNSUBSCRIBE_URL, sample_readers
from tests.editors_desk import DEMO, NOW, Desk

DARK = "<style>@media (prefers-color-scheme:dark){.ink{color:#fff}}</style>"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# What is chosen ----------------------------------------------------------------------------------


def test_a_choice_is_read_from_a_query() -> None:
    asked = "look=cards&locale=ar&reader=named&scheme=dark&images=off"

    choice = Choice.parse(asked, locales=("en", "ar"), readers=("all", "named"))

    assert choice == Choice(look="cards", locale="ar", reader="named", scheme="dark", images=False)


@given(st.text(max_size=80))
def test_whatever_is_asked_a_choice_is_one_of_those_offered(query: str) -> None:
    choice = Choice.parse(query, locales=("en",), readers=("all",))

    assert choice.locale in {None, "en"}
    assert choice.reader in {"", "all"}
    assert choice.scheme in {"light", "dark", "forced"}


def test_there_is_a_reader_of_every_kind() -> None:
    newsletter = newsletter_file.load(DEMO)

    readers = {one.id: one for one in sample_readers(newsletter)}

    assert next(iter(readers)) == "all"
    assert readers["only-sport"].reader.sections == ("sport",)
    assert readers["reversed"].reader.sections[0] == newsletter.sections[-1].id
    assert readers["top-1"].reader.limit == 1
    assert readers["named"].reader.name
    assert readers["text"].text_only


def test_every_choice_shows_another_digest(desk: Desk) -> None:
    seen = {
        query: desk.html(query)
        for query in (
            "",
            "look=brief",
            "look=cards",
            "locale=nl",
            "reader=top-1",
            "reader=reversed",
        )
    }

    assert len(set(seen.values())) == len(seen)
    assert 'lang="nl"' in seen["locale=nl"]
    assert len(seen["reader=top-1"]) < len(seen[""])


def test_a_readers_name_is_used(desk: Desk) -> None:
    assert "Ada" in desk.html("reader=named")
    assert "Ada" not in desk.html()


# How it is shown ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "expected"), [("dark", "(min-width:0)"), ("light", "(max-width:0)")]
)
def test_a_scheme_decides_the_media_query(scheme: Any, expected: str) -> None:
    shown = dressing.dress(f"<head>{DARK}</head>", scheme, images=True)

    assert f"@media {expected}{{.ink" in shown
    assert f"color-scheme:{scheme}!important" in shown


def test_forced_dark_turns_the_light_mail_round_and_pictures_back() -> None:
    shown = dressing.dress(f"<head>{DARK}</head>", "forced", images=True)

    assert "@media (max-width:0){.ink" in shown
    assert "img,video{filter:invert(1)" in shown


def test_words_about_colour_schemes_are_left_alone() -> None:
    story = "<p>How (prefers-color-scheme:dark) works</p>"

    assert story in dressing.dress(f"<head>{DARK}</head>{story}", "dark", images=True)


def test_without_images_no_picture_is_asked_for() -> None:
    page = '<img alt="x" src="https://a.example/b.png?c=1&amp;d"><img src=\'/e.png\'><p>src="f"</p>'

    shown = dressing.dress(page, "light", images=False)

    assert "a.example" not in shown
    assert "e.png" not in shown
    assert shown.count('src="data:,"') == 2
    assert '<p>src="f"</p>' in shown


@given(st.text(max_size=200), st.sampled_from(["light", "dark", "forced"]), st.booleans())
def test_no_page_breaks_the_dressing(page: str, scheme: Any, images: bool) -> None:
    assert "<style>" in dressing.dress(page, scheme, images=images)


# What it weighs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "look=brief", "reader=reversed", "reader=top-3&locale=nl"])
def test_the_parts_add_up_to_the_whole(desk: Desk, query: str) -> None:
    shown = desk.show(query)
    assert shown.pressing
    assert shown.digest

    weights = weigh(shown.pressing, shown.sample.reader, shown.digest, {})

    assert weights.html == len(shown.digest.html.encode())
    assert weights.frame + sum(one.size for one in weights.sections) == weights.html
    assert sum(one.stories for one in weights.sections) == len(shown.digest.stories)
    # The frame is what every digest has: no story hides in it.
    sheet = shown.pressing.sheet(shown.sample.reader.locale)
    frame = sum(piece.size for piece in (sheet.head, sheet.top, sheet.foot))
    assert abs(weights.frame - frame) < 2_000


def test_what_does_not_fit_is_named(desk: Desk) -> None:
    text = desk.file.read_text("utf-8")
    desk.file.write_text(re.sub(r"limit: \d+", "limit: 50", text), "utf-8")
    desk.draft.file_changed()
    shown = desk.show("look=cards")

    told = report.digest(shown)

    assert told
    assert told["html_bytes"] < CLIP
    left_out = [title for section in told["sections"] for title in section["left_out"]]
    assert told["dropped"] == len(left_out) > 0


# Editing -----------------------------------------------------------------------------------------


def test_what_an_editor_saves_is_shown(desk: Desk) -> None:
    before = desk.draft.version

    desk.edit("title: The Havenmere Courant", "title: The Morning Tide")

    assert desk.draft.version > before
    assert "The Morning Tide" in desk.html()


def test_a_mistake_in_the_file_is_named_and_the_last_digest_stays(desk: Desk) -> None:
    desk.edit("limit: 6", "limit: 600")

    shown = desk.show()

    assert [fault.place for fault in shown.faults] == [f"{desk.file}:{_line(desk.file, '600')}"]
    assert "must be at most 50" in shown.faults[0].text
    assert shown.digest

    desk.edit("limit: 600", "limit: 6")

    assert desk.show().faults == ()


def test_a_file_that_is_gone_is_said(desk: Desk) -> None:
    desk.file.unlink()
    desk.draft.file_changed()

    shown = desk.show()

    assert "can't be read" in shown.faults[0].text
    assert shown.digest


def test_an_editors_own_template_takes_the_place_of_ours_and_gives_it_back(desk: Desk) -> None:
    own = """{% extends "courant/digest/broadsheet.html.j2" %}
{% block masthead %}
<tr><td>OURS{{ super() }}</td></tr>
{% endblock %}
"""
    assert "OURS" not in desk.html()

    desk.write("demo/digest/broadsheet.html.j2", own)

    assert desk.show().faults == ()
    assert "OURS" in desk.html()
    (desk.templates / "demo/digest/broadsheet.html.j2").unlink()
    desk.draft.file_changed()
    assert "OURS" not in desk.html()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ newsletter.nmae }}", "has no attribute 'nmae'"),
        ("{{ nobody }}", "'nobody' is undefined"),
        ('{% include "nowhere.j2" %}', "There is no template 'nowhere.j2'."),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero."),
    ],
)
def test_a_broken_template_is_a_sentence_with_file_and_line(
    desk: Desk, line: str, sentence: str
) -> None:
    good = desk.html()
    ours = (desk.templates / "digest/broadsheet.html.j2").read_text("utf-8")
    first, _, rest = ours.partition("{% block")
    at = first.count("\n") + 1
    opening, _, body = rest.partition("\n")

    desk.write("demo/digest/broadsheet.html.j2", f"{first}{{% block{opening} {line}\n{body}")

    shown = desk.show()
    assert len(shown.faults) == 1
    assert sentence in shown.faults[0].text
    assert shown.faults[0].place == f"templates/demo/digest/broadsheet.html.j2:{at}"
    # What could be made before is still there to look at.
    assert shown.digest
    assert shown.digest.html[:500] == good[:500]

    desk.write("demo/digest/broadsheet.html.j2", ours)

    assert desk.show().faults == ()


def test_a_template_without_a_cut_names_the_editors_file(desk: Desk) -> None:
    desk.write("demo/digest/broadsheet.html.j2", "<html><body>{{ newsletter.title }}</body></html>")

    fault = desk.show().faults[0]

    assert fault.place == "templates/demo/digest/broadsheet.html.j2"
    assert "cut" in fault.text


def test_a_mistake_in_words_names_the_file_and_line(desk: Desk) -> None:
    desk.write("demo/locales/en.toml", '# ours\nview_online = "Look\n')

    fault = desk.show().faults[0]

    assert fault.place == "templates/demo/locales/en.toml:2"


def test_a_broken_look_leaves_the_others_alone(desk: Desk) -> None:
    desk.write("demo/digest/cards.html.j2", "{% nonsense %}")

    assert desk.show("look=cards").faults
    assert desk.show("look=brief").faults == ()


def test_a_broken_web_edition_is_a_sentence_too(desk: Desk) -> None:
    assert "<article" in desk.draft.web_page()

    desk.write("demo/web/edition.html.j2", "{{ nobody }}")

    assert "templates/demo/web/edition.html.j2:1" in desk.draft.web_page()


def test_a_newsletter_may_have_no_web_edition(desk: Desk) -> None:
    desk.edit("language: en-GB\n", "language: en\nweb:\n  editions: false\n")

    assert "no web edition" in desk.draft.web_page()


# News --------------------------------------------------------------------------------------------


class Wire:
    """Answers for feeds, and counts how often each was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._paper = paper.Paper(NOW.date(), lambda: NOW)

    def __call__(self, url: str) -> Document:
        self.asked.append(url)
        found = self._paper.document(urlsplit(url).path)
        assert found
        return found


def test_feeds_are_read_once_and_a_new_one_when_it_is_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Wire()
    monkeypatch.setattr("desk.commands.feeds_now.from_paper", lambda _: wire)
    whole = newsletter_file.load(DEMO)
    some = whole.model_copy(update={"sections": whole.sections[:2]})
    heard: list[tuple[int, int]] = []
    feeds = Feeds()

    first = feeds.news(some, NOW, lambda *counts: heard.append(counts))
    feeds.news(some, NOW, _deaf)
    assert sorted(wire.asked) == sorted(some.feeds)
    assert heard[-1] == (3, 3)
    feeds.news(whole, NOW, _deaf)
    assert sorted(wire.asked) == sorted(whole.feeds)
    feeds.news(whole, NOW, _deaf, anew=True)

    assert len(wire.asked) == 2 * len(whole.feeds)
    assert not first.failed


def test_no_news_is_said_and_not_a_failure() -> None:
    class Nothing:
        def news(
            self, newsletter: Newsletter, now: datetime, heard: Heard, *, anew: bool = False
        ) -> News:
            del heard, anew
            return News(newsletter, {}, (), now)

    draft = Draft(DEMO, Nothing(), lambda: NOW)
    draft.read_feeds()
    shown = draft.show(draft.parse(""))

    assert shown.digest is None
    assert shown.raw == b""
    assert list(report.warnings(shown)) == ["Nothing to show: no feed brought an article."]
    assert report.digest(shown) is None
    assert check(shown) == ()


def test_spares_are_no_articles_of_an_edition(tmp_path: Path) -> None:
    text = re.sub(r"limit: \d+", "limit: 2", DEMO.read_text("utf-8"))
    # A section that shares all its stories with another: both keep spares.
    feeds = re.search(r"    feeds:\n(?:      - .*\n)+", text)
    assert feeds
    twin = f"sections:\n  - id: twin\n    title: Twin\n{feeds[0]}    limit: 2\n"
    text = text.replace("sections:\n", twin, 1)
    file = tmp_path / "demo.yaml"
    file.write_text(f"{text}\nminimum_articles: 50\n", "utf-8")
    draft = Draft(file, Feeds(), lambda: NOW)
    draft.read_feeds()
    shown = draft.show(draft.parse(""))

    assert shown.pressing
    assert shown.digest
    stories = {one.id for each in shown.pressing.sheets[0].sections for one in each.stories}
    assert len(stories) > len(shown.digest.stories)
    (warning,) = report.warnings(shown)
    assert warning.endswith(f"it needs 50 articles, and there are {len(shown.digest.stories)}.")


def test_feeds_that_can_not_be_read_any_more_are_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "feeds" / "sea"
    folder.mkdir(parents=True)
    feed = (
        "<rss version='2.0'><channel><title>Sea</title><link>https://sea.example/</link>"
        "<item><title>Sails</title><link>https://sea.example/1</link></item></channel></rss>"
    )
    (folder / "a.xml").write_text(feed, "utf-8")
    draft = Draft(DEMO, Feeds(tmp_path / "feeds"), lambda: NOW)
    draft.read_feeds()
    assert [one.id for one in draft.readers if one.id.startswith("only")] == []
    (folder / "a.xml").unlink()

    draft.file_changed()

    shown = draft.show(draft.parse(""))
    assert len(shown.faults) == 1
    assert "feeds" in shown.faults[0].text
    assert shown.digest
    assert shown.digest.subject == "Sails"


# Files -------------------------------------------------------------------------------------------


def test_a_change_is_told_once_and_only_when_it_is_over(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one")
    watch = Watch([file, tmp_path / "templates"])

    assert not watch.changed()
    file.write_text("")
    assert not watch.changed()
    file.write_text("three")
    assert not watch.changed()
    assert watch.changed()
    assert not watch.changed()


def test_new_and_lost_files_of_a_folder_are_changes_and_backups_are_none(tmp_path: Path) -> None:
    watch = Watch([tmp_path])
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.j2").write_text("a")
    assert [watch.changed(), watch.changed()] == [False, True]
    (tmp_path / "x" / "a.j2~").write_text("a")
    (tmp_path / "x" / ".a.j2.swp").write_text("a")
    assert [watch.changed(), watch.changed()] == [False, False]
    (tmp_path / "x" / "a.j2").unlink()
    assert [watch.changed(), watch.changed()] == [False, True]


# The server --------------------------------------------------------------------------------------


Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def ask(desk: Desk) -> Iterator[Ask]:
    with live.running(desk.draft, PreviewServer()) as server:

        def ask(
            target: str, method: str = "GET", **headers: str
        ) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            try:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                connection.request(method, target, headers=named)
                answer = connection.getresponse()
                told = {name.lower(): value for name, value in answer.getheaders()}
                return answer.status, told, answer.read()
            finally:
                connection.close()

        yield ask


def test_the_page_asks_nobody_else_and_allows_no_script_of_others(ask: Ask) -> None:
    status, headers, body = ask("/")

    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert b'<script src="page.js" defer></script>' in body
    assert b"http" not in body.replace(b"http-equiv", b"")
    for path in ("/page.js", "/page.css"):
        assert ask(path)[0] == 200


@pytest.mark.parametrize("images", ["on", "off"])
def test_the_digest_is_framed_without_scripts(ask: Ask, images: str) -> None:
    _, headers, body = ask(f"/digest.html?images={images}")

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert re.search(r"sandbox(?! [^;]*allow-scripts)", policy)
    assert ("img-src data:;" in policy) == (images == "off")
    assert (b"/images/harbour.jpg" in body) == (images == "on")
    # The paper's pictures have no server but this one.
    assert paper.SITE.encode() not in body


def test_the_source_is_the_mails_own(ask: Ask, desk: Desk) -> None:
    digest = desk.show().digest
    assert digest

    assert ask("/source.txt?scheme=dark&images=off")[2].decode() == digest.html
    assert ask("/digest.txt")[2].decode() == digest.text


def test_the_mail_is_given_as_sent(ask: Ask) -> None:
    _, headers, body = ask("/mail.eml")

    mail = message_from_bytes(body, policy=policy.default)
    assert headers["content-type"] == "message/rfc822"
    assert mail["list-unsubscribe"] == f"<{UNSUBSCRIBE_URL}>"
    # But for the boundary, which is random.
    assert ask("/mail.txt")[2].partition(b"Content-Type")[0] == body.partition(b"Content-Type")[0]


def test_a_reader_of_plain_text_gets_no_html(ask: Ask) -> None:
    state = json.loads(ask("/state.json?reader=text")[2])

    assert state["digest"]["text_only"]
    assert state["digest"]["html_bytes"] == 0
    assert b"text/html" not in ask("/mail.eml?reader=text")[2]
    assert b"<pre>" in ask("/digest.html?reader=text")[2]


def test_the_state_says_all_there_is(ask: Ask) -> None:
    state = json.loads(ask("/state.json?look=cards&locale=nl&reader=only-sport")[2])

    assert state["choice"] == {"look": "cards", "locale": "nl", "reader": "only-sport"}
    assert state["own"] == {"look": "broadsheet", "locale": "en-GB"}
    assert [section["id"] for section in state["digest"]["sections"]] == ["sport"]
    assert {"id": "nl", "name": "Dutch (nl)"} in state["options"]["locales"]
    assert state["faults"] == []


def test_findings_have_their_line(ask: Ask) -> None:
    found = json.loads(ask("/findings.json")[2])
    source = ask("/source.txt")[2].decode().splitlines()

    assert all(one["line"] <= len(source) for one in found if one["part"] == "html")
    assert {one["severity"] for one in found} <= {"error", "warning", "note"}


@pytest.mark.parametrize(
    "host", ["preview.example", "127.0.0.1", "127.0.0.1:1", "localhost.example"]
)
def test_a_name_that_is_not_ours_is_refused(ask: Ask, host: str) -> None:
    assert ask("/state.json", Host=host)[0] == 421


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_only_get_and_one_post(ask: Ask, method: str) -> None:
    assert ask("/", method)[0] in {405, 501}


def test_feeds_are_read_again_only_for_the_page(ask: Ask, desk: Desk) -> None:
    page = ask("/")[2].decode()
    token = re.search(r'name="courant-token" content="([^"]+)"', page)
    assert token
    before = desk.draft.version

    assert ask("/feeds", "POST")[0] == 403
    assert ask("/feeds", "POST", X_Courant_Token="guess")[0] == 403
    assert ask("/feeds", "POST", X_Courant_Token="gu\u00e9ss")[0] == 403
    assert desk.draft.version == before
    assert ask("/feeds", "POST", X_Courant_Token=token[1])[0] == 204
    assert desk.draft.version > before
    assert ask("/elsewhere", "POST", X_Courant_Token=token[1])[0] == 404


def test_nothing_takes_a_body(ask: Ask) -> None:
    assert ask("/feeds", "POST", Content_Length="5")[0] == 413
    assert ask("/feeds", "POST", Content_Length="\u00b2")[0] == 413
    assert ask("/feeds", "POST", Content_Length="9" * 5_000)[0] == 413


@pytest.mark.parametrize(
    "path", ["/nothing", "/../draft.py", "/page.html.j2", "/images/%2e%2e/news.yaml", "/server.py"]
)
def test_there_is_nothing_else(ask: Ask, path: str) -> None:
    assert ask(path)[0] == 404


def test_before_there_is_a_draft_there_is_nothing() -> None:
    with PreviewServer() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().status == 503
        connection.close()


def test_a_saved_file_is_told_to_the_page(desk: Desk) -> None:
    with live.running(desk.draft, PreviewServer()) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/changes")
        events = connection.getresponse()
        first = _event(events)
        text = desk.file.read_text("utf-8")
        desk.file.write_text(text.replace("The Havenmere Courant", "The Tide"), "utf-8")

        # On a slow machine the same version is told again, so that the connection stays.
        assert any(_event(events) > first for _ in range(20))
        connection.close()

    assert "The Tide" in desk.html()


def test_the_answer_of_a_head_has_no_body(desk: Desk) -> None:
    preview = Preview(desk.draft, check, lambda _: None)

    assert preview.answer("HEAD", "/", {}).status == 200


def _event(events: http.client.HTTPResponse) -> int:
    line = events.readline()
    assert line.startswith(b"data: ")
    events.readline()
    return int(line.removeprefix(b"data: "))


def _line(file: Path, text: str) -> int:
    lines = file.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def _deaf(done: int, total: int) -> None:
    del done, total
