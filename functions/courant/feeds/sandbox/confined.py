"""One child process that takes one document at a time, and the socket to it.

It is a fresh interpreter, since the parent has threads and fork would copy their locks; and no pool
of multiprocessing's, which want shared memory that Lambda has none of. It starts with an
environment of four names and no open file but the socket.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

# What goes over the socket. There: lengths, what to do, the body. Back: that it started (once),
# that it has the job, then length and answer, whose first byte says what it is.
JOB, ANSWER = struct.Struct(">II"), struct.Struct(">I")
READY, TAKEN, FOUND, UNREADABLE, DEFECT = b"R", b"T", b"F", b"U", b"D"
# The status by which a child says that it has no memory left.
NO_MEMORY = 71

TOO_SLOW = "it takes longer to read than a feed may"
TOO_BIG = "it takes more memory to read than a feed may"
BROKEN = "it can't be read safely"

_START_SECONDS = 60.0
_END_SECONDS = 1.0
# How long to wait before a child is started again that could not be, or that was killed before it
# had the document: a machine that is out of memory or processes is so for a moment.
_PAUSES_S = (0.0, 0.05, 0.1, 0.2, *[0.4] * 16)
_CHILD = (
    "import sys; sys.path[:] = sys.argv[1].split('\\n'); "
    "from courant.feeds.sandbox import child; child.main()"
)
# Where the interpreter finds its own libraries; nothing that anybody keeps to themselves.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading one document may cost.

    ``memory_bytes`` is address space, ``kept_bytes`` what a child may still hold afterwards, both
    beyond what it starts with. After so many ``documents`` a child is replaced in any case.
    """

    cpu_seconds: float = 5.0
    wall_seconds: float = 10.0
    memory_bytes: int = 400 * 1024 * 1024
    answer_bytes: int = 16 * 1024 * 1024
    kept_bytes: int = 160 * 1024 * 1024
    documents: int = 500


class Ended(Exception):
    """A child did not get to the end of a document."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ReaderUnavailable(Exception):
    """No child can be had to read a document, which is never the document's fault."""


class _Idle(Exception):
    """A child was dead before it had taken the document, which is thus innocent."""


class Child:
    """One child process at a time; one thread at a time."""

    code = _CHILD

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._resident = 0
        self._documents = 0

    def ask(self, job: bytes, body: bytes) -> bytes:
        """The answer to a job.

        Raises:
            Ended: the child died of it.
            ReaderUnavailable: none can be started, or all are dead before they have it.
        """
        if self._process is not None:
            try:
                return self._ask(job, body)
            except _Idle:
                # A laptop or a Lambda slept, and the child did not wake up.
                self.end()
        deadline, ends = time.monotonic() + _START_SECONDS, 0
        for pause in _PAUSES_S:
            time.sleep(pause)
            try:
                self._start(deadline)
                return self._ask(job, body)
            except (_Idle, OSError) as error:
                died = error
            status = self.end()
            # What ends by itself, not by a signal, will do so again; one more, to be sure.
            ends += status is not None and status >= 0
            if ends > 1 or time.monotonic() > deadline:
                break
        raise ReaderUnavailable("the child process does not start or stay") from died

    def end(self) -> int | None:
        """End the process; its status, None if there is none."""
        process, self._process = self._process, None
        if self._link:
            # It waits for a job and sees that there is nobody any more.
            self._link.close()
        if process is None:
            return None
        try:
            return process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _start(self, deadline: float) -> None:
        """Start a process.

        Raises:
            OSError: the system gives us none, or not in time.
            _Idle: it ended at once; what it said is on stderr.
        """
        ours, theirs = socket.socketpair()
        self._link = ours
        path = "\n".join(str(Path(entry).absolute()) for entry in sys.path)
        limits = json.dumps(asdict(self._limits))
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-I", "-S", "-c", self.code, path, str(theirs.fileno()), limits],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                pass_fds=(theirs.fileno(),),
            )
        if self._receive(len(READY), deadline) != READY:
            raise _Idle
        self._documents, self._resident = 0, _resident(self._process.pid)

    def _ask(self, job: bytes, body: bytes) -> bytes:
        assert self._link  # noqa: S101 - for the type checker
        assert self._process  # noqa: S101
        deadline = time.monotonic() + self._limits.wall_seconds
        try:
            self._link.settimeout(self._limits.wall_seconds)
            self._link.sendall(JOB.pack(len(job), len(body)) + job)
            self._link.sendall(body)
            taken = self._receive(len(TAKEN), deadline)
        except OSError as error:
            raise _Idle from error
        if taken != TAKEN:
            raise _Idle
        try:
            (size,) = ANSWER.unpack(self._receive(ANSWER.size, deadline))
            if size > self._limits.answer_bytes:
                raise self._ended(TOO_BIG)
            answer = self._receive(size, deadline)
        except TimeoutError:
            raise self._ended(TOO_SLOW) from None
        except OSError:
            raise self._ended(None) from None
        if answer[:1] not in {FOUND, UNREADABLE, DEFECT}:
            raise self._ended(BROKEN)
        self._documents += 1
        grown = _resident(self._process.pid) - self._resident
        used_up = self._documents >= self._limits.documents or grown > self._limits.kept_bytes
        # What our own code did not expect may have left anything behind: open files, half a module.
        if used_up or answer[:1] == DEFECT:
            self.end()
        return answer

    def _ended(self, reason: str | None) -> Ended:
        """End the process, if it has not ended itself, and say why."""
        process = self._process
        assert process  # noqa: S101 - for the type checker
        if reason:
            process.kill()
        self.end()
        if reason is None:
            # When a machine's memory runs out, Linux kills the biggest.
            causes = {-signal.SIGPROF: TOO_SLOW, -signal.SIGKILL: TOO_BIG, NO_MEMORY: TOO_BIG}
            reason = causes.get(process.returncode, BROKEN)
        return Ended(reason)

    def _receive(self, size: int, deadline: float) -> bytes:
        """Exactly so many bytes.

        Raises:
            ConnectionResetError: the other end is gone.
            TimeoutError: not in time.
        """
        assert self._link  # noqa: S101 - for the type checker
        received = bytearray(size)
        view, at = memoryview(received), 0
        while at < size:
            self._link.settimeout(max(deadline - time.monotonic(), 0.001))
            count = self._link.recv_into(view[at:])
            if not count:
                raise ConnectionResetError
            at += count
        return bytes(received)


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where the system doesn't say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
