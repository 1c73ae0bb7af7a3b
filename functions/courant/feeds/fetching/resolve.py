"""Host names → addresses, all of them checked by guard.py.

Whoever connects (dial.py) connects to these addresses, never to the name again, or a second DNS
answer could differ from the one that was checked.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address

from courant.errors import FeedUnreachable
from courant.feeds.fetching import guard

# Host and port → every address, as text. `socket.getaddrinfo` behind it, or a test's own.
Lookup = Callable[[str, int], list[str]]

# What is said of a host that nobody knows; where all are unknown, the network is.
NOT_FOUND = "its host was not found"

REMEMBERED_SECONDS = 60.0
_REMEMBERED_HOSTS = 10_000


def getaddrinfo(host: str, port: int) -> list[str]:
    """Every address of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class Resolver:
    """Resolves and checks; remembers for a minute what passed. Thread-safe.

    Memory is no hole for rebinding: what is remembered are addresses that were checked for this
    host and port, and those are what is connected to. Refusals and failures are not remembered.
    """

    def __init__(
        self,
        open_ports: frozenset[int],
        lookup: Lookup = getaddrinfo,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_ports = open_ports
        self._lookup = lookup
        self._clock = clock
        self._known: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}

    def resolve(self, web: guard.WebAddress, timeout_s: float) -> tuple[str, ...]:
        """Every address of a host; connect to these.

        Raises:
            FeedRefused: an address is private, loopback, or otherwise not for everyone.
            FeedUnreachable: no such host, or no answer in time.
        """
        now = self._clock()
        until, addresses = self._known.get((web.host, web.port), (0.0, ()))
        if addresses and now < until:
            return addresses
        addresses = guard.check_addresses(web, self._find(web, timeout_s), self._open_ports)
        if len(self._known) >= _REMEMBERED_HOSTS:
            self._known = {}
        self._known[web.host, web.port] = (now + REMEMBERED_SECONDS, addresses)
        return addresses

    def forget(self, web: guard.WebAddress) -> None:
        """None of the addresses answered; ask anew next time."""
        self._known.pop((web.host, web.port), None)

    def _find(self, web: guard.WebAddress, timeout_s: float) -> list[str]:
        try:
            return [str(ip_address(web.host))]
        except ValueError:
            pass  # a name
        try:
            return _lookup_within(timeout_s, self._lookup, web)
        except TimeoutError as error:
            raise FeedUnreachable(web.url, "its host name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise FeedUnreachable(web.url, NOT_FOUND) from error


def _lookup_within(timeout_s: float, lookup: Lookup, web: guard.WebAddress) -> list[str]:
    # The resolver takes no timeout, and a name server can be as slow as a web server. A thread
    # each: in a pool, a few slow name servers would hold up every other host.
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(lookup(web.host, web.port))
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits, and raised there
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = answers.get(timeout=max(timeout_s, 0.001))
    except queue.Empty as error:
        raise TimeoutError from error
    if isinstance(answer, Exception):
        raise answer
    return answer
