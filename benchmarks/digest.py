"""A reader's mail joined from a pressing, against rendering and inlining it for that reader alone.

``python -m benchmarks.digest [--sizes 5x5,10x10,20x10] [--look cards] [--rounds 7] [--few 8]``

Everyone makes the same mails (checked before anything is timed), in turns, in one process on one
core; rates are of processor time, medians over the rounds. Those who render for each reader have
their templates compiled and the texts, dates and Markdown of all stories ready, once an edition; so
only what differs between readers is left to do. ``floor`` is quoted-printable alone, which every
mail needs. Then: what composing takes, and what share of a send the join is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.answers import serving
from benchmarks.corpus import ROOT
from benchmarks.digest_ways import Case, Ways, cases
from benchmarks.edition import LINK, NOW, edition, occasion, readers
from courant.delivery.digest import join, message
from courant.delivery.ledger import DeliveryState, Ledger
from courant.delivery.mailer import Accepted, Mailer
from courant.editions.pressing import Frozen, Pressing
from courant.editions.render import render
from courant.schedule import EditionId, Slot
from courant.subscribers.links import Links

LOCALES = ("ar", "de", "en", "es", "fr", "nl")
READERS = 200
# The join is so quick that it is timed over as many mails as the others take time for.
_TIMES = 25
EDITION = EditionId("morning", "daily", NOW.date())


@dataclass(frozen=True, slots=True)
class Size:
    """Sections, and stories in each."""

    sections: int
    stories: int

    def __str__(self) -> str:
        return f"{self.sections}×{self.stories}"


def speed(ways: Ways, all_cases: list[Case], rounds: int, few: int) -> dict[str, list[float]]:
    """Seconds of processor time a mail, by who makes it, one figure a round."""
    found: dict[str, list[float]] = {name: [] for name in ways.by_name}
    turn = cycle(all_cases)
    for number in range(rounds):
        batch = list(islice(turn, few))
        # Everyone begins a round once, so that none always runs on warm caches.
        names = list(ways.by_name)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            make = ways.by_name[name]
            times = 1 if name in ways.slow else _TIMES
            start = time.process_time()
            for _ in range(times):
                for case in batch:
                    make(case)
            found[name].append((time.process_time() - start) / (times * few))
    return found


def weights(pressing: Pressing, all_cases: list[Case]) -> dict[str, float]:
    """How much a reader's mail is, in the middle and at most."""
    html = [len(case.digest.html.encode()) for case in all_cases]
    raw = [
        message(pressing, case.digest, to="r@example.org", now=NOW, unsubscribe_url=LINK)
        for case in all_cases
    ]
    return {
        "html_kb": median(html) / 1000,
        "html_most_kb": max(html) / 1000,
        "raw_kb": median(map(len, raw)) / 1000,
        "raw_most_kb": max(map(len, raw)) / 1000,
        "lines": median(one.count(b"\r\n") for one in raw),
        "stories": median(len(case.digest.stories) for case in all_cases),
    }


def compose(size: Size, look: str) -> dict[str, float]:
    """What pressing an edition takes, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.digest", "--compose", str(size), "--look", look]
    ended = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return result


def compose_here(size: Size, look: str) -> dict[str, float]:
    """What ``compose`` runs over there: first one locale, then all."""
    at = occasion(size.sections, size.stories, look)
    sections = edition(at.newsletter)
    before = _peak_mb()
    found: dict[str, float] = {"base_mb": before}
    for name, locales in (("first_s", ()), ("one_s", ()), ("six_s", LOCALES)):
        start = time.process_time()
        pressing = render(at, sections, (Slot("daily"),), locales=locales)
        found[name] = time.process_time() - start
        found[f"{name[:-2]}_mb"] = _peak_mb()
        frozen = Frozen(edition=EDITION, instant=NOW, cut_at=NOW, pressings=(pressing,))
        found[f"{name[:-2]}_kb"] = len(frozen.to_json().encode()) / 1000
    return found


def share(pressing: Pressing, some_cases: list[Case], rounds: int) -> dict[str, float]:
    """Milliseconds of our processor time a digest: the join, and deliver's calls with that mail."""
    links = Links("https://news.example.org", (b"benchmark",))
    now = NOW
    found: dict[str, list[float]] = {"join": [], "claim": [], "ses": [], "record": []}
    numbers = iter(range(10**9))
    with serving():
        from courant import aws  # boto3 is loaded for this part only

        ledger, mailer = Ledger(aws.table("ledger")), Mailer("Digests")
        for _ in range(rounds + 1):
            spent = dict.fromkeys(found, 0.0)
            for case in some_cases:
                sid, last = f"{next(numbers):032x}", time.process_time()

                def lap(name: str, since: float, spent: dict[str, float] = spent) -> float:
                    at = time.process_time()
                    spent[name] += at - since
                    return at

                url = links.unsubscribe(sid, "morning")
                digest = join(pressing, case.reader, url)
                assert digest is not None  # noqa: S101 - every case has stories
                raw = message(pressing, digest, to="r@example.org", now=now, unsubscribe_url=url)
                last = lap("join", last)
                row = ledger.claim(EDITION, sid, attempt=sid[:16], chunk="06.0", lease=now, now=now)
                last = lap("claim", last)
                tags = {"ed": EDITION.tag, "rid": sid, "att": sid[:16]}
                sent = mailer.send(raw, "r@example.org", "morning@example.org", tags)
                last = lap("ses", last)
                if not isinstance(sent, Accepted) or row.attempt != sid[:16]:
                    raise RuntimeError(f"the stub answered {sent}, {row}")
                ledger.record(
                    EDITION, sid, sid[:16], DeliveryState.SENT, now, message_id=sent.message_id
                )
                lap("record", last)
            for name, seconds in spent.items():
                found[name].append(seconds / len(some_cases) * 1000)
    # The first round opens connections, loads boto3's models and meets every story for the first
    # time; a chunk has many more readers than that.
    return {name: median(each[1:]) for name, each in found.items()}


