"""The editor's preview as an editor uses it: in a browser, with files that change under it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.preview import live
from desk.preview.server import PreviewServer
from tests.editors_desk import DEMO, Desk
from tests.proof import axe

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = pytest.mark.slow


@dataclass
class Editor:
    """Somebody before the page, at the desk that it shows."""

    desk: Desk
    page: Page
    url: str
    errors: list[str] = field(default_factory=list)

    @property
    def digest(self) -> FrameLocator:
        return self.page.frame_locator("#digest")

    def colour(self, selector: str) -> str:
        found = self.digest.locator(selector).first
        return str(found.evaluate("element => getComputedStyle(element).backgroundColor"))

    def choose(self, group: str, name: str) -> None:
        self.page.get_by_role("group", name=group).get_by_role(
            "radio", name=name, exact=True
        ).check()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()


@pytest.fixture
def editor(browser: Browser, tmp_path: Path) -> Iterator[Editor]:
    """An editor whose page is open; nothing that the console complains of is let pass."""
    desk = Desk(tmp_path)
    with live.running(desk.draft, PreviewServer()) as server:
        context = browser.new_context(viewport={"width": 1200, "height": 860})
        page = context.new_page()
        editor = Editor(desk, page, server.url)
        page.on(
            "console",
            lambda said: editor.errors.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: editor.errors.append(str(error)))
        page.on("request", lambda asked: _only_here(asked.url, editor))
        page.goto(server.url)
        editor.digest.get_by_role("heading", level=1).wait_for()
        page.get_by_text(re.compile(r"(errors?|warnings?|notes?|None:)")).first.wait_for()
        yield editor
        context.close()
    assert editor.errors == []


def test_the_width_is_chosen_typed_and_dragged(editor: Editor) -> None:
    frame = editor.page.locator("#digest")

    editor.choose("Width", "375")
    assert _width(editor) == 375
    # A phone's rules hold in the frame.
    assert (
        editor.digest.locator("body").evaluate("body => body.ownerDocument.defaultView.innerWidth")
        == 375
    )
    editor.page.get_by_label("Width in pixels").fill("480")
    editor.page.get_by_label("Width in pixels").press("Enter")
    assert _width(editor) == 480
    grip = editor.page.get_by_role("separator")
    grip.press("ArrowRight")
    assert _width(editor) == 490
    box = grip.bounding_box()
    assert box
    editor.page.mouse.move(box["x"] + 5, box["y"] + 200)
    editor.page.mouse.down()
    editor.page.mouse.move(box["x"] + 25, box["y"] + 200)
    editor.page.mouse.up()
    assert _width(editor) == 530
    assert (
        frame.get_attribute("sandbox")
        == "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )


def test_light_dark_and_forced_dark_are_three_things(editor: Editor) -> None:
    light = editor.colour(".paper")
    editor.choose("Colours", "Dark")
    editor.page.get_by_text("as Apple Mail shows it").wait_for()
    _until(editor, lambda: editor.colour(".paper") != light)
    editor.choose("Colours", "Forced dark")
    _until(
        editor,
        lambda: editor.digest.locator("html").evaluate("e => getComputedStyle(e).filter") != "none",
    )
    assert editor.colour(".paper") == light


def test_the_schemes_do_not_follow_the_editors_own_screen(editor: Editor) -> None:
    light = editor.colour(".paper")

    editor.page.emulate_media(color_scheme="dark")

    assert editor.colour(".paper") == light
    page = editor.page.locator("header").evaluate("e => getComputedStyle(e).backgroundColor")
    assert page == "rgb(27, 26, 24)"


def test_pictures_can_be_kept_away(editor: Editor) -> None:
    pictures = (
        "() => [...document.querySelector('#digest').contentDocument.images]"
        ".map(image => image.naturalWidth)"
    )
    assert max(editor.page.evaluate(pictures)) > 0

    editor.choose("Images", "Off")

    _until(editor, lambda: max(editor.page.evaluate(pictures), default=1) == 0)


def test_language_look_and_reader_change_the_digest(editor: Editor) -> None:
    editor.page.get_by_label("Language").select_option("ar")
    _until(editor, lambda: editor.digest.locator("html").get_attribute("dir") == "rtl")
    editor.page.get_by_label("Look").select_option("brief")
    weight = editor.page.locator("#weight b")
    broadsheet = weight.text_content()
    editor.page.get_by_label("Reader").select_option("only-sport")
    _until(editor, lambda: weight.text_content() != broadsheet)
    editor.digest.get_by_role("heading", name="Sport").wait_for()
    assert editor.digest.get_by_role("heading", name="Culture").count() == 0
    # What was tried is not written into the file.
    assert "look" not in editor.desk.file.read_text("utf-8")


def test_each_tab_shows_its_form_of_the_mail(editor: Editor) -> None:
    editor.tab("Plain text")
    editor.page.locator("#text li").nth(5).wait_for()
    assert "Havenmere" in (editor.page.locator("#text li").first.text_content() or "")
    editor.tab("HTML source")
    first = editor.page.locator("#source li").first
    first.wait_for()
    assert first.text_content() == "1<!DOCTYPE html>"
    editor.tab("Mail as sent")
    editor.page.get_by_text("List-Unsubscribe-Post: List-Unsubscribe=One-Click").wait_for()
    editor.tab("Web edition")
    editor.page.frame_locator("#web").get_by_role("article").first.wait_for()


def test_a_finding_leads_to_its_line(editor: Editor) -> None:
    button = editor.page.locator("#findings button:not(:disabled)").first
    line = re.search(r"line (\d+)", button.text_content() or "")
    assert line

    button.click()

    here = editor.page.locator("#source .here, #text .here")
    here.wait_for()
    assert (here.text_content() or "").startswith(line[1])
    assert here.locator(".note").count() >= 1
    assert here.evaluate(
        "e => { const b = e.getBoundingClientRect(); return b.bottom > 0 && b.top < innerHeight }"
    )


def test_a_view_can_be_shared(editor: Editor) -> None:
    editor.choose("Width", "375")
    editor.choose("Colours", "Dark")
    editor.page.get_by_label("Language").select_option("nl")
    editor.tab("Plain text")
    editor.page.get_by_text("Lees").first.wait_for()

    shared = editor.page.url
    editor.page.goto("about:blank")
    editor.page.goto(shared)

    editor.page.get_by_text("Lees").first.wait_for()
    assert (
        editor.page.get_by_role("tab", name="Plain text").get_attribute("aria-selected") == "true"
    )
    assert editor.page.locator("[name=scheme][value=dark]").is_checked()
    assert editor.page.get_by_label("Width in pixels").input_value() == "375"
    assert editor.page.get_by_label("Language").input_value() == "nl"


def test_all_is_within_reach_of_the_keyboard(editor: Editor) -> None:
    editor.page.get_by_role("tab", name="Digest").focus()
    editor.page.keyboard.press("ArrowRight")
    assert editor.page.evaluate("document.activeElement.textContent") == "Plain text"
    editor.page.keyboard.press("End")
    assert editor.page.evaluate("document.activeElement.textContent") == "Web edition"
    editor.page.locator("[name=scheme]:checked").focus()
    editor.page.keyboard.press("ArrowRight")
    assert editor.page.locator("[name=scheme][value=dark]").is_checked()


def test_the_page_follows_the_file_and_stays_where_it_was(editor: Editor) -> None:
    scroll = "() => document.querySelector('#digest').contentWindow.scrollY"
    editor.page.evaluate("document.querySelector('#digest').contentWindow.scrollTo(0, 400)")

    _save(editor, "The Havenmere Courant", "The Morning Tide")

    editor.digest.get_by_role("heading", name="The Morning Tide").first.wait_for(timeout=8_000)
    _until(editor, lambda: editor.page.evaluate(scroll) == 400)
    assert editor.page.locator("#title").text_content() == "The Morning Tide"


def test_a_mistake_is_shown_with_its_line_and_goes_away(editor: Editor) -> None:
    fault = editor.page.locator("#faults b")

    _save(editor, "limit: 6", "limit: 600")

    fault.wait_for(timeout=8_000)
    assert re.search(r"demo\.yaml:\d+$", fault.text_content() or "")
    assert editor.digest.get_by_role("heading", level=1).is_visible()
    _save(editor, "limit: 600", "limit: 6")
    fault.wait_for(state="detached", timeout=8_000)


def test_a_broken_template_is_a_sentence_until_it_is_mended(editor: Editor) -> None:
    own = editor.desk.templates / "demo" / "digest" / "broadsheet.html.j2"
    own.parent.mkdir(parents=True)
    mended = '{% extends "courant/digest/broadsheet.html.j2" %}\n'

    own.write_text(mended + "{% block masthead %}\n{{ nobody }}\n{% endblock %}\n", "utf-8")

    editor.page.get_by_text("'nobody' is undefined").wait_for(timeout=8_000)
    assert (
        editor.page.locator("#faults b").text_content()
        == "templates/demo/digest/broadsheet.html.j2:3"
    )
    assert "Traceback" not in (editor.page.locator("body").text_content() or "")
    own.write_text(
        mended + "{% block masthead %}\n<tr><td>MENDED</td></tr>\n{% endblock %}\n", "utf-8"
    )
    editor.digest.get_by_text("MENDED").wait_for(timeout=8_000)
    assert editor.page.locator("#faults b").count() == 0


def test_feeds_are_read_again_when_asked(editor: Editor) -> None:
    before = editor.desk.draft.version
    button = editor.page.locator("#read")

    # Sample stories have no feeds, so the button is not offered; what it asks for works.
    assert button.is_hidden()
    button.evaluate("button => button.click()")

    _until(editor, lambda: editor.desk.draft.version > before)


def test_strangers_words_run_nothing(editor: Editor) -> None:
    own = editor.desk.templates / "demo" / "digest" / "broadsheet.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text(
        '{% extends "courant/digest/broadsheet.html.j2" %}{% block masthead %}'
        '<tr><td>HOSTILE<script>parent.document.title="had"</script>'
        '<img src="data:," alt="" onerror="parent.document.title=1"></td></tr>{% endblock %}',
        "utf-8",
    )

    editor.digest.get_by_text("HOSTILE").wait_for(timeout=8_000)

    assert editor.page.title().endswith("preview")
    # The browser says that it ran nothing; that is what it should say.
    refused = [
        text
        for text in editor.errors
        if "Blocked script execution" in text or "Content Security Policy" in text
    ]
    assert refused
    editor.errors.clear()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 800])
def test_the_page_has_no_accessibility_violations(editor: Editor, width: int, dark: bool) -> None:
    editor.page.set_viewport_size({"width": width, "height": 900})
    editor.page.emulate_media(color_scheme="dark" if dark else "light")
    _save(editor, "limit: 6", "limit: 600")
    editor.page.locator("#faults b").wait_for(timeout=8_000)

    for tab in ("Digest", "Plain text", "HTML source", "Mail as sent"):
        editor.tab(tab)
        editor.page.wait_for_timeout(300)
        found = [
            one
            for one in axe.violations(editor.page)
            if "#digest" not in one.target.split(" ")[:-1]
        ]
        assert found == [], tab
        assert editor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab


def test_the_written_page_shows_the_pictures_that_come_along(
    browser: Browser, tmp_path: Path
) -> None:
    words = ["preview", str(DEMO), "--no-open", "--out", str(tmp_path)]
    assert CliRunner().invoke(app, words).exit_code == 0
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text))

    page.goto((tmp_path / "index.html").as_uri())

    images = page.frames[1].locator("img").first
    assert images.evaluate("image => image.naturalWidth") > 0
    assert said == []
    page.close()


def _width(editor: Editor) -> float:
    return float(editor.page.locator("#digest").evaluate("e => e.getBoundingClientRect().width"))


def _save(editor: Editor, before: str, after: str) -> None:
    text = editor.desk.file.read_text("utf-8")
    assert before in text
    editor.desk.file.write_text(text.replace(before, after), "utf-8")


def _until(editor: Editor, holds: object) -> None:
    assert callable(holds)
    for _ in range(80):
        if holds():
            return
        editor.page.wait_for_timeout(100)
    pytest.fail("it did not come to that in 8 seconds")


def _only_here(url: str, editor: Editor) -> None:
    if not url.startswith((editor.url, "data:", "about:")):
        editor.errors.append(f"asked for {url}")
