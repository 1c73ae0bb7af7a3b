"""Connections to addresses that guard.py has checked, each on a leash that time pulls.

The socket goes to the checked address; ``Host`` and TLS keep the name. What is said over it is
fetch.py's business.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from threading import Timer
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from courant.feeds import guard

_CONNECT_SECONDS = 5.0

_Dial = Callable[[HTTPConnection], socket.socket]


def connection_to(
    web: guard.WebAddress,
    addresses: tuple[str, ...],
    watchdog: Watchdog,
    tls: ssl.SSLContext | None = None,
) -> HTTPConnection:
    """A connection, not yet opened, to one of the checked addresses of a web address."""
    dial = partial(_dial, addresses, watchdog)
    if web.scheme == "https":
        return _CheckedHTTPS(
            web.host, web.port, timeout=watchdog.left, ssl_context=tls or _tls(), dial=dial
        )
    return _CheckedHTTP(web.host, web.port, timeout=watchdog.left, dial=dial)


class Watchdog:
    """Ends a conversation when its time is over, whatever it is doing.

    Socket timeouts start anew with every byte, so a server that drips could hold us for ever.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._leash: socket.socket | None = None
        self._timer: Timer | None = None

    @property
    def left(self) -> float:
        """Seconds; never zero, which would mean "don't block" to a socket."""
        return max(self._deadline - time.monotonic(), 0.001)

    def watch(self, connected: socket.socket) -> None:
        """Put a socket on the leash."""
        # A duplicate shuts the same connection down, whoever has wrapped, detached or taken over
        # the original by then (TLS and http.client do all three).
        self._leash = connected.dup()
        self._timer = Timer(self.left, self._hang_up, [self._leash])
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """The conversation is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._leash is not None:
            self._leash.close()

    @staticmethod
    def _hang_up(leash: socket.socket) -> None:
        with suppress(OSError):  # the server hung up first
            leash.shutdown(socket.SHUT_RDWR)


class _CheckedHTTP(HTTPConnection):
    def __init__(self, *args: Any, dial: _Dial, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        return self._dial(self)


class _CheckedHTTPS(HTTPSConnection):
    def __init__(self, *args: Any, dial: _Dial, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        return self._dial(self)


def _dial(
    addresses: tuple[str, ...], watchdog: Watchdog, connection: HTTPConnection
) -> socket.socket:
    first_error: OSError | None = None
    # One dead address (IPv6 without a route, say) must not use up the time of the others.
    for address in addresses[:4]:
        try:
            connected = socket.create_connection(
                (address, connection.port), min(watchdog.left, _CONNECT_SECONDS)
            )
        except OSError as error:
            first_error = first_error or error
            continue
        connected.settimeout(watchdog.left)
        watchdog.watch(connected)
        return connected
    raise NewConnectionError(connection, "no address answered") from first_error


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