def measure(sizes: list[Size], look: str, rounds: int, few: int, peers: str) -> None:
    """All of it, printed."""
    print(f"look {look}, {rounds} rounds of {few} readers, one core of {os.cpu_count()}")
    print(f"\n{'mails a second':16}", *(f"{name:>13}" for name in _NAMES))
    ratios, mails, composed, shares = [], [], [], []
    for size in sizes:
        at = occasion(size.sections, size.stories, look)
        sections = edition(at.newsletter)
        pressing = render(at, sections, (Slot("daily"),))
        all_cases = cases(pressing, sections, islice(readers(at.newsletter), READERS))
        ways = Ways(at, sections, pressing, peers)
        ways.check(all_cases[:few])
        found = speed(ways, all_cases, rounds, few)
        rates = [1 / median(found[name]) if name in found else None for name in _NAMES]
        print(f"{size!s:16}", *(f"{'-' if each is None else round(each, 1):>13}" for each in rates))
        ours = found["join"]
        ratios.append(
            [
                median(b / a for a, b in zip(ours, found[name], strict=True))
                if name in found
                else None
                for name in _NAMES
            ]
        )
        mails.append(weights(pressing, all_cases))
        composed.append(compose(size, look))
        shares.append(share(pressing, all_cases[: few * 8], rounds))
    _table("times as quick as", sizes, [dict(zip(_NAMES, row, strict=True)) for row in ratios])
    _table("a mail", sizes, mails)
    _table("composing", sizes, composed)
    _table("ms a send", sizes, [_with_share(one) for one in shares])


_NAMES = ("join", "premailer", "css-inline", "floor")


def _with_share(spent: Mapping[str, float]) -> dict[str, float]:
    return {**spent, "join_percent": 100 * spent["join"] / sum(spent.values())}


def _table(title: str, sizes: list[Size], rows: list[Any]) -> None:
    print(f"\n{title:16}", *(f"{name:>13}" for name in rows[0]))
    for size, row in zip(sizes, rows, strict=True):
        shown = ("-" if value is None else f"{value:,.2f}" for value in row.values())
        print(f"{size!s:16}", *(f"{value:>13}" for value in shown))


def _peak_mb() -> float:
    # Not getrusage: that one counts the parent's memory too, from before the exec.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"}


def _size(text: str) -> Size:
    sections, _, stories = text.replace("×", "x").partition("x")
    return Size(int(sections), int(stories))


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--sizes", default="5x5,10x10,20x10")
    words.add_argument("--look", default="broadsheet")
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--few", type=int, default=8, help="readers a round")
    words.add_argument("--peers", default=str(ROOT / ".venv-bench/bin/python"))
    words.add_argument("--compose", type=_size, help=argparse.SUPPRESS)
    chosen = words.parse_args(arguments)
    if chosen.compose:
        print(json.dumps(compose_here(chosen.compose, chosen.look)))
        return
    sizes = [_size(text) for text in chosen.sizes.split(",")]
    measure(sizes, chosen.look, chosen.rounds, chosen.few, chosen.peers)


if __name__ == "__main__":
    main()
