"""Which URLs and addresses the gatherer may go to."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.errors import FeedRefused, FeedUnreachable
from courant.feeds import guard

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - nothing binds to it here
    *("10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254"),
    *("169.254.170.2", "172.16.0.1", "192.0.0.192", "192.0.2.1", "192.168.1.1", "192.88.99.1"),
    *("198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:808:808::"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "5f00::1", "fd00::1", "fe80::1"),
    *("fec0::1", "ff02::1", "100::1"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_address_that_is_not_for_everyone_is_not_public(address: str) -> None:
    assert not guard.is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_ordinary_address_is_public(address: str) -> None:
    assert guard.is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(address: IPv4Address) -> None:
    mapped = IPv6Address(0xFFFF_0000_0000 | int(address))
    nat64 = IPv6Address(int(ip_network("64:ff9b::/96").network_address) | int(address))

    assert guard.is_public(mapped) == guard.is_public(address)
    assert guard.is_public(nat64) == guard.is_public(address)


@given(st.ip_addresses())
def test_public_address_is_never_one_python_calls_private(
    address: IPv4Address | IPv6Address,
) -> None:
    if guard.is_public(address) and address not in ip_network("64:ff9b::/96"):
        inner = getattr(address, "ipv4_mapped", None) or address
        assert inner.is_global
        assert not inner.is_multicast


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/feed", "http and https"),
        ("file:///etc/passwd", "http and https"),
        ("javascript:alert(1)", "http and https"),
        ("example.org/feed", "http and https"),
        ("http:///feed", "no host"),
        ("http://user:secret@example.org/", "user name"),
        ("http://user@example.org/", "user name"),
        ("http://example.org:22/", "port 22"),
        ("http://example.org:0/", "port 0"),
        ("http://example.org:9001/", "port 9001"),
        ("http://example.org:99999/", "valid URL"),
        ("http://[::1/", "valid URL"),
        ("http://[fe80::1%25eth0]/", "valid name"),
        ("http://exa mple.org/", "space"),
        ("http://example.org/\r\nHost: x", "control"),
        ("http://example.org\\@evil.example/", "backslash"),
        ("http://0x7f.1/", "unusual notation"),
        ("http://0x7f000001/", "unusual notation"),
        ("http://2130706433/", "unusual notation"),
        ("http://0177.0.0.1/", "unusual notation"),
        ("http://127.1/", "unusual notation"),
        ("http://①②⑦.⓪.⓪.①/", "unusual notation"),
        ("http://１２７.0.0.1/", "unusual notation"),
        ("http://a..example.org/", "valid name"),
        ("http://-a.example.org/", "valid name"),
        ("http://" + "a" * 64 + ".org/", "valid name"),
        ("http://example.org/" + "a" * 2048, "longer than"),
    ],
)
def test_url_that_is_not_fetched(url: str, why: str) -> None:
    with pytest.raises(FeedRefused, match=why):
        guard.check_url(url)


@pytest.mark.parametrize(
    ("url", "normalised"),
    [
        ("HTTPS://Example.ORG:443", "https://example.org/"),
        ("http://example.org:8080/feed?a=1&b#top", "http://example.org:8080/feed?a=1&b"),
        ("http://example.org./", "http://example.org/"),
        ("http://Bücher.example/ä?ü=1", "http://xn--bcher-kva.example/%C3%A4?%C3%BC=1"),
        ("http://my_blog.example.org/", "http://my_blog.example.org/"),
        ("http://[2606:4700:0:0::1111]/", "http://[2606:4700::1111]/"),
    ],
)
def test_url_is_normalised(url: str, normalised: str) -> None:
    assert guard.check_url(url).url == normalised
    assert guard.check_url(normalised).url == normalised


@given(st.text())
def test_any_text_is_checked_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://example.org/{text}"):
        try:
            web = guard.check_url(url)
        except FeedRefused:
            continue
        assert web.url.isascii()
        assert web.target.startswith("/")


def test_every_address_of_a_host_is_checked() -> None:
    web = guard.check_url("http://example.org/")

    with pytest.raises(FeedRefused, match="public internet"):
        guard.resolve(web, frozenset(), 1, lambda *_: ["93.184.215.14", "::ffff:127.0.0.1"])


def test_checked_addresses_are_returned_once_each_in_order() -> None:
    web = guard.check_url("http://example.org/")

    found = guard.resolve(web, frozenset(), 1, lambda *_: ["8.8.8.8", "1.1.1.1", "8.8.8.8"])

    assert found == ("8.8.8.8", "1.1.1.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_is_reached_on_named_ports_only(host: str) -> None:
    open_ports = frozenset({18080})
    address = "::1" if "[" in host else "127.0.0.1"

    web = guard.check_url(f"http://{host}:18080/", open_ports)
    assert guard.resolve(web, open_ports, 1, lambda *_: [address]) == (address,)

    web = guard.check_url(f"http://{host}:8080/", open_ports)
    with pytest.raises(FeedRefused):
        guard.resolve(web, open_ports, 1, lambda *_: [address])


def test_named_port_opens_no_other_host() -> None:
    open_ports = frozenset({18080})
    web = guard.check_url("http://example.org:18080/", open_ports)

    for address in ("8.8.8.8", "10.0.0.1"):
        with pytest.raises(FeedRefused):
            guard.resolve(web, open_ports, 1, lambda *_, address=address: [address])


def test_unknown_host_is_unreachable() -> None:
    def nobody(*_: object) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(FeedUnreachable, match="no such host"):
        guard.resolve(guard.check_url("http://example.org/"), frozenset(), 1, nobody)


def test_slow_name_server_is_not_waited_for() -> None:
    release = threading.Event()

    def slow(*_: object) -> list[str]:
        release.wait(10)
        return ["8.8.8.8"]

    with pytest.raises(FeedUnreachable, match="in time"):
        guard.resolve(guard.check_url("http://example.org/"), frozenset(), 0.05, slow)
    release.set()
