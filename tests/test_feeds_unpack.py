"""Bodies unpacked within bounds."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.feeds.fetching.http_answer import BadAnswer
from courant.feeds.fetching.unpack import MAX_MEMBERS, MAX_RATIO, RATIO_FREE_BYTES, unpack

MIB = 1024 * 1024
FEED = b"<rss version='2.0'><channel><title>t</title></channel></rss>" * 20


def pieces(data: bytes, size: int = 65_536) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 2, 7, 65_536])
@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (FEED, ""),
        (FEED, "gzip"),
        (FEED, "deflate"),
        (gzip.compress(FEED, mtime=0), ""),
        (gzip.compress(FEED, mtime=0), "identity"),
        (gzip.compress(FEED, mtime=0), "deflate"),
        (
            gzip.compress(FEED[:20], mtime=0)
            + gzip.compress(b"", mtime=0)
            + gzip.compress(FEED[20:], mtime=0),
            "x-gzip",
        ),
        (gzip.compress(FEED, mtime=0) + b"\0" * 100, "gzip"),
        (gzip.compress(FEED, mtime=0) + b"\x1f", "gzip"),
        (gzip.compress(FEED, mtime=0) + b"<!-- cached -->", "gzip"),
        (zlib.compress(FEED), "deflate"),
        (zlib.compress(FEED) + b"\r\n", "deflate"),
    ],
)
def test_document_comes_out(data: bytes, encoding: str, size: int) -> None:
    assert unpack(pieces(data, size), encoding, MIB) == FEED


@pytest.mark.parametrize("data", [b"", b"<", b"\x1f", b"x"])
def test_short_bodies_are_what_they_are(data: bytes) -> None:
    for encoding in ("", "gzip", "deflate"):
        assert unpack(iter([data]), encoding, MIB) == data
    assert unpack(iter([]), "gzip", MIB) == b""


def test_unpacked_once_only() -> None:
    inner = gzip.compress(FEED, mtime=0)

    assert unpack(pieces(gzip.compress(inner, mtime=0)), "gzip", MIB) == inner


@given(st.binary(max_size=3000), st.integers(1, 4000))
def test_what_was_packed_comes_out(data: bytes, size: int) -> None:
    assert unpack(pieces(gzip.compress(data, mtime=0), size), "gzip", MIB) == data
    if not data.startswith(b"\x1f\x8b"):
        assert unpack(pieces(data, size), "", MIB) == data


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate"]))
def test_any_bytes_are_a_body_or_a_bad_one(data: bytes, encoding: str) -> None:
    for body in (
        data,
        b"\x1f\x8b" + data,
        gzip.compress(b"", mtime=0)[:10] + data,
        b"\x78\x9c" + data,
    ):
        with suppress(BadAnswer):
            assert len(unpack(pieces(body, 7), encoding, MIB)) <= MIB


@pytest.mark.parametrize("cut", [1, 4, 9, 40])
def test_cut_off_gzip_is_a_failure(cut: int) -> None:
    with pytest.raises(BadAnswer, match="cut off"):
        unpack(pieces(gzip.compress(FEED, mtime=0)[:-cut]), "gzip", MIB)


def test_broken_gzip_is_a_failure() -> None:
    packed = bytearray(gzip.compress(FEED, mtime=0))
    packed[-6] ^= 1  # the checksum

    with pytest.raises(BadAnswer, match="not valid gzip"):
        unpack(pieces(bytes(packed)), "gzip", MIB)


def test_plain_body_beyond_the_cap_is_refused() -> None:
    assert len(unpack(pieces(b"x" * MIB), "", MIB)) == MIB
    with pytest.raises(BadAnswer, match="more than 1 MiB"):
        unpack(pieces(b"x" * (MIB + 1)), "", MIB)


def test_packed_body_beyond_the_cap_is_refused() -> None:
    text = "".join(f"<item>{number * 7919}</item>" for number in range(80_000)).encode()
    assert len(text) > MIB > len(gzip.compress(text, mtime=0))

    assert unpack(pieces(gzip.compress(text, mtime=0)), "gzip", len(text)) == text
    with pytest.raises(BadAnswer, match="unpacks to more than 1 MiB"):
        unpack(pieces(gzip.compress(text, mtime=0)), "gzip", MIB)


def test_ratio_counts_from_a_mebibyte_on() -> None:
    flat = b"\0" * RATIO_FREE_BYTES
    assert len(gzip.compress(flat, mtime=0)) * MAX_RATIO < len(flat)

    assert unpack(pieces(gzip.compress(flat, mtime=0)), "gzip", 10 * MIB) == flat
    with pytest.raises(BadAnswer, match="100 times its size"):
        unpack(pieces(gzip.compress(flat * 3, mtime=0)), "gzip", 10 * MIB)


def test_thousands_of_members_are_refused() -> None:
    empty = gzip.compress(b"", mtime=0)

    assert unpack(pieces(empty * MAX_MEMBERS), "gzip", MIB) == b""
    with pytest.raises(BadAnswer):
        unpack(pieces(empty * (MAX_MEMBERS + 1)), "gzip", MIB)


def test_bomb_of_a_gibibyte_costs_little_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(b"\0" * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    mebibyte = packer.compress(b"\0" * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing looks back, so the same bytes unpack to another mebibyte each time.
    bomb = head + mebibyte * 1023
    assert zlib.decompressobj(31).decompress(head + mebibyte * 2) == b"\0" * (3 * MIB)
    assert len(bomb) < 1.1 * MIB

    tracemalloc.start()
    with pytest.raises(BadAnswer, match="unpacks to more"):
        unpack(pieces(bomb), "gzip", 10 * MIB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 24 * MIB
