"""What delivering costs above the calls to AWS that it must make, and how quick it is.

``python -m benchmarks.deliver [--members 600] [--rounds 7] [--peers .venv-bench/bin/python]``

The deliver function itself, from the event to its answer, against AWS on loopback (answers.py):

- *overhead*: each digest of ours is followed at once by its three calls made bare, so both have the
  same minute of a busy machine. AWS answers at once, one recipient in flight.
- *pace*: SES answers after 60 ms, DynamoDB after 5; 16 recipients in flight.
- *peer*: django-anymail hands the same mails to the same SES.
- *cold*: from the first import to the first event's answer, in a fresh process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from benchmarks.answers import serving
from benchmarks.corpus import ROOT
from benchmarks.deliver_ways import SETTINGS, Asked, Bare, Context, Digest, Editions, recording
from courant.delivery.sender import Sender
from courant.subscribers.lists import MemberLists

LANES = 16
SES_MS, DYNAMODB_MS = 60.0, 5.0


@dataclass(slots=True)
class Spent:
    """Seconds, of the clock on the wall and of this process."""

    wall: float = 0.0
    cpu: float = 0.0

    def of(self, run: Callable[..., object], *given: Any) -> None:
        """Add what one run takes."""
        wall, cpu = time.perf_counter(), time.process_time()
        run(*given)
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall


@contextmanager
def function(lanes: int) -> Iterator[Callable[[Any], Any]]:
    """The deliver function as it starts in a fresh sandbox; its log goes nowhere, as in AWS."""
    handler = importlib.import_module("deliver.handler")
    handler.wire.cache_clear()
    with (
        mock.patch.dict(os.environ, SETTINGS | {"LANES": str(lanes)}),
        Path(os.devnull).open("w") as nowhere,
        mock.patch.object(sys, "stderr", nowhere),
    ):
        yield lambda event: _whole(handler.handler(event, Context()))
    handler.wire.cache_clear()


def _whole(answer: Any) -> None:
    if answer != {"batchItemFailures": []}:
        raise RuntimeError(f"deliver answered {answer}")


def walked(deliver: Callable[[Any], Any], editions: Editions) -> list[Asked]:
    """What one walk asks of AWS."""
    event = editions.next()
    with recording() as asked:
        deliver(event)
    return asked


def overhead(size: tuple[int, int], members: int, rounds: int) -> list[tuple[Spent, Spent]]:
    """What the function takes, and what the same digests' calls take bare, a pair a round."""
    found = []
    with serving(), function(1) as deliver:
        editions = Editions(members, *size)
        asked = walked(deliver, editions)
        bare = Bare(asked)
        for _ in range(rounds):
            event, whole, calls = editions.next(), Spent(), Spent()
            with _followed(bare, calls):
                whole.of(deliver, event)
            found.append((Spent(whole.wall - calls.wall, whole.cpu - calls.cpu), calls))
    return found


@contextmanager
def _followed(bare: Bare, spent: Spent) -> Iterator[None]:
    """Each digest of a walk, and each page, is followed by its calls made bare."""
    send, page = Sender.send, MemberLists.page
    digests, pages = iter(bare.digests), iter(bare.pages)

    def sent(self: Sender, *given: Any) -> Any:
        result = send(self, *given)
        spent.of(bare.deliver, next(digests))
        return result

    def read(self: MemberLists, *given: Any, **named: Any) -> Any:
        result = page(self, *given, **named)
        spent.of(bare.page, next(pages))
        return result

    with mock.patch.object(Sender, "send", sent), mock.patch.object(MemberLists, "page", read):
        yield
    if next(digests, None) is not None:
        raise RuntimeError("the walks differ")


def pace(
    size: tuple[int, int], members: int, rounds: int, ses_ms: float, dynamodb_ms: float
) -> dict[str, list[Spent]]:
    """What ``members`` mails take with so many in flight, by who sends them."""
    with serving(), function(1) as deliver:
        editions = Editions(members, *size)
        asked = walked(deliver, editions)
    found: dict[str, list[Spent]] = {"Courant": [], "three calls": [], "send_email": []}
    with (
        serving(ses_ms, dynamodb_ms),
        function(LANES) as deliver,
        ThreadPoolExecutor(LANES) as threads,
    ):
        editions, bare = Editions(members, *size), Bare(asked)

        def all_of(work: Callable[[Digest], None]) -> None:
            list(threads.map(work, bare.digests))

        for number in range(rounds):
            event = editions.next()
            turns: list[tuple[str, Callable[..., object], Any]] = [
                ("Courant", deliver, event),
                ("three calls", all_of, bare.deliver),
                ("send_email", all_of, bare.send),
            ]
            for name, run, given in turns[number % 3 :] + turns[: number % 3]:
                spent = Spent()
                spent.of(run, given)
                found[name].append(spent)
    return found


