"""Which feature of some pages works in which mail client, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from desk.commands import terminal
from desk.lint import clients
from desk.lint.check import client_table
from desk.lint.clients import Row

_CELLS = {
    "yes": "yes",
    "covered": "(no)",
    "partial": "part",
    "no": "NO",
    "unknown": "?",
    "unseen": "·",
}
_SHORT = {
    "gmail": "Gmail",
    "gmail-ios": "G iOS",
    "gmail-android": "G And",
    "outlook-windows": "O Win",
    "outlook-new": "O new",
    "outlook-macos": "O mac",
    "outlook-ios": "O iOS",
    "outlook-android": "O And",
    "apple-macos": "A mac",
    "apple-ios": "A iOS",
    "yahoo": "Yahoo",
    "yahoo-ios": "Y iOS",
    "yahoo-android": "Y And",
    "samsung": "Sams.",
}


def show(pages: Iterable[str]) -> None:
    """Print what every client makes of the features that these pages (HTML) use."""
    rows = clients.merged(client_table(html) for html in pages)
    reasons = {reason: str(n) for n, reason in enumerate(_reasons(rows), 1)}
    terminal.table(
        ["Feature", *_SHORT.values(), "Stand-in"],
        [
            [
                row.feature.title,
                *(_CELLS[row.cells[client]] for client in _SHORT),
                " ".join(reasons[reason] for reason in row.reasons),
            ]
            for row in rows
        ],
    )
    terminal.say("(no): not there, or in part, and something stands in; ·: does not see it")
    for reason, number in reasons.items():
        terminal.say(f"{number:>4}  {reason}")
    terminal.say()


def _reasons(rows: Iterable[Row]) -> dict[str, None]:
    return {reason: None for row in rows for reason in row.reasons}
