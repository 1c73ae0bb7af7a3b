"""Bytes → text: which characters a document is written in, whoever claims what.

The codecs are a list of our own. Python would also take ``unicode_escape``, ``idna`` or
``punycode`` from a feed, which are slow or worse. The result holds only characters that XML 1.0
allows, so one stray control character doesn't spoil a feed.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    # UTF-32 first: its little-endian mark begins like UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
    # "<?" without a mark.
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00<\x00?", "utf-16-be"),
)
_MULTIBYTE = frozenset(
    codecs.lookup(name).name
    for name in (
        *("big5", "big5hkscs", "cp932", "cp949", "cp950", "euc_jis_2004", "euc_jp", "euc_kr"),
        *("gb18030", "gb2312", "gbk", "hz", "iso2022_jp", "iso2022_kr", "johab", "shift_jis"),
        *("utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"),
    )
)
_SINGLE_BYTE = frozenset(
    codecs.lookup(name).name
    for name in (
        *("ascii", "koi8_r", "koi8_u", "kz1048", "latin_1", "mac_roman", "mac_cyrillic", "tis_620"),
        *(f"cp{page}" for page in (437, 737, 775, 850, 852, 855, 857, 858, 862, 865, 866, 874)),
        *(f"cp{page}" for page in range(1250, 1259)),
        *(f"iso8859_{part}" for part in (*range(2, 12), *range(13, 17))),
    )
)
_OTHER_SCRIPTS = frozenset(
    codecs.lookup(name).name
    for name in (
        *("big5", "cp932", "cp949", "euc_jp", "euc_kr", "gb18030", "shift_jis"),
        *("cp1251", "koi8_r", "koi8_u", "cp1253", "cp1255", "cp1256", "tis_620", "cp874"),
        *(f"iso8859_{part}" for part in (5, 6, 7, 8, 11)),
    )
)
_GUESSED_BYTES, _FEW_BYTES = 65_536, 8
_FOREIGN = re.compile(rb"[\x80-\xff]+")
# What is written where the label says so, after the WHATWG Encoding Standard.
_WIDER = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(
    rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})[\"']", re.IGNORECASE
)
_CONTROLS = bytes({*range(0x20)} - {0x09, 0x0A, 0x0D})
_NOT_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(body: bytes, content_type: str) -> str:
    """The document as text, without byte order mark or characters that XML forbids."""
    text = _text(body, content_type)
    return (text if _is_clean(text) else _NOT_XML.sub("", text)).lstrip("\ufeff")


def _is_clean(text: str) -> bool:
    """Whether nothing is to be removed: bytes are looked through far quicker than characters."""
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(encoded.translate(None, _CONTROLS)) == len(encoded) and not any(
        character in encoded for character in _NOT_CHARACTERS
    )


def _text(body: bytes, content_type: str) -> str:
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    header = _CHARSET.search(content_type)
    prolog = _XML_ENCODING.match(body[:400])
    claims = [
        codec
        for label in (header[1] if header else "", prolog[1].decode() if prolog else "")
        if (codec := _codec(label))
    ]
    for codec in claims:
        # Bytes that are UTF-8 by accident are next to impossible in these; in a single-byte
        # character set a UTF-8 document with a wrong label is far more likely than that.
        if codec in _MULTIBYTE and (text := _strictly(body, codec)) is not None:
            return text
    text = _strictly(body, "utf-8")
    if text is not None:
        return text
    for codec in claims:
        if codec in _SINGLE_BYTE:
            return body.decode(codec, "replace")
    mended = body.decode("utf-8", "replace")
    broken = mended.count("\ufffd")
    others = sum(1 for character in mended if character > "\x7f") - broken
    return mended if others > broken else body.decode(_guessed(body), "replace")


def _guessed(body: bytes) -> str:
    """The codec of a document that says nothing, or nothing true."""
    foreign = _FOREIGN.findall(body[:_GUESSED_BYTES])
    of_words = sum(len(run) for run in foreign if len(run) > 1)
    # In the Latin alphabets accents stand alone, and cp1252 is what most of those documents are.
    if of_words < _FEW_BYTES or of_words < sum(map(len, foreign)) * 0.3:
        return "cp1252"
    # Late: hardly any document needs it.
    from charset_normalizer import from_bytes

    guess = from_bytes(body[:_GUESSED_BYTES]).best()
    codec = _codec(guess.encoding) if guess else None
    return codec if codec in _OTHER_SCRIPTS else "cp1252"


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name if label else ""
    except (LookupError, ValueError):
        return None
    name = _WIDER.get(name, name)
    return name if name in _MULTIBYTE or name in _SINGLE_BYTE else None


def _strictly(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except UnicodeError:
        return None
