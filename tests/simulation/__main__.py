"""``make simulate EDITIONS=20000 [SEED=0] [JOBS=2] [RESUME=out/simulate.json]``: play, and count.

One seed alone is told call by call. The exit code is 1 if any law was broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.simulation.laws import judged
from tests.simulation.runs import Tally, run


def main() -> int:
    """Play as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--editions", type=int, default=20_000, help="how many seeds to play")
    parser.add_argument("--seed", type=int, default=0, help="the first")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--resume", type=Path, help="where ranges that were played are kept")
    asked = parser.parse_args()
    if asked.editions == 1:
        return _tell(asked.seed)
    started = time.perf_counter()
    told_at = started

    def heard(total: Tally) -> None:
        nonlocal told_at
        if time.perf_counter() - told_at > 30:
            told_at = time.perf_counter()
            sys.stderr.write(f"… {total.count:,} of {asked.editions:,}\n")

    total = run(asked.seed, asked.editions, asked.jobs, asked.resume, heard)
    elapsed = time.perf_counter() - started
    _say(*report(total, elapsed))
    return 1 if total.laws else 0


def report(total: Tally, elapsed: float) -> list[str]:
    """The figures, as lines."""
    last = total.first + total.count - 1
    lines = [
        f"seeds       {total.first:,} to {last:,}",
        f"editions    {total.editions:,}",
        f"digests     {total.digests:,}",
        f"accepts     {total.accepts:,}",
        f"calls       {total.calls:,}",
        f"faults      {sum(total.faults.values()):,}",
        *(f"  {many:>12,}  {fault}" for fault, many in total.faults.most_common()),
        "outcomes",
        *(f"  {many:>12,}  {name}" for name, many in sorted(total.outcomes.items())),
        f"sent twice  {total.duplicates:,} (by the rules of auto or an editor: {total.excused:,})",
        f"lost        {total.losses:,}",
        f"violations  {sum(total.laws.values()):,}",
        *(f"  {many:>12,}  {law}" for law, many in total.laws.most_common()),
        *(f"  seed {seed}: {what}" for seed, what in total.broken[:20]),
    ]
    if total.seconds:
        lines.append(
            f"time        {elapsed:,.1f} s here; {total.seconds / total.count * 1e3:.2f} ms a seed"
            f" and process, {total.editions / total.seconds:,.0f} editions a second and process"
        )
    if total.broken:
        lines.append(f"see one: make simulate EDITIONS=1 SEED={total.broken[0][0]}")
    return lines


def _tell(seed: int) -> int:
    play, judge, outcomes = judged(seed, trace=True)
    _say(
        *(play.world.trace or ()),
        str(play.script),
        str(dict(outcomes)),
        f"faults: {dict(play.world.faults)}",
        *(f"‼ {what}" for what in judge.broken),
        f"{len(judge.broken)} violations",
    )
    return 1 if judge.broken else 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
