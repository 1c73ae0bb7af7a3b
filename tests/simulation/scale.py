"""``make scale``: one edition for 1,000 to 1,000,000 readers, by the real delivery code.

Nothing goes wrong, and no time is spent on AWS: what is measured is our own code, with the fakes it
talks to. The fakes hold next to nothing, so that the memory is the code's: readers are made when
they are asked for, and a digest that came to its end is one byte. A process of its own plays each
size, with all its walkers in it; so its memory is more than what one function's would be.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
import tracemalloc
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3

from courant.delivery.chunks import ChunkState, ChunkStore
from courant.delivery.mailer import Accepted, Outcome
from courant.editions.model import EditionState
from courant.newsletter import Policy
from courant.schedule import Due, Slot
from courant.subscribers import items
from courant.subscribers.model import SHARDS, Consent, Profile, Subscription
from tests.simulation.expressions import Item
from tests.simulation.script import EDITION, Script
from tests.simulation.stack import BEAT, Stack
from tests.simulation.table import Key, MemoryTable, plain
from tests.simulation.world import HOUR, MILLI, MINUTE, START, Invocation, World

SIZES = (1_000, 10_000, 100_000, 1_000_000)
# Mails a second of the account: of 500, editions use 400.
RATE = 500.0
_SLOT = Slot("daily")
# As many memberships, or rows of the ledger, are the megabyte that a Query reads.
_MEMBERS, _ROWS = 4_000, 3_500
_FINAL = {"sent": 1, "skipped": 2, "failed": 3, "unresolved": 4}
_WIDTH = 16**31


class Crowd(MemoryTable):
    """The subscribers table of so many readers of one slot, made when they are asked for."""

    def __init__(self, count: int) -> None:
        super().__init__("subscribers")
        self.sizes = [count // 16 + (number < count % 16) for number in range(16)]
        self.firsts = [sum(self.sizes[:number]) for number in range(16)]
        profile = Profile(
            sid="0",
            email="",
            name=None,
            locale=None,
            format="html",
            consent=Consent("test", START),
            subscriptions={EDITION.newsletter: Subscription(_SLOT, ())},
        )
        self._one: Item = plain(items.membership_item(profile, EDITION.newsletter, START))

    def sid(self, shard: int, number: int) -> str:
        """The reader's id; in the order of their numbers."""
        return f"{SHARDS[shard]}{(number + 1) * (_WIDTH // (self.sizes[shard] + 2)):031x}"

    def number(self, sid: str) -> int:
        """Which of all readers somebody is."""
        shard = SHARDS.index(sid[0])
        return self.firsts[shard] + int(sid[1:], 16) // (_WIDTH // (self.sizes[shard] + 2)) - 1

    def sids(
        self, shard: int, values: Mapping[str, str], start: Mapping[str, str] | None, most: int
    ) -> tuple[list[str], bool]:
        """At most so many readers of a range, from where the page before ended; are there more?"""
        everybody = range(self.sizes[shard])

        def sid(number: int) -> str:
            return self.sid(shard, number)

        first = bisect_left(everybody, values[":low"], key=sid)
        end = bisect_right(everybody, values[":high"], key=sid)
        if start:
            first = bisect_right(everybody, start["SK"], key=sid)
        return [sid(number) for number in range(first, min(end, first + most))], first + most < end

    def query(self, **asked: Any) -> dict[str, Any]:
        """A page of a range's members, or their count."""
        values = asked["ExpressionAttributeValues"]
        partition, most = values[":pk"], min(asked.get("Limit") or _MEMBERS, _MEMBERS)
        shard = SHARDS.index(partition[-1])
        sids, more = self.sids(shard, values, asked.get("ExclusiveStartKey"), most)
        page: dict[str, Any] = {"Count": len(sids), "ScannedCount": len(sids)}
        if asked.get("Select") != "COUNT":
            page["Items"] = [self._row(partition, sid) for sid in sids]
        if more:
            page["LastEvaluatedKey"] = {"PK": partition, "SK": sids[-1]}
        return page

    def _row(self, partition: str, sid: str) -> Item:
        return self._one | {"PK": partition, "SK": sid, "email": f"{sid[:12]}@example.com"}


