"""Notices that files changed, by looking at them: no notifications, so it works on every disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

Stamps = Mapping[Path, tuple[int, int]]

# What editors leave beside the file they are writing.
_NOT_OURS = (".swp", ".swo", ".tmp", "~")


def stamps(places: Iterable[Path]) -> Stamps:
    """Each file of these places (a file, or a folder with all below it) → (mtime in ns, bytes)."""
    found: dict[Path, tuple[int, int]] = {}
    for place in places:
        for path in place.rglob("*") if place.is_dir() else (place,):
            if path.name.startswith(".") or path.name.endswith(_NOT_OURS):
                continue
            try:
                stat = path.stat()
            except OSError:
                # Editors write a new file and move it over the old one: between the two, none.
                continue
            if path.is_file():
                found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


class Watch:
    """Says once that a change is over: two looks in a row saw the same, and it is new.

    An editor may truncate a file before it writes it; half a file is no mistake of theirs.
    """

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = tuple(places)
        self._known = self._last = stamps(self._places)

    def changed(self) -> bool:
        """Look; whether there is something new that has come to rest."""
        last, self._last = self._last, stamps(self._places)
        if self._last != last or self._last == self._known:
            return False
        self._known = self._last
        return True
