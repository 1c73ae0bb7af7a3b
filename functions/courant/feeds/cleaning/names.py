"""What to call a source: the name in a feed's title, without what it says about itself.

The title and the host come from the feed; the words that name nobody are rules/nameless.txt.
"""

from __future__ import annotations

import re
from functools import cache

from courant.feeds.cleaning import rules

_PARTS = re.compile(r"\s+(?:[-–—|»·]|::)\s+")
_LETTERS = re.compile(r"[^\W_]+")
# So many words behind a name are a motto.
_MOTTO_WORDS = 4
_NAME_CHARS = 3


def source_name(title: str, host: str) -> str:
    """The name in a feed's cleaned title; ``host``, the site's, where there is none.

    What is not surely more than a name stays as it is: "World – The Gauge".
    """
    name = _named(title, host)
    return name if _names(name) else host


def _named(title: str, host: str) -> str:
    match = _PARTS.search(title)
    if match is None:
        return title
    name, rest = title[: match.start()], title[match.end() :]
    if not _names(name):
        return _named(rest, host)
    if len(_letters(name)) < _NAME_CHARS:
        return title
    return name if not _names(rest) or _is_motto(rest, name, host) else title


def _is_motto(rest: str, name: str, host: str) -> bool:
    if len(rest.split()) < _MOTTO_WORDS:
        return False
    site, said = max(host.split(".")[:-1], key=len, default=""), _letters(name)
    if len(site) >= _NAME_CHARS and site in _letters(rest) and site not in said:
        # "World news – read it all in The Gauge": the name is in what follows.
        return False
    return len(name.split()) > 1 or said in _letters(host) or said in _letters(rest)


def _names(text: str) -> bool:
    return " ".join(_LETTERS.findall(text.casefold())) not in _nameless()


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text.casefold()))


@cache
def _nameless() -> frozenset[str]:
    return frozenset(("", *rules.lines("nameless.txt")))
