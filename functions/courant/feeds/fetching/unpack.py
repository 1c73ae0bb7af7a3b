"""A body as it came over the wire → the document, unpacked within bounds.

Servers say gzip of plain bodies and nothing of packed ones, so the first two bytes decide. Unpacked
once: a document that is still gzip afterwards is for nobody to read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from itertools import chain

from courant.feeds.fetching.http_answer import BadAnswer

# What may be sent though only gzip was asked for, because everybody can read it.
ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
MAX_RATIO = 100
# Small bodies may be as repetitive as they like.
RATIO_FREE_BYTES = 1024 * 1024
# Files of several gzip members exist; of thousands of empty ones only attacks.
MAX_MEMBERS = 1_000

_GZIP = b"\x1f\x8b"
_STEP_BYTES = 262_144


def unpack(pieces: Iterable[bytes], encoding: str, max_bytes: int) -> bytes:
    """The whole body. ``encoding`` is the Content-Encoding, one of ``ENCODINGS``.

    Raises:
        BadAnswer: too big, too small for what it unpacks to, cut off, or not valid gzip.
    """
    stream = iter(pieces)
    first = b""
    for piece in stream:
        first += piece
        if len(first) >= len(_GZIP):
            break
    pieces = chain((first,), stream)
    if first.startswith(_GZIP):
        wbits = zlib.MAX_WBITS | 16
    elif encoding == "deflate" and _has_zlib_header(first):
        wbits = zlib.MAX_WBITS
    else:
        return _gathered(pieces, max_bytes)
    try:
        return _inflated(pieces, wbits, max_bytes)
    except zlib.error as error:
        raise BadAnswer("its answer is not valid gzip") from error


def _gathered(pieces: Iterable[bytes], max_bytes: int) -> bytes:
    # Not a list of pieces: a chunk may be a single byte, its object fifty.
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > max_bytes:
            raise BadAnswer(f"it sent more than {_mib(max_bytes)}")
    return bytes(body)


def _inflated(pieces: Iterable[bytes], wbits: int, max_bytes: int) -> bytes:
    body = bytearray()
    received, members, packed = 0, 1, b""
    inflate = zlib.decompressobj(wbits)
    for piece in pieces:
        received += len(piece)
        packed += piece
        while packed:
            if inflate.eof:
                if len(packed) < len(_GZIP):
                    break
                if not packed.startswith(_GZIP):
                    return bytes(body)  # padding, or a server's afterthought
                members += 1
                inflate = zlib.decompressobj(wbits)
            body += inflate.decompress(packed, _STEP_BYTES)
            packed = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if len(body) > max_bytes:
                raise BadAnswer(f"it unpacks to more than {_mib(max_bytes)}")
            if len(body) > max(RATIO_FREE_BYTES, MAX_RATIO * received) or members > MAX_MEMBERS:
                raise BadAnswer(f"it unpacks to more than {MAX_RATIO} times its size")
    if not inflate.eof:
        raise BadAnswer("its answer was cut off")
    return bytes(body)


def _has_zlib_header(first: bytes) -> bool:
    # RFC 1950 §2.2; raw deflate, which some call so too, has no header to know it by.
    return len(first) > 1 and first[0] & 0x0F == 8 and int.from_bytes(first[:2], "big") % 31 == 0


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:g} MiB"
