"""What the web's habits are, in data: lists that grow without code."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def lines(name: str) -> tuple[str, ...]:
    """The rules of a file, one a line, without blank lines and ``#`` comments."""
    text = (_HERE / name).read_text("utf-8")
    return tuple(
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")
    )
