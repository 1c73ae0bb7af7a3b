"""UTF-8 that somebody read as Windows-1252 and wrote down as UTF-8 again: “itâ€™s” → “it’s”.

Mended piece by piece, for feeds paste such pieces into sound text. Pure.
"""

from __future__ import annotations

import re

_HIGH = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
# What begins two, three or four bytes of UTF-8, and what the others look like. Behind a Portuguese
# “Ã” a quotation may end, or trail off.
_PIECE = re.compile(
    rf"Â[\u0080-\u00ba\u00bc-\u00bf]|Ã[{_HIGH.translate(dict.fromkeys(map(ord, '’”…')))}]"
    rf"|â[{_HIGH}]{{2}}|ð[Ÿ\u009f][{_HIGH}]{{2}}"
)


def mend(text: str) -> str:
    """The text, with every piece that is UTF-8 twice over read as what was meant."""
    if text.isascii() or not any(sign in text for sign in "ÂÃâð"):
        return text
    return _PIECE.sub(_meant, text)


def _meant(piece: re.Match[str]) -> str:
    try:
        return b"".join(map(_byte, piece[0])).decode("utf-8")
    except UnicodeError:
        return piece[0]


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        # Five bytes that Windows-1252 leaves open come through as they are.
        return character.encode("latin-1")
