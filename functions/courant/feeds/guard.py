"""Which URLs may be fetched. A feed's address, and every redirect, is written by a stranger who
may point it at our own machine or network.

``check_url`` and ``is_public`` decide; ``resolve`` is the only one that talks (DNS). Whoever
connects (fetch.py) connects to the addresses that ``resolve`` returned, never to the name again,
or a second DNS answer could differ from the one that was checked. What a server then answers is
not judged here.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit, urlunsplit

import idna

from courant.errors import FeedRefused, FeedUnreachable

IPAddress = IPv4Address | IPv6Address
# Host and port → every address, as text. `socket.getaddrinfo` behind it, or a test's own.
Lookup = Callable[[str, int], list[str]]

MAX_URL_CHARS = 2048
STANDARD_PORTS = frozenset({80, 443, 8080, 8443})
_DEFAULT_PORTS = {"http": 80, "https": 443}

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")

# Not reachable for everyone, whatever `is_global` of the running Python says of them.
_DENIED = tuple(
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # carriers' NAT
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "::/96",  # IPv4-compatible, obsolete: ::127.0.0.1
        "64:ff9b:1::/48",  # local NAT64
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4 carries any IPv4 address
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local, obsolete
    )
)
_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A URL that may be asked for, if its host resolves to addresses that may be.

    ``url`` is normalised: lower-case ASCII host, default port and fragment dropped, everything
    else percent-encoded. ``host`` has no brackets.
    """

    url: str
    scheme: str
    host: str
    port: int

    @property
    def target(self) -> str:
        """Path and query, as the request line wants them."""
        parts = urlsplit(self.url)
        return urlunsplit(("", "", parts.path or "/", parts.query, ""))


def check_url(url: str, open_ports: frozenset[int] = frozenset()) -> WebAddress:
    """The address a URL names, as far as its spelling tells.

    Raises:
        FeedRefused: not an http(s) URL that a newsroom's gatherer should follow.
    """
    if len(url) > MAX_URL_CHARS:
        raise FeedRefused(url[:100], f"the address is longer than {MAX_URL_CHARS} characters")
    if _FORBIDDEN.search(url):
        raise FeedRefused(url, "the address holds a space, control character or backslash")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise FeedRefused(url, "the address is not a valid URL") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise FeedRefused(url, "only http and https addresses are fetched")
    if parts.username is not None or parts.password is not None:
        raise FeedRefused(url, "the address holds a user name or password")
    if not host:
        raise FeedRefused(url, "the address has no host")
    if port is None:
        port = _DEFAULT_PORTS[parts.scheme]
    if port not in STANDARD_PORTS and port not in open_ports:
        raise FeedRefused(url, f"port {port} is not one that feeds are served on")
    host = _ascii_host(url, host, bracketed="[" in parts.netloc)
    netloc = f"[{host}]" if ":" in host else host
    if port != _DEFAULT_PORTS[parts.scheme]:
        netloc += f":{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]|")
    return WebAddress(urlunsplit((parts.scheme, netloc, path, query, "")), parts.scheme, host, port)


def _ascii_host(url: str, host: str, *, bracketed: bool) -> str:
    if bracketed:
        try:
            return str(IPv6Address(host)) if "%" not in host else _refuse_host(url)
        except ValueError as error:
            raise FeedRefused(url, "the host is not a valid IPv6 address") from error
    written = host.lower().removesuffix(".")
    host = written
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise FeedRefused(url, "the host is not a valid international name") from error
    labels = host.split(".")
    # A host that ends in a number is an IPv4 address to every resolver, in octal, hexadecimal or
    # with parts left out; only the one usual notation is let through.
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(written))
        except ValueError as error:
            raise FeedRefused(url, "the host is an IP address in an unusual notation") from error
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse_host(url)
    return host


def _refuse_host(url: str) -> str:
    raise FeedRefused(url, "the host is not a valid name")


def is_public(address: IPAddress) -> bool:
    """Whether an address is one that anyone on the internet may reach.

    IPv4 addresses inside IPv6 ones are looked at too: ``64:ff9b::7f00:1`` is 127.0.0.1 behind
    NAT64, though Python calls it global.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in _DENIED)


def is_allowed(address: IPAddress, port: int, open_ports: frozenset[int]) -> bool:
    """Whether one address of a host may be connected to at a port.

    Loopback only on the ports that the development setting names; public addresses only on the
    standard ports.
    """
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return port in open_ports
    return port in STANDARD_PORTS and is_public(address)


def getaddrinfo(host: str, port: int) -> list[str]:
    """Every address of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def resolve(
    web: WebAddress,
    open_ports: frozenset[int],
    timeout_s: float,
    lookup: Lookup = getaddrinfo,
) -> tuple[str, ...]:
    """Every address of a host, all of them checked; connect to these.

    One refused address refuses the host: which of them is connected to is chance.

    Raises:
        FeedRefused: an address is private, loopback, or otherwise not for everyone.
        FeedUnreachable: no such host, or no answer in time.
    """
    try:
        found = _lookup_within(timeout_s, lookup, web)
    except TimeoutError as error:
        raise FeedUnreachable(web.url, "its host name was not resolved in time") from error
    except (OSError, UnicodeError) as error:
        raise FeedUnreachable(web.url, "there is no such host") from error
    addresses = tuple(dict.fromkeys(found))
    if not addresses:
        raise FeedUnreachable(web.url, "there is no such host")
    for address in addresses:
        if not is_allowed(ip_address(address), web.port, open_ports):
            raise FeedRefused(web.url, "its host is not on the public internet")
    return addresses


def _lookup_within(timeout_s: float, lookup: Lookup, web: WebAddress) -> list[str]:
    # The resolver takes no timeout, and a name server can be as slow as a web server.
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
