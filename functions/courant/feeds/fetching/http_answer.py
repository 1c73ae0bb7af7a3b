"""One question and its answer over an open connection: HTTP/1.1 as http.client reads it, bounded.

http.client alone takes any number of interim answers, and a new socket timeout with every byte.
Here it reads from a stream on which every byte counts against a cap and every wait against one
deadline, so a dripping server can't stretch it. Which question, and what its answer means, is
fetch.py's.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus, client
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The whole block, interim (1xx) answers before it included. No more: the email package, which reads
# headers for http.client, takes time for a boundary that grows with the square of its length.
MAX_HEAD_BYTES = 32_768

_PIECE_BYTES = 65_536
# Controls have no place in a header, and ours go on into logs, tables and requests.
_NO_CONTROLS = dict.fromkeys({*range(0x20), 0x7F} - {ord("\t")}, " ")
# Headers whose lines add up; of any other, the first counts.
_LISTS = frozenset({"cache-control", "content-encoding", "transfer-encoding"})


class BadAnswer(Exception):
    """The answer is not HTTP, is cut off, or is too much; ``str`` is what an editor reads."""


class Answer:
    """Status and headers of an answer, and its body on demand.

    ``headers`` have lower-case names and values without controls.

    Raises, here and while the body is read:
        BadAnswer: see there.
        TimeoutError: the deadline (`time.monotonic`) has passed.
        OSError: the connection broke.
    """

    __slots__ = ("_response", "_stream", "_wire", "headers", "status")

    status: int
    headers: Mapping[str, str]

    def __init__(self, connected: socket.socket, request: bytes, deadline: float) -> None:
        self._wire = _Wire(connected, deadline)
        self._stream = _Stream(self._wire)
        try:
            self._wire.wait()
            connected.sendall(request)
            self._response = _final_response(self._stream)
        except client.RemoteDisconnected as error:
            raise BadAnswer("it closed the connection without an answer") from error
        except ConnectionError as error:
            raise BadAnswer("the connection broke") from error
        except (client.BadStatusLine, client.UnknownProtocol) as error:
            raise BadAnswer("its answer is not HTTP") from error
        except client.IncompleteRead as error:
            raise BadAnswer("its answer was cut off") from error
        except (OSError, BadAnswer):
            raise
        except Exception as error:  # TypeError for ``boundary*=a; boundary*0=b``, among others
            raise BadAnswer("the head of its answer is too long or broken") from error
        self.status = self._response.status
        self.headers = _headers(self._response)

    def body(self, max_bytes: int) -> Iterator[bytes]:
        """The body's pieces, without their framing, which counts against the cap too."""
        response = self._response
        coding = self.headers.get("transfer-encoding", "identity").lower()
        # http.client takes for the body what is not exactly called chunked.
        if coding != ("chunked" if response.chunked else "identity"):
            raise BadAnswer("its answer is framed in a way that was not asked for")
        too_much = f"it sent more than {max_bytes / 1024 / 1024:g} MiB"
        if (response.length or 0) > max_bytes:
            raise BadAnswer(too_much)
        # One more, to see the end.
        waiting = self._wire.tell() - self._stream.tell()
        self._wire.allow(max_bytes + 1 - waiting, too_much)
        try:
            while piece := response.read(_PIECE_BYTES):
                yield piece
        except (client.HTTPException, ValueError) as error:  # broken chunks, too
            raise BadAnswer("its answer was cut off") from error
        if response.length:
            raise BadAnswer("its answer was cut off")


class _Wire(io.RawIOBase):
    """What comes over a socket, up to a cap and a deadline."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline
        self._received = 0
        self.allow(MAX_HEAD_BYTES, "the head of its answer is too long")

    def allow(self, room: int, too_much: str) -> None:
        """Take so many more bytes, and complain so about others."""
        self._room = room
        self._too_much = too_much

    def wait(self) -> None:
        """Let the socket's next wait end with the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._received

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._room <= 0:
            raise BadAnswer(self._too_much)
        self.wait()
        size = self._socket.recv_into(memoryview(buffer)[: self._room])
        self._received += size
        self._room -= size
        return size


class _Stream(io.BufferedReader):
    """What http.client takes for a socket and its file."""

    def makefile(self, _mode: str) -> _Stream:
        return self

    def close(self) -> None:
        """Nothing: after an interim answer comes another."""

    def flush(self) -> None:
        """Nothing: it is for reading. An answer that is forgotten half read would complain here."""

    def readline(self, size: int | None = -1) -> bytes:
        """A whole line; http.client would take the end of the connection for an empty one."""
        line = super().readline(size)
        # The first is no status anyway, and what it is instead is said of it.
        if not line.endswith(b"\n") and self.tell() > len(line):
            raise client.IncompleteRead(line)
        # No end of a line (RFC 9112 §2.2), but the email package would make a header of the rest.
        return line[:-2].replace(b"\r", b" ") + line[-2:]


def _final_response(stream: _Stream) -> client.HTTPResponse:
    # Interim answers (103 Early Hints) announce the real one; 101 would be another protocol.
    while True:
        response = client.HTTPResponse(stream)  # type: ignore[arg-type]  # it only calls makefile()
        response.begin()
        if response.status >= HTTPStatus.OK or response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            return response


def _headers(response: client.HTTPResponse) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for written, value in response.headers.items():
        name, value = written.lower(), value.translate(_NO_CONTROLS).strip(" \t")
        if name in headers and name in _LISTS:
            headers[name] += ", " + value
        else:
            headers.setdefault(name, value)
    return headers
