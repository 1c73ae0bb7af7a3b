"""When no host at all is found, no feed is to blame. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from courant.feeds.fetching.resolve import NOT_FOUND


def hint(asked: Iterable[tuple[str, str | None]], who: str = "this machine") -> str | None:
    """What to look at, if every one of these URLs failed, as its host was not found.

    Args:
        asked: URL and error sentence, None where there is none.
        who: asked them.
    """
    errors = dict(asked).values()
    if not errors or not all(error and error.startswith(NOT_FOUND) for error in errors):
        return None
    if len(errors) == 1:
        return f"Is it spelt right, and is {who} online?"
    return f"None of these hosts was found: is {who} online?"
