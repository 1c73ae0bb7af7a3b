"""Which URLs may be fetched. A feed's address, and every redirect, is written by a stranger who
may point it at our own machine or network.

Decides by spelling (``check_url``) and by address (``check_addresses``), and asks nobody.
resolve.py looks names up, dial.py connects. What a server then answers is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urlsplit

import idna

from courant.errors import FeedRefused, FeedUnreachable

IPAddress = IPv4Address | IPv6Address

MAX_URL_CHARS = 2048
STANDARD_PORTS = frozenset({80, 443, 8080, 8443})
_DEFAULT_PORTS = {"http": 80, "https": 443}

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]")
_HOST_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]*)?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")

# Not reachable for everyone, whatever `is_global` of the running Python says of them.
_DENIED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: metadata and credentials of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
# The only addresses that are assigned for everyone (IANA); ::1, ::/96, fc00::/7, fe80::/10,
# fec0::/10, 5f00::/16, 64:ff9b:1::/48 and multicast are outside.
_GLOBAL_V6 = IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries any IPv4 address
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A URL that may be asked for, if its host resolves to addresses that may be.

    Normalised: ``host`` in lower-case ASCII, without brackets or a last dot; ``target`` is path and
    query as the request line wants them, percent-encoded. The fragment is gone.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port, as URLs and the Host header write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The one spelling of it."""
        return f"{self.scheme}://{self.authority}{self.target}"


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
        port = parts.port
    except ValueError as error:
        raise FeedRefused(url, "the address is not a valid URL") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise FeedRefused(url, "only http and https addresses are fetched")
    if parts.username is not None or parts.password is not None:
        raise FeedRefused(url, "the address holds a user name or password")
    # Not `parts.hostname`, which takes "[::1]evil.example" and lower-cases a final sigma wrongly.
    match = _HOST_PORT.fullmatch(parts.netloc)
    if match is None:
        raise FeedRefused(url, "the address is not a valid URL")
    if not match["host"]:
        raise FeedRefused(url, "the address has no host")
    if port is None:
        port = _DEFAULT_PORTS[parts.scheme]
    if port not in STANDARD_PORTS and port not in open_ports:
        raise FeedRefused(url, f"port {port} is not one that feeds are served on")
    host = _ascii_host(url, match["host"])
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]|")
    web = WebAddress(parts.scheme, host, port, path + (f"?{query}" if query else ""))
    if len(web.url) > MAX_URL_CHARS:
        raise FeedRefused(url, f"the address is longer than {MAX_URL_CHARS} characters")
    return web


def _ascii_host(url: str, written: str) -> str:
    if written.startswith("["):
        try:
            # With a zone ("%eth0") it is an address of one machine's network.
            return _ipv6_text(written[1:-1]) if "%" not in written else _refuse_host(url)
        except ValueError as error:
            raise FeedRefused(url, "the host is not a valid IPv6 address") from error
    written = written.removesuffix(".")
    host = written.lower()
    if not written.isascii():
        try:
            host = idna.encode(written, uts46=True, transitional=False).decode("ascii")
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


def _ipv6_text(written: str) -> str:
    address = IPv6Address(written)
    if address.ipv4_mapped is None:
        return str(address)
    # As the URL Standard writes it; Pythons differ.
    high, low = divmod(int(address.ipv4_mapped), 1 << 16)
    return f"::ffff:{high:x}:{low:x}"


def _refuse_host(url: str) -> str:
    raise FeedRefused(url, "the host is not a valid name")


def is_public(address: IPAddress) -> bool:
    """Whether an address is one that anyone on the internet may reach.

    IPv4 addresses inside IPv6 ones are looked at too: ``64:ff9b::7f00:1`` is 127.0.0.1 behind
    NAT64, though Python calls it global.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _DENIED_V4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return (
        address in _GLOBAL_V6
        and address.is_global
        and not any(address in network for network in _DENIED_V6)
    )


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


def check_addresses(
    web: WebAddress, found: Iterable[str], open_ports: frozenset[int]
) -> tuple[str, ...]:
    """The addresses that a host's name was resolved to, each once, if all of them are allowed.

    One refused address refuses the host: which of them is connected to is chance.

    Raises:
        FeedRefused: an address is private, loopback, or otherwise not for everyone.
        FeedUnreachable: there are none.
    """
    addresses = tuple(dict.fromkeys(found))
    if not addresses:
        raise FeedUnreachable(web.url, "there is no such host")
    for address in addresses:
        try:
            allowed = is_allowed(ip_address(address), web.port, open_ports)
        except ValueError:
            allowed = False
        if not allowed:
            raise FeedRefused(web.url, "its host is not on the public internet")
    return addresses
