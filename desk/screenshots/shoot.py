"""Takes the pictures: each look at both widths, light and dark, with pictures and without."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from courant.newsletter import Look
from desk.browser import DESKTOP, PHONE, Window
from desk.demo.paper import picture_at
from desk.screenshots import scenes

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A page of docs shows so much of a mail, in pixels; a picture may weigh so much, in bytes.
_DOCS_HEIGHT, _DOCS_MAX = 1080, 200_000
_QUALITIES = (80, 70, 60, 50, 40)

_STYLE = """
body { margin: 24px; background: #d9d9d6; font: 14px/1.4 sans-serif; color: #222; }
section { display: flex; gap: 24px; align-items: flex-start; overflow-x: auto; }
figure { margin: 0 0 24px; flex: none; } figcaption { margin-bottom: 6px; }
img { display: block; box-shadow: 0 1px 8px #0005; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture of the contact sheet."""

    look: Look
    language: str
    width: int
    dark: bool
    images: bool

    @property
    def name(self) -> str:
        """``cards-en-375-dark-noimages``."""
        shade = "dark" if self.dark else "light"
        pictures = "" if self.images else "-noimages"
        return f"{self.look}-{self.language}-{self.width}-{shade}{pictures}"


def shoot(
    browser: Browser,
    looks: Sequence[Look],
    languages: Sequence[str],
    folder: Path,
    height: int | None = None,
) -> Iterator[Shot]:
    """Each picture, as it is written to ``<folder>/<name>.png``: whole, or its upper ``height``."""
    folder.mkdir(parents=True, exist_ok=True)
    for look, language, images in product(looks, languages, (True, False)):
        html = scenes.digest(language, look).html
        window = Window(browser, picture_at)
        window.show(html, images=images)
        for width, dark in product((DESKTOP, PHONE), (False, True)):
            shot = Shot(look=look, language=language, width=width, dark=dark, images=images)
            window.dress(width=width, dark=dark)
            whole = window.page.evaluate("document.documentElement.scrollHeight")
            shown = min(whole, height or whole)
            window.page.screenshot(
                path=folder / f"{shot.name}.png",
                full_page=True,
                clip={"x": 0, "y": 0, "width": width, "height": shown},
            )
            yield shot
        window.close()


def contact_sheet(shots: Sequence[Shot], folder: Path) -> Path:
    """A page with all of them, a look and language a row."""
    rows: dict[tuple[str, str, bool], list[Shot]] = {}
    for shot in shots:
        rows.setdefault((shot.look, shot.language, shot.images), []).append(shot)
    body = "".join(
        "<section>"
        + "".join(
            f"<figure><figcaption>{escape(shot.name)}</figcaption>"
            f'<img src="{shot.name}.png" alt=""></figure>'
            for shot in row
        )
        + "</section>"
        for row in rows.values()
    )
    page = folder / "index.html"
    page.write_text(_page(body), "utf-8")
    return page


def for_docs(browser: Browser, looks: Sequence[Look], folder: Path) -> Iterator[Path]:
    """Pictures small enough for a repository: all looks in one, then each by itself.

    A look by itself is shown on a desktop, on a phone at night, and from right to left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    yield _sheet(
        browser,
        folder / "digest.jpg",
        Shot(look="broadsheet", language="en", width=DESKTOP, dark=False, images=True),
        Shot(look="cards", language="en", width=PHONE, dark=False, images=True),
        Shot(look="brief", language="en", width=PHONE, dark=True, images=True),
    )
    for look in looks:
        yield _sheet(
            browser,
            folder / f"look-{look}.jpg",
            Shot(look=look, language="en", width=DESKTOP, dark=False, images=True),
            Shot(look=look, language="en", width=PHONE, dark=True, images=True),
            Shot(look=look, language="ar", width=PHONE, dark=False, images=True),
        )


def _sheet(browser: Browser, path: Path, *shots: Shot) -> Path:
    strips = "".join(
        f'<figure><img src="data:image/png;base64,{_top(browser, shot)}" alt=""></figure>'
        for shot in shots
    )
    width = sum(shot.width for shot in shots) + 24 * (len(shots) + 1)
    sheet = browser.new_page(viewport={"width": width, "height": _DOCS_HEIGHT + 48})
    sheet.set_content(_page(f"<section>{strips}</section>"))
    for quality in _QUALITIES:
        if len(sheet.screenshot(path=path, type="jpeg", quality=quality)) < _DOCS_MAX:
            break
    sheet.close()
    return path


def _top(browser: Browser, shot: Shot) -> str:
    """The upper part of a mail as base64 of a PNG."""
    window = Window(browser, picture_at)
    html = scenes.digest(shot.language, shot.look).html
    page = window.show(html, width=shot.width, dark=shot.dark)
    page.set_viewport_size({"width": shot.width, "height": _DOCS_HEIGHT})
    picture = page.screenshot()
    window.close()
    return b64encode(picture).decode()


def _page(body: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Screenshots</title>'
        f"<style>{_STYLE}</style>{body}</html>"
    )
