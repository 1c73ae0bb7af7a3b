"""Bodies in quoted-printable; what readers share of them is encoded once. Pure.

Quoted-printable looks at one line at a time. So a digest's body is its pressing's fragments, each
encoded for all readers, one after another; only lines with a reader's own values are encoded for
each. Encoding whole bodies would be most of what a digest costs (docs/benchmarks.md).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

# Python encodes a space before a line end without a look at how long that makes the line.
_TOO_LONG = re.compile(rb"^(.{74,75})(=20|=09)$", re.MULTILINE)

# Fragments, of 1 to 2 kB: 200 stories in six languages, as HTML and as text, are some 3,000.
_KEPT = 4_096


def body(content: str) -> bytes:
    """Content in quoted-printable: lines of 76 characters at most, each ended with CRLF."""
    return _encoded(content if content.endswith("\n") else f"{content}\n")


def joined(fragments: Iterable[str], values: Mapping[str, str]) -> bytes:
    """``body`` of the fragments joined, placeholders filled in (placeholder → value).

    The same bytes if every fragment is whole lines. One that ends within a line ends in a soft
    line break, which decodes to nothing.
    """
    left = [fragment for fragment in fragments if fragment]
    if left and not left[-1].endswith("\n"):
        left[-1] += "\n"
    places = tuple(values)
    return b"".join(
        run if isinstance(run, bytes) else _lines(_filled(run, values))
        for fragment in left
        for run in _runs(fragment, places)
    )


@lru_cache(maxsize=_KEPT)
def _runs(fragment: str, places: tuple[str, ...]) -> tuple[bytes | str, ...]:
    """A fragment as runs of lines: those without placeholders encoded, the others as they are."""
    runs: list[bytes | str] = []
    still = ""
    for line in re.split(r"(?<=\n)", fragment):
        if any(place in line for place in places):
            runs += [_lines(still), line] if still else [line]
            still = ""
        else:
            still += line
    return (*runs, _lines(still)) if still else tuple(runs)


def _filled(text: str, values: Mapping[str, str]) -> str:
    for place, value in values.items():
        text = text.replace(place, value)
    return text


def _lines(content: str) -> bytes:
    if content.endswith("\n"):
        return _encoded(content)
    # The letter makes room on its line for the "=", and keeps a space before it as it is.
    return _encoded(f"{content}x")[:-1] + b"=\r\n"


def _encoded(content: str) -> bytes:
    # Lone surrogates can't be UTF-8; CR is ours alone to write.
    content = content.replace("\r\n", "\n").replace("\r", "\n")
    encoded = binascii.b2a_qp(content.encode("utf-8", "replace"), istext=True)
    encoded = _TOO_LONG.sub(rb"\1=\n\2", encoded)
    return encoded.replace(b"\n", b"\r\n")
