"""What runs in the child process of confined.py: read a document, answer, again, until nobody asks.

It can open few files and no connections, write no file and start no process; each document has its
own processor time and memory. Whatever else goes wrong ends the process, which is what it is for.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any

from courant.errors import FeedUnreadable
from courant.feeds.document import read_document
from courant.feeds.sandbox import answers
from courant.feeds.sandbox.confined import (
    ANSWER,
    DEFECT,
    FOUND,
    JOB,
    NO_MEMORY,
    READY,
    TAKEN,
    UNREADABLE,
    Limits,
)

_OPEN_FILES = 32
_BROKEN = 70
_ERR_NO_MEMORY = 2  # XML_ERR_NO_MEMORY of libxml2's xmlerror.h
# Python's own events (PEP 578). A second wall: the first is that nothing here wants any of it.
_REFUSED = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "ctypes.",
)


def main() -> None:
    """``argv``: where modules are, the socket's number, the limits. Returns when it is closed."""
    limits = Limits(**json.loads(sys.argv[3]))
    # The terminal's Ctrl-C is for the parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _confine()
    _limit_memory(limits)
    gc.freeze()
    with FileIO(int(sys.argv[2]), "r+") as link:
        link.write(READY)
        # From here on, what libraries complain about is about strangers' words.
        os.dup2(0, 2)
        try:
            _serve(link, limits)
        except MemoryError:
            os._exit(NO_MEMORY)
        except OSError:
            # The parent has gone.
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a panic in Rust is no Exception, nor is sys.exit
            os._exit(_BROKEN)
    os._exit(0)


def _confine() -> None:
    """Take from this process what reading needs none of."""
    for kind, most in (
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (most, most))
    sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(event)


def _limit_memory(limits: Limits) -> None:
    # Only Linux says how much there is already, and only there the limit works.
    if sys.platform == "linux":
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (size + limits.memory_bytes, hard))


def _serve(link: FileIO, limits: Limits) -> None:
    while sizes := _receive(link, JOB.size):
        job_size, body_size = JOB.unpack(sizes)
        job = json.loads(_receive(link, job_size))
        body = _receive(link, body_size)
        if job["kind"] == "page" and "trafilatura" not in sys.modules:
            # It takes a while to load and some room, which is no page's fault.
            importlib.import_module("trafilatura")
            _limit_memory(limits)
        link.write(TAKEN)
        # The system ends the process with SIGPROF, wherever it is, after so much processor time.
        signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)
        answer = _answer(job, body)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _send(link, ANSWER.pack(len(answer)) + answer)


def _answer(job: dict[str, str], body: bytes) -> bytes:
    kind, url, now = job["content_type"], job["url"], datetime.fromisoformat(job["now"])
    try:
        if job["kind"] == "page":
            from courant.feeds.pages.page import read_page

            return FOUND + answers.dump(read_page(body, kind, url, now=now))
        return FOUND + answers.dump(read_document(body, kind, url, feed_id=job["feed_id"], now=now))
    except FeedUnreadable as error:
        if _no_memory(error.__cause__):
            raise MemoryError from None
        return UNREADABLE + error.reason.encode("utf-8", "replace")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the isolation point of one document
        if _no_memory(error):
            raise MemoryError from None
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        where = " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
        return DEFECT + f"{type(error).__name__} {where}".encode()


def _no_memory(error: BaseException | None) -> bool:
    """Whether memory ran out, which libxml2 says in errors of its own (lxml's ``error_log``)."""
    log = getattr(error, "error_log", None) or ()
    return isinstance(error, MemoryError) or any(entry.type == _ERR_NO_MEMORY for entry in log)


def _receive(link: FileIO, size: int) -> bytes:
    """So many bytes; fewer if the parent has gone."""
    received = bytearray(size)
    view, at = memoryview(received), 0
    while at < size and (count := link.readinto(view[at:])):
        at += count
    return bytes(received[:at])


def _send(link: FileIO, answer: bytes) -> None:
    view = memoryview(answer)
    while view:
        view = view[link.write(view) :]
