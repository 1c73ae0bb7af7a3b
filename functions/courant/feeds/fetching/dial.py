"""Connections to addresses that guard.py has checked.

The socket goes to the checked address; ``Host`` and TLS keep the name. What is said over it is
http_answer.py's business. Each carries one question: many feeds share a host, and on a connection
that is kept, what came late for the one could be taken for the other's answer.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from functools import cache
from ipaddress import ip_address

from courant.errors import FeedRefused, FeedUnreachable
from courant.feeds.fetching import guard

# One dead address (IPv6 without a route, say) must not use up the time of the others.
_CONNECT_SECONDS = 5.0
_TRIED_ADDRESSES = 4


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


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
