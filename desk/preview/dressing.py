"""A digest's HTML as a mail program in some mood shows it. Pure.

A page can't tell a frame which colours its reader prefers. So the media query itself is decided
here: what Apple Mail and the like would match becomes a condition that always holds, or never.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from desk.preview.choice import Scheme

_STYLES = re.compile(r"<style\b[^>]*>.*?</style\s*>", re.IGNORECASE | re.DOTALL)
_MEDIA = re.compile(r"""\bmedia\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
_PREFERS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"
_PICTURE = re.compile(
    r"""(<(?:img|source|v:fill|v:image)\b[^>]*?\s)(src|srcset)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""",
    re.IGNORECASE,
)
# Not a picture: the browser shows what it shows where one can't be had.
_NO_PICTURE = '"data:,"'
# What programs do that invert a mail for readers of dark screens, whatever the mail says.
_FORCED = (
    "html{background:#fff;filter:invert(1) hue-rotate(180deg)}"
    "img,video{filter:invert(1) hue-rotate(180deg)}"
)


def dress(html: str, scheme: Scheme, *, images: bool) -> str:
    """The page to put into the frame. Links open elsewhere, in a tab of their own."""
    html = _STYLES.sub(lambda found: _decide(found[0], scheme), html)
    html = _MEDIA.sub(lambda found: _decide(found[0], scheme), html)
    if not images:
        html = _PICTURE.sub(lambda found: f"{found[1]}{found[2]}={_NO_PICTURE}", html)
    own = f":root{{color-scheme:{'dark' if scheme == 'dark' else 'light'}!important}}"
    own += _FORCED if scheme == "forced" else ""
    return _into_head(html, f'<base target="_blank"><style>{own}</style>')


def plain_page(text: str, direction: str) -> str:
    """A text part as a page for the frame."""
    return (
        f'<!DOCTYPE html><html dir="{escape(direction)}"><head><meta charset="utf-8">'
        "<title>Plain text</title><style>pre{margin:16px;white-space:pre-wrap;"
        "overflow-wrap:anywhere;font:14px/1.5 ui-monospace,Menlo,Consolas,monospace}</style></head>"
        f"<body><pre>{escape(text)}</pre></body></html>"
    )


def at_home(text: str, addresses: Mapping[str, str]) -> str:
    """The page with addresses that only this server has in the place of those that nobody has."""
    for there, here in addresses.items():
        text = text.replace(there, here)
    return text


def _decide(text: str, scheme: Scheme) -> str:
    # Who forces colours takes the light ones to begin with.
    wanted = "dark" if scheme == "dark" else "light"
    return _PREFERS.sub(
        lambda found: _ALWAYS if found[1].lower() == wanted else _NEVER,
        text,
    )


def _into_head(html: str, what: str) -> str:
    at = html.lower().find("</head>")
    return html[:at] + what + html[at:] if at >= 0 else what + html
