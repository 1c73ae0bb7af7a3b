"""``make screenshots``, and the browser behind it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from courant.errors import ConfigurationError
from desk import browser as browsers
from desk.browser import Window
from desk.demo.paper import IMAGES, SITE, picture_at
from desk.screenshots import __main__ as command
from desk.screenshots import shoot
from tests.proof import tools

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURE = f'<img src="{SITE}/images/harbour.jpg" alt="">'


def test_a_look_is_shot_in_every_way(browser: Browser, tmp_path: Path) -> None:
    shots = list(shoot.shoot(browser, ["brief"], ["en"], tmp_path, height=400))
    page = shoot.contact_sheet(shots, tmp_path).read_text("utf-8")

    assert len({shot.name for shot in shots}) == 8
    for shot in shots:
        assert (tmp_path / f"{shot.name}.png").read_bytes().startswith(b"\x89PNG")
        assert f'src="{shot.name}.png"' in page


@pytest.mark.slow
def test_the_pictures_of_the_docs_are_small(browser: Browser, tmp_path: Path) -> None:
    paths = list(shoot.for_docs(browser, ["cards"], tmp_path))

    assert [path.name for path in paths] == ["digest.jpg", "look-cards.jpg"]
    assert all(20_000 < path.stat().st_size < 200_000 for path in paths)


def test_a_window_reaches_nothing_but_what_it_is_given(browser: Browser) -> None:
    window = Window(browser, picture_at)

    page = window.show(f'{PICTURE}<img src="https://elsewhere.example/pixel.gif" alt="">')

    widths = "[...document.images].map((one) => one.naturalWidth)"
    assert [width > 0 for width in page.evaluate(widths)] == [True, False]
    assert window.asked == [
        f"{SITE}/images/harbour.jpg",
        "https://elsewhere.example/pixel.gif",
    ]
    assert window.show(PICTURE, images=False).evaluate(widths) == [0]
    window.close()


def test_what_the_console_says_is_kept(browser: Browser) -> None:
    window = Window(browser)

    window.show("<script>console.error('so'); undefined.x</script>")

    assert window.errors[0] == "so"
    assert "undefined" in window.errors[1]
    window.close()


def test_a_machine_without_chromium_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "no-such-browser")

    with pytest.raises(ConfigurationError, match="make tools"), browsers.opened():
        pass


def test_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    monkeypatch.setattr(sys, "argv", ["screenshots", "--look", "brief"])

    assert command.main() == 1
    assert "make tools" in capsys.readouterr().err


def test_pictures_have_an_address_of_the_papers_own() -> None:
    found = picture_at(f"{SITE}/images/harbour.jpg")

    assert found is not None
    assert found.body == (IMAGES / "harbour.jpg").read_bytes()
    for other in ("https://elsewhere.example/images/harbour.jpg", f"{SITE}/images/../paper.py"):
        assert picture_at(other) is None


@pytest.mark.parametrize("required", [True, False])
def test_a_missing_tool_is_a_failure_only_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, required: bool
) -> None:
    monkeypatch.setenv("COURANT_TOOLS", "required" if required else "")
    outcome = pytest.fail.Exception if required else pytest.skip.Exception

    with pytest.raises(outcome, match="make tools"):
        tools.command("no-such-program")
    with pytest.raises(outcome, match="make tools"):
        tools.npm("no-such-package/index.js")
