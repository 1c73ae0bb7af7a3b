"""Contrast of all text of a page that is shown in Chromium; contrast.js does the looking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SCRIPT = Path(__file__).with_name("contrast.js").read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One visible run of text. ``wanted`` is WCAG AA's: 3 for large text, else 4.5."""

    text: str
    size: float
    large: bool
    ink: str
    ground: str
    ratio: float
    wanted: float

    def __str__(self) -> str:
        return f"{self.ratio:.2f}:1 {self.ink} on {self.ground}, {self.size:g}px: {self.text!r}"


def texts(page: Page) -> tuple[Text, ...]:
    """Every visible text as it is shown now."""
    return tuple(Text(**each) for each in page.evaluate(_SCRIPT))


def too_faint(page: Page) -> list[str]:
    """The texts that stand out too little."""
    return [str(each) for each in texts(page) if each.ratio < each.wanted]