def peer(
    size: tuple[int, int], members: int, rounds: int, python: str
) -> dict[str, list[dict[str, float]]]:
    """Seconds that django-anymail, and bare ``send_email`` in its process, take for the mails."""
    if not Path(python).exists():
        return {}
    with serving(), function(1) as deliver:
        editions = Editions(members, *size)
        asked = walked(deliver, editions)
        mails = [_parts(mail["Content"]["Raw"]["Data"]) for _, mail, _ in Bare(asked).digests]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(mails, file)
            file.flush()
            command = [python, "-m", "benchmarks.contestants.anymail_ses", file.name, str(rounds)]
            ended = subprocess.run(  # noqa: S603 - our own module
                command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
            )
    found: dict[str, list[dict[str, float]]] = json.loads(ended.stdout.splitlines()[-1])
    return found


def _parts(raw: bytes) -> dict[str, Any]:
    """A mail as Django's EmailMultiAlternatives takes it."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - the policy makes them
    texts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
    named = ("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post")
    return {
        "from": str(mail["From"]),
        "to": str(mail["To"]),
        "subject": str(mail["Subject"]),
        "headers": {name: str(mail[name]) for name in named},
        **{kind: str(body.get_content()) for kind, body in texts.items() if body},
    }


def cold(size: tuple[int, int], rounds: int) -> dict[str, list[dict[str, float]]]:
    """Seconds from the first import to the first answer, by who; one digest is delivered."""
    found: dict[str, list[dict[str, float]]] = {"courant": [], "boto3": []}
    with serving(), tempfile.TemporaryDirectory() as folder:
        editions = Editions(1, *size)
        with function(LANES) as deliver:
            asked = walked(deliver, editions)
        calls = Path(folder, "calls")
        calls.write_bytes(
            pickle.dumps([(one.service, one.operation, dict(one.params)) for one in asked])
        )
        for number in range(rounds):
            names = sorted(found, reverse=bool(number % 2))
            for name in names:
                event = Path(folder, "event")
                event.write_text(json.dumps(editions.next()))
                given = str(calls if name == "boto3" else event)
                ended = subprocess.run(  # noqa: S603 - our own module
                    [sys.executable, "-m", "benchmarks.contestants.cold", name, given],
                    cwd=ROOT,
                    env=os.environ
                    | SETTINGS
                    | {"LANES": str(LANES), "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    check=True,
                )
                found[name].append(json.loads(ended.stdout.splitlines()[-1]))
    return found


def middle(values: Sequence[float]) -> str:
    """The median, and between what the others lie."""
    return f"{median(values):8.3f} ({min(values):.3f} to {max(values):.3f})"


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--sizes", default="5x5,10x10")
    words.add_argument("--members", type=int, default=600, help="a walk")
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--ses-ms", type=float, default=SES_MS)
    words.add_argument("--peers", default=str(ROOT / ".venv-bench/bin/python"))
    chosen = words.parse_args(arguments)
    sizes = [_size(text) for text in chosen.sizes.split(",")]
    members, rounds = chosen.members, chosen.rounds
    print(
        f"{members} members a walk, {rounds} rounds, {os.cpu_count()} cores; median (least, most)"
    )
    for size in sizes:
        pairs = overhead(size, members, rounds)
        print(f"\noverhead, {size[0]}×{size[1]}")
        print("  of the bare calls, cpu ", middle([a.cpu / b.cpu for a, b in pairs]))
        print("  of the bare calls, wall", middle([a.wall / b.wall for a, b in pairs]))
        print("  ms a digest, ours      ", middle([a.cpu / members * 1e3 for a, _ in pairs]))
        print("  ms a digest, bare      ", middle([b.cpu / members * 1e3 for _, b in pairs]))
    found = pace(sizes[0], members * 2, rounds, chosen.ses_ms, DYNAMODB_MS)
    print(f"\npace, {LANES} in flight, SES {chosen.ses_ms:g} ms, DynamoDB {DYNAMODB_MS:g} ms")
    for name, spent in found.items():
        print(
            f"  {name:12} mails/s {middle([2 * members / one.wall for one in spent])},"
            f" mails a second of processor {middle([2 * members / one.cpu for one in spent])}"
        )
    print("\npeer: ms of processor a mail, one after another")
    for name, runs in peer(sizes[0], members, rounds, chosen.peers).items():
        print(f"  {name:12}", middle([run["cpu"] / members * 1e3 for run in runs]))
    print("\ncold: seconds to the first answer")
    starts = cold(sizes[0], rounds)
    for name, runs in starts.items():
        print(f"  {name:12} wall", middle([run["wall"] for run in runs]), end="")
        print("  cpu", middle([run["cpu"] for run in runs]))
    for what in ("wall", "cpu"):
        turns = zip(starts["courant"], starts["boto3"], strict=True)
        print(f"  ratio {what:6}", middle([ours[what] / theirs[what] for ours, theirs in turns]))


def _size(text: str) -> tuple[int, int]:
    sections, _, stories = text.replace("×", "x").partition("x")
    return int(sections), int(stories)


if __name__ == "__main__":
    main()
