"""How an audience is cut into chunks: key ranges known without reading anything. Pure.

A sid is uniform in hex, so a shard (its first digit) falls into equal parts by the digits that
follow. A range is written as it is kept: ``a`` (the whole shard) or ``a000-a3ff`` (both included).
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil

# Mails a second that one invocation sends at least (benchmarks/deliver.py), so that as many walk
# side by side as the account's rate asks for.
WALKER_RATE = 100
# More than one invocation walks in days helps nobody; more than this is a smaller chunk.
LARGEST = 100_000
SHARDS = 16
_DIGITS = 3
_PREFIXES = 4096


def parts(members: int, rate: float) -> int:
    """Into how many chunks each shard of an audience is cut.

    Args:
        members: of the whole slot, estimated.
        rate: mails a second that the account allows.
    """
    by_rate = ceil(rate / WALKER_RATE / SHARDS)
    by_size = ceil(members / SHARDS / LARGEST)
    # No chunk without anybody in it.
    sensible = max(1, members // SHARDS // 50)
    return min(max(by_rate, by_size, 1), max(sensible, by_size), _PREFIXES)


def ranges(shard: str, count: int) -> tuple[str, ...]:
    """A shard in ``count`` (1 to 4096) ranges of equal width; together they are the shard."""
    if count == 1:
        return (shard,)
    edges = [_PREFIXES * n // count for n in range(count + 1)]
    return tuple(
        f"{shard}{low:0{_DIGITS}x}-{shard}{high - 1:0{_DIGITS}x}" for low, high in pairwise(edges)
    )


def walkers(rate: float) -> int:
    """How many invocations walk at once: one that waits for its turn is paid for waiting."""
    return max(1, ceil(rate / WALKER_RATE))