class ByteLedger(MemoryTable):
    """A ledger with one byte for each digest that came to its end."""

    def __init__(self, crowd: Crowd, count: int) -> None:
        super().__init__("ledger")
        self._crowd = crowd
        self.ends = bytearray(count)
        self._open: dict[Key, Item] = {}
        # The last of each partition: the others are alike but for their keys.
        self._last: dict[str, Item] = {}

    def query(self, **asked: Any) -> dict[str, Any]:
        """As MemoryTable's; digests are made anew from their bytes."""
        values = asked["ExpressionAttributeValues"]
        partition = values[":pk"]
        if not partition.startswith("D#"):
            return super().query(**asked)
        shard = SHARDS.index(partition[-1])
        sids, more = self._crowd.sids(shard, values, asked.get("ExclusiveStartKey"), _ROWS)
        like = self._last.get(partition, {})
        found = [like | {"SK": sid} for sid in sids if self.ends[self._crowd.number(sid)]]
        page = {"Count": len(found), "ScannedCount": len(found), "Items": found}
        if more:
            page["LastEvaluatedKey"] = {"PK": partition, "SK": sids[-1]}
        return page

    def store(self, key: Key, item: Item | None) -> None:
        """As MemoryTable's."""
        if item is None or not key[0].startswith("D#"):
            super().store(key, item)
        elif item["st"] in _FINAL:
            self._open.pop(key, None)
            self.ends[self._crowd.number(key[1])] = _FINAL[item["st"]]
            self._last[key[0]] = item
        else:
            self._open[key] = item

    def _item(self, key: Key) -> Item | None:
        if not key[0].startswith("D#"):
            return super()._item(key)
        assert not self.ends[self._crowd.number(key[1])], "where nothing goes wrong none is reread"
        return self._open.get(key)


