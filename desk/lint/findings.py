"""What the linter says: one thing to mend, where it is, and who is hit by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from desk.lint.page import Element

Severity = Literal["error", "warning", "note"]
# The worst first, as they are printed.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

_EXCERPT = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend.

    ``line`` and ``column`` count from 1 in the decoded HTML (0: the page as a whole; a text part's
    own line where ``part`` is "text"). An *error* hurts readers, a *warning* may, a *note* is worth
    knowing and fails nothing. ``clients`` are ids of clients.CLIENTS, empty where all are meant.
    """

    rule: str
    severity: Severity
    message: str
    line: int = 0
    excerpt: str = ""
    clients: tuple[str, ...] = ()
    column: int = 0
    part: Literal["html", "text"] = "html"

    @property
    def place(self) -> str:
        """``digest.html:12:340``, as editors and terminals follow it."""
        name = f"digest.{'txt' if self.part == 'text' else 'html'}"
        return f"{name}:{self.line}:{self.column}" if self.line else name


def at(rule: str, severity: Severity, message: str, element: Element | None) -> Finding:
    """A finding of an element; of the page as a whole where there is none."""
    if element is None:
        return Finding(rule, severity, message)
    excerpt = shorten(element.source)
    return Finding(rule, severity, message, element.line, excerpt, (), element.column)


def shorten(text: str, length: int = _EXCERPT) -> str:
    """A line of source as an excerpt: one line, cut at ``length`` characters."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, then as they stand in the page."""
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                SEVERITIES.index(finding.severity),
                finding.part,
                finding.line,
                finding.column,
                finding.rule,
            ),
        )
    )
