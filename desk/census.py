"""Whom an edition would go to if it were cut now: readers by slot and by locale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from courant.newsletter import Newsletter
from courant.schedule import Slot
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import SHARDS

# A list of a million is 300 pages; asked one after the other they take minutes.
_AT_ONCE = 8
# Draws a bar over what it is given, which has this many.
Track = Callable[[Iterable[Any], int], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Census:
    """Readers by slot, the largest first, and by locale; slots without any are left out.

    Who named no locale is counted under the newsletter's language.
    """

    slots: Mapping[Slot, int]
    locales: Mapping[str, int]

    @property
    def members(self) -> int:
        """All of them."""
        return sum(self.slots.values())


def take(
    lists: MemberLists, newsletter: Newsletter, cadence: str, at: datetime, track: Track
) -> Census:
    """Count everybody who would belong to the cadence's edition cut at an instant."""
    slots = [slot for slot in lists.slots(newsletter.id) if slot.cadence == cadence]
    ranges = [(slot, shard) for slot in slots for shard in SHARDS]
    by_slot: Counter[Slot] = Counter()
    by_locale: Counter[str] = Counter()
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        counted = pool.map(lambda one: lists.census(newsletter.id, one[0], one[1], at), ranges)
        for (slot, _), locales in track(zip(ranges, counted, strict=True), len(ranges)):
            by_slot[slot] += locales.total()
            for locale, count in locales.items():
                by_locale[locale or newsletter.language] += count
    finally:
        # After Ctrl-C or an error nobody waits for the rest.
        pool.shutdown(cancel_futures=True)
    return Census(
        {slot: count for slot, count in by_slot.most_common() if count},
        dict(by_locale.most_common()),
    )
