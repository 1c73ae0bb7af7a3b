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
# What is written where the label says so, after the WHATWG Encoding Standard.
_WIDER = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(
    rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})[\"']", re.IGNORECASE
)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(body: bytes, content_type: str) -> str:
    """The document as text, without byte order mark or characters that XML forbids."""
    return _NOT_XML.sub("", _text(body, content_type)).lstrip("\ufeff")


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
    return mended if others > broken else body.decode("cp1252", "replace")


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
