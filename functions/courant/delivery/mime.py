"""Bytes of a mail: our own header lines, text and HTML parts in quoted-printable. Pure.

``email.message.EmailMessage`` is not used to write: it turns a List-Unsubscribe of 110 characters
into an RFC 2047 word, which no mailbox's one-click reads, and its own parser hides that.
"""

import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache

from courant.delivery import quoted

# Controls, line ends, and what turns the direction of text or is not seen at all.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+"
)
_ATOM_PHRASE = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*$")
# RFC 2047 §2: an encoded word has 75 characters at most, its line 76; "=?utf-8?b?" and "?=" take
# 12 of them, and base64 turns 3 bytes into 4 characters. The first word shares its line with the
# header's name.
_WORD_BYTES = (75 - 12) // 4 * 3
_FIRST_WORD_BYTES = (75 - 12 - len("Reply-To: ")) // 4 * 3
# RFC 5322 §2.1.1 asks for lines of 78 characters; 998 is where mail servers cut.
_LINE = 78
_LINE_MAX = 998


def build(headers: Sequence[tuple[str, str]], text: str, html: str | None) -> bytes:
    """A whole message with CRLF line ends: multipart/alternative, or text alone without ``html``.

    Header values must be ASCII already (``unstructured``, ``mailbox``); an over-long or
    non-ASCII one raises ValueError rather than being cut or encoded behind our back.
    """
    return assemble(headers, quoted.body(text), None if html is None else quoted.body(html))


def assemble(headers: Sequence[tuple[str, str]], text: bytes, html: bytes | None) -> bytes:
    """``build`` for bodies that are encoded already (quoted.py)."""
    lines = [_line(name, value) for name, value in headers]
    lines.append("MIME-Version: 1.0")
    head = "".join(f"{line}\r\n" for line in lines).encode("ascii")
    if html is None:
        return b"".join([head, *_part(b"plain", text)])
    boundary = f"=_{secrets.token_hex(16)}".encode()
    return b"".join(
        [
            head,
            b'Content-Type: multipart/alternative; boundary="%b"\r\n\r\n' % boundary,
            b"--%b\r\n" % boundary,
            *_part(b"plain", text),
            b"\r\n--%b\r\n" % boundary,
            *_part(b"html", html),
            b"\r\n--%b--\r\n" % boundary,
        ]
    )


def clean(value: str, limit: int = 150) -> str:
    """Text fit for a header: no controls, line ends or direction overrides, and not too long."""
    value = " ".join(_UNPRINTABLE.sub(" ", value).split())
    if len(value) <= limit:
        return value
    # Between words, if one ends in the second half.
    space = value.rfind(" ", limit // 2, limit)
    return value[: space if space > 0 else limit - 1].rstrip(" ,;:–—-") + "…"


@lru_cache(maxsize=256)
def unstructured(value: str) -> str:
    """A subject as header text: itself if ASCII, else RFC 2047 words that split no character."""
    value = clean(value)
    if value.isascii() and "=?" not in value:
        return value
    words: list[bytes] = [b""]
    for character in value:
        encoded = character.encode("utf-8", "replace")
        room = _FIRST_WORD_BYTES if len(words) == 1 else _WORD_BYTES
        if len(words[-1]) + len(encoded) > room:
            words.append(b"")
        words[-1] += encoded
    return " ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words)


@lru_cache(maxsize=256)
def mailbox(name: str, address: str) -> str:
    """``"Name" <address>`` with the name quoted or encoded as it needs."""
    # A name that looks like an address is how phishing looks.
    name = clean(clean(name).replace("@", " "))
    if not name:
        return address
    return f"{phrase(name)} <{address}>"


def phrase(name: str) -> str:
    """A display name (RFC 5322 phrase)."""
    name = clean(name)
    if not name.isascii() or "=?" in name:
        return unstructured(name)
    if _ATOM_PHRASE.match(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _line(name: str, value: str) -> str:
    if not value.isascii() or _UNPRINTABLE.search(value):
        raise ValueError(f"{name}: a header value must be printable ASCII")
    folded = _fold(f"{name}: {value}")
    if any(len(line) > _LINE_MAX for line in folded.split("\r\n")):
        raise ValueError(f"{name}: a header line may have {_LINE_MAX} characters")
    return folded


def _fold(line: str) -> str:
    """Fold at spaces; a run without spaces (a URL, an encoded word) is never broken.

    What follows the name stays on its line: one-click readers look for ``List-Unsubscribe: <``.
    """
    name, _, value = line.partition(" ")
    first, *rest = value.split(" ")
    lines = [f"{name} {first}"]
    for word in rest:
        if len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}"
    return "\r\n".join(lines)


def _part(subtype: bytes, body: bytes) -> tuple[bytes, bytes]:
    return (
        b"Content-Type: text/%b; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" % subtype,
        body,
    )