class CountingMailer:
    """An SES that takes all, in 20 ms, and keeps how often it took each."""

    def __init__(self, world: World, crowd: Crowd, count: int) -> None:
        self._world = world
        self._crowd = crowd
        self.taken = bytearray(count)
        self.size = 0
        # When the last was taken (µs).
        self.last = 0

    def send(self, raw: bytes, to: str, sender: str, tags: Mapping[str, str]) -> Outcome:
        """As Mailer's."""
        del to, sender
        self._world.wait(20 * MILLI)
        self.taken[self._crowd.number(tags["rid"])] += 1
        self.size += len(raw)
        self.last = self._world.now
        return Accepted(f"m-{tags['att']}")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one edition took.

    ``seconds`` of CPU, ``before`` and ``peak`` are the process's resident memory (MB), ``worker``
    is the most that one invocation of deliver allocated (MB; None: not traced). ``minutes`` would
    have passed, ``walks`` are invocations of deliver, ``size`` a mail's (bytes).
    """

    readers: int
    seconds: float
    before: float
    peak: float
    worker: float | None
    minutes: float
    walks: int
    size: int

    @property
    def each(self) -> float:
        """µs of CPU a digest."""
        return self.seconds / self.readers * 1e6


class Edition(Stack):
    """One edition of so many readers; ``traced``: one walker at a time, whose memory is traced."""

    def __init__(self, readers: int, rate: float, *, traced: bool = False) -> None:
        self.crowd = Crowd(readers)
        self.rows = ByteLedger(self.crowd, readers)
        self.content = MemoryTable("content", indexes={"due": ("due_kind", "due_at")})
        super().__init__(
            World(0),
            Script(
                policy=Policy.STRICT,
                readers=readers,
                by_hand=False,
                slots=(_SLOT,),
                dues=[Due(EDITION, START, (_SLOT,))],
                editions=[EDITION],
                lanes=16,
                page=250,
                parts=0,
                faulty=False,
                shards=SHARDS,
            ),
            content=self.content,
            ledger=self.rows,
            subscribers=self.crowd,
            max_rate=rate,
            queue_most=1 if traced else 10,
        )
        self.mailer = CountingMailer(self.world, self.crowd, readers)
        self._traced = traced
        self.walks = self.worker = 0

    def _deliver(self, me: Invocation, body: dict[str, Any]) -> str:
        self.walks += 1
        if not self._traced:
            return super()._deliver(me, body)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        came_to = super()._deliver(me, body)
        self.worker = max(self.worker, tracemalloc.get_traced_memory()[1] - before)
        return came_to

    def run(self) -> None:
        """Until it is sent."""
        self.world.at(0, self._beat)
        self.world.run(until=48 * HOUR)

    def _beat(self) -> None:
        self.world.invoke("heartbeat", self.heartbeat, BEAT)
        if [edition.state for edition in self.standing()] != [EditionState.SENT]:
            self.world.after(MINUTE, self._beat)

    def check(self) -> None:
        """Everybody was mailed once, and so do the rows and the counts say."""
        readers = self.script.readers
        past_the_seam: Any = self.rows
        chunks = ChunkStore(past_the_seam).of_edition(EDITION)
        assert [edition.state for edition in self.standing()] == [EditionState.SENT]
        assert all(chunk.state is ChunkState.DONE for chunk in chunks)
        assert sum(chunk.counts.sent for chunk in chunks) == readers
        assert self.mailer.taken == self.rows.ends == b"\1" * readers


def measured(readers: int, rate: float, *, traced: bool) -> Measured:
    """Send one edition in this process."""
    edition = Edition(readers, rate, traced=traced)
    # What the function holds beside: the clients of its SDK.
    region = {"region_name": "eu-central-1"}
    clients = [boto3.client(each, **region) for each in ("dynamodb", "sesv2", "s3", "sqs")]  # type: ignore[call-overload]  # its overloads want literals
    gc.collect()
    if traced:
        tracemalloc.start()
    before = _resident()
    started = time.process_time()
    edition.run()
    seconds = time.process_time() - started
    edition.check()
    assert len(clients) == 4
    return Measured(
        readers=readers,
        seconds=seconds,
        before=before,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        worker=edition.worker / 2**20 if traced else None,
        minutes=edition.mailer.last / MINUTE,
        walks=edition.walks,
        size=edition.mailer.size // readers,
    )


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def table(found: list[Measured]) -> list[str]:
    """The figures, as a Markdown table."""
    return [
        "| readers | CPU | a digest | would last | walks | before | at its peak | a walk's own |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {one.readers:,} | {one.seconds:,.1f} s | {one.each:,.0f} µs"
            f" | {one.minutes:,.1f} min | {one.walks:,} | {one.before:.0f} MB | {one.peak:.0f} MB"
            f" | {'' if one.worker is None else f'{one.worker:.1f} MB'} |"
            for one in found
        ),
    ]


def main() -> None:
    """Measure each size in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--rate", type=float, default=RATE, help="mails a second of the account")
    parser.add_argument("--traced", action="store_true", help="trace what a walk allocates (slow)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one = measured(asked.one, asked.rate, traced=asked.traced)
        sys.stdout.write(f"{json.dumps(asdict(one))}\n")
        return
    found = []
    for size in asked.sizes:
        command = [sys.executable, "-m", "tests.simulation.scale", "--one", str(size)]
        command += ["--rate", str(asked.rate), *(["--traced"] if asked.traced else [])]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
        found.append(Measured(**json.loads(told.stdout)))
        sys.stderr.write(f"{found[-1]}\n")
    sys.stdout.write("\n".join(table(found)) + "\n")


if __name__ == "__main__":
    main()
