"""Connections to addresses that guard.py has checked, and those kept open for another question.

The socket goes to the checked address; ``Host`` and TLS keep the name. What is said over it is
http_answer.py's business.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from threading import Lock

from courant.errors import FeedRefused, FeedUnreachable
from courant.feeds.fetching import guard

# One dead address (IPv6 without a route, say) must not use up the time of the others.
_CONNECT_SECONDS = 5.0
_TRIED_ADDRESSES = 4

KEPT_SECONDS = 10.0
KEPT_SOCKETS = 64

_Origin = tuple[str, str, int]


def dial(
    web: guard.WebAddress,
    addresses: tuple[str, ...],
    deadline: float,
    tls: ssl.SSLContext | None = None,
) -> socket.socket:
    """A connection to one of the checked addresses of a web address, TLS included.

    Raises:
        FeedRefused: it led to another address than the checked one.
        FeedUnreachable: none of them answers, or its TLS is not valid.
        TimeoutError: the deadline (`time.monotonic`) has passed.
    """
    connected = _connected(web, addresses, deadline)
    if web.scheme != "https":
        return connected
    try:
        # The timeout of a socket is for the whole handshake, however slowly it drips.
        connected.settimeout(_left(deadline))
        return (tls or _tls()).wrap_socket(connected, server_hostname=web.host)
    except TimeoutError:
        raise
    except (OSError, ValueError) as error:
        reason = "its TLS certificate or handshake is not valid"
        raise FeedUnreachable(web.url, reason) from error
    finally:
        # After a handshake the wrapped socket has the descriptor and this one is empty.
        connected.close()


class KeptConnections:
    """Connections whose servers wait for another question, by origin. Thread-safe.

    Many newsrooms' feeds share a host, and a TLS handshake costs more than a 304.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        # Oldest first, so that those whose time is over stand at the front.
        self._kept: list[tuple[float, _Origin, socket.socket]] = []

    def take(self, web: guard.WebAddress) -> socket.socket | None:
        """One that still stands, now the caller's; None if there is none."""
        origin = (web.scheme, web.host, web.port)
        while True:
            with self._lock:
                self._drop_old()
                found = next((kept for kept in reversed(self._kept) if kept[1] == origin), None)
                if found is None:
                    return None
                self._kept.remove(found)
            connected = found[2]
            if _is_quiet(connected):
                return connected
            connected.close()

    def keep(self, web: guard.WebAddress, connected: socket.socket) -> None:
        """Take over a connection whose last answer was read to its end."""
        origin = (web.scheme, web.host, web.port)
        with self._lock:
            self._kept.append((self._clock() + KEPT_SECONDS, origin, connected))
            self._drop_old()

    def close(self) -> None:
        """Hang up everywhere."""
        with self._lock:
            for _, _, connected in self._kept:
                connected.close()
            self._kept.clear()

    def __del__(self) -> None:
        self.close()

    def _drop_old(self) -> None:
        now = self._clock()
        while self._kept and (len(self._kept) > KEPT_SOCKETS or self._kept[0][0] <= now):
            self._kept.pop(0)[2].close()


def _connected(web: guard.WebAddress, addresses: tuple[str, ...], deadline: float) -> socket.socket:
    first_error: OSError | None = None
    for address in addresses[:_TRIED_ADDRESSES]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connected = socket.socket(family, socket.SOCK_STREAM)
        try:
            connected.settimeout(min(_left(deadline), _CONNECT_SECONDS))
            connected.connect((address, web.port))
            peer = connected.getpeername()[0]
        except OSError as error:
            connected.close()
            _left(deadline)
            first_error = first_error or error
            continue
        # 0.0.0.0 connects to loopback, say; what was checked and what was reached must be one.
        if ip_address(peer) != ip_address(address):
            connected.close()
            raise FeedRefused(web.url, "its host led to another address than the checked one")
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected
    raise FeedUnreachable(web.url, "it does not accept connections") from first_error


def _is_quiet(connected: socket.socket) -> bool:
    # A server that has hung up, or that says something nobody asked for, makes it readable.
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return not poll.poll(0)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
