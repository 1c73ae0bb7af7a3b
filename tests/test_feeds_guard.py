"""Which URLs and addresses the gatherer may go to."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.errors import FeedRefused, FeedUnreachable
from courant.feeds.fetching import guard

# Kind of address → some of that kind, from both ends of its range.
NOT_PUBLIC = {
    "this network": ["0.0.0.0", "0.255.255.255"],  # noqa: S104 - nothing binds to it here
    "private": ["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    "carriers' NAT": ["100.64.0.0", "100.127.255.255"],
    "loopback": ["127.0.0.1", "127.8.8.8", "127.255.255.255", "::1"],
    "link-local": ["169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0", "febf::1"],
    "protocol assignments": ["192.0.0.0", "192.0.0.192", "192.0.0.255", "2001:1::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "6to4 relays": ["192.88.99.0", "192.88.99.255"],
    "benchmarks": ["198.18.0.0", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "254.1.1.1", "255.255.255.255", "::", "4000::1", "e000::1"],
    "IPv4-compatible": ["::127.0.0.1", "::8.8.8.8", "::ffff"],
    "IPv4-mapped": ["::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:127.0.0.1"],
    "IPv4-translated": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe"],
    "local NAT64": ["64:ff9b:1::808:808", "64:ff9b:1:ffff:ffff::1"],
    "6to4": ["2002:7f00:1::", "2002:808:808::", "2002:ffff::"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1"],
    "ORCHID": ["2001:10::1", "2001:20::1"],
    "segment routing": ["5f00::1", "5f00:ffff::1"],
    "unique local": ["fc00::1", "fd00::1", "fd00:ec2::254"],
    "site-local": ["fec0::1", "feff::1"],
    "discard": ["100::1"],
}


@pytest.mark.parametrize("kind", NOT_PUBLIC)
def test_address_that_is_not_for_everyone_is_not_public(kind: str) -> None:
    assert [a for a in NOT_PUBLIC[kind] if guard.is_public(ip_address(a))] == []


@pytest.mark.parametrize("kind", [kind for kind in NOT_PUBLIC if kind != "loopback"])
def test_no_open_port_lets_such_an_address_through(kind: str) -> None:
    ports = frozenset({80, 443, 18080})

    for address in NOT_PUBLIC[kind]:
        for port in ports:
            loopback = address == "::ffff:127.0.0.1"
            assert guard.is_allowed(ip_address(address), port, ports) == loopback, address


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "93.184.215.14", "::ffff:8.8.8.8", "64:ff9b::808:808", "2606:4700::1111"),
        *("9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *("128.0.0.0", "169.253.1.1", "172.15.1.1", "172.32.0.0", "192.0.1.1", "192.88.98.1"),
        *("192.167.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
        *("2001:200::1", "2003::1", "2a00:1450:4001::1", "3ffe:ffff::1"),
    ],
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
        ("gopher://example.org/", "http and https"),
        ("//example.org/feed", "http and https"),
        ("", "http and https"),
        ("http:///feed", "no host"),
        ("http://:80/", "no host"),
        ("http://user:secret@example.org/", "user name"),
        ("http://user@example.org/", "user name"),
        ("http://@example.org/", "user name"),
        ("http://:@example.org/", "user name"),
        ("http://example.org@127.0.0.1/", "user name"),
        ("http://example.org:22/", "port 22"),
        ("http://example.org:25/", "port 25"),
        ("http://example.org:6379/", "port 6379"),
        ("http://example.org:８０/", "valid URL"),
        ("http://example.org:-80/", "valid URL"),
        ("http://example.org:0/", "port 0"),
        ("http://example.org:9001/", "port 9001"),
        ("http://example.org:99999/", "valid URL"),
        ("http://[::1/", "valid URL"),
        ("http://[fe80::1%25eth0]/", "valid name"),
        ("http://[fe80::1%eth0]/", "valid name"),
        ("http://[v1.fe]/", "valid"),
        ("http://[127.0.0.1]/", "valid"),
        ("http://[::1]evil.example/", "valid"),
        ("http://example.org\t/", "control"),
        ("http://example.org/\u2028", "control"),
        ("http://example.org/\ud800", "control"),
        ("http://\ud800.example.org/", "control"),
        ("http://exa mple.org/", "space"),
        ("http://example.org/\r\nHost: x", "control"),
        ("http://example.org\\@evil.example/", "backslash"),
        ("http://0x7f.1/", "unusual notation"),
        ("http://0x7f000001/", "unusual notation"),
        ("http://2130706433/", "unusual notation"),
        ("http://0177.0.0.1/", "unusual notation"),
        ("http://127.1/", "unusual notation"),
        ("http://127.0.1/", "unusual notation"),
        ("http://0/", "unusual notation"),
        ("http://00000000000000000000177.1/", "unusual notation"),
        ("http://127.0.0.01/", "unusual notation"),
        ("http://0x7f.0x0.0x0.0x1/", "unusual notation"),
        ("http://0X7F.1/", "unusual notation"),
        ("http://0x/", "unusual notation"),
        ("http://0x7f.1./", "unusual notation"),
        ("http://256.256.256.256/", "unusual notation"),
        ("http://1.2.3.4.5/", "unusual notation"),
        ("http://127。0。0。1/", "unusual notation"),
        ("http://[::ffff:127.0.0.1%25lo]/", "valid name"),
        ("http://127.0.0.1../", "valid name"),
        ("http://example.org../", "valid name"),
        ("http://.example.org/", "valid name"),
        ("http://%31%32%37.0.0.1/", "unusual notation"),
        ("http://example%2eorg/", "valid name"),
        ("http://127.0.0.1%00.example.org/", "valid name"),
        ("http://a\u200db.example/", "international name"),
        ("http://ex\u0338ample.org\u2100/", "valid"),
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
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("http://ＥＸＡＭＰＬＥ.org/", "http://example.org/"),
        ("http://faß.example/", "http://xn--fa-hia.example/"),
        ("http://ΒΌΛΟΣ.example/", "http://xn--nxasmq6b.example/"),
        ("http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://example.org", "http://example.org/"),
        ("http://example.org?a", "http://example.org/?a"),
        ("http://example.org//a/../b;c", "http://example.org//a/../b;c"),
        (
            'http://example.org/a<b>"{c}|`^[d]',
            "http://example.org/a%3Cb%3E%22%7Bc%7D%7C%60%5E%5Bd%5D",
        ),
        ("http://example.org/%zz%2F%", "http://example.org/%zz%2F%"),
        ("http://Bücher.example/ä?ü=1", "http://xn--bcher-kva.example/%C3%A4?%C3%BC=1"),
        ("http://my_blog.example.org/", "http://my_blog.example.org/"),
        ("http://[2606:4700:0:0::1111]/", "http://[2606:4700::1111]/"),
    ],
)
def test_url_is_normalised(url: str, normalised: str) -> None:
    assert guard.check_url(url).url == normalised
    assert guard.check_url(normalised).url == normalised


def test_url_that_grows_too_long_by_its_escapes_is_refused() -> None:
    with pytest.raises(FeedRefused, match="longer than"):
        guard.check_url("http://example.org/" + "ü" * 2000)


@pytest.mark.parametrize("name", ["toascii.jsonl", "IdnaTestV2.jsonl"])
def test_international_names_are_those_of_the_standard_or_refused(shared: Path, name: str) -> None:
    lines = (shared / "corpora/urls/wpt-url" / name).read_text("utf-8").splitlines()
    cases = [case for line in lines if isinstance(case := json.loads(line), dict)]
    same = 0

    for case in cases:
        try:
            host = guard.check_url(f"http://{case['input']}/").host
        except FeedRefused:
            continue
        # ASCII names are taken without a look into their punycode, which no resolver takes either.
        expected = case["output"]
        ascii_host = case["input"].lower().removesuffix(".")
        assert host in {expected, (expected or "").removesuffix(".")} or host == ascii_host, case
        same += 1

    assert same > len(cases) / 4


def test_hosts_of_urls_are_those_of_the_standard_or_refused(shared: Path) -> None:
    lines = (shared / "corpora/urls/wpt-url/urltestdata.jsonl").read_text("utf-8").splitlines()
    cases = [case for line in lines if isinstance(case := json.loads(line), dict)]
    same = 0

    for case in cases:
        try:
            web = guard.check_url(case["input"])
        except FeedRefused:
            continue
        assert not case.get("failure"), case
        assert case["hostname"].removesuffix(".") == web.authority.removesuffix(f":{web.port}"), (
            case
        )
        assert (case["port"] or {"http": "80", "https": "443"}[web.scheme]) == str(web.port), case
        same += 1

    assert same > 20


@given(st.text(st.characters()) | st.text("htp:/@[]%.0127xaé。①\ud800?#\\", max_size=40))
def test_any_text_is_checked_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://example.org/{text}"):
        try:
            web = guard.check_url(url)
        except FeedRefused:
            continue
        assert re.fullmatch(r"https?://[a-z0-9._\[\]:-]+/[!-~]*", web.url)
        assert len(web.url) <= guard.MAX_URL_CHARS
        assert guard.check_url(web.url) == web


def test_every_address_of_a_host_is_checked() -> None:
    web = guard.check_url("http://example.org/")

    for found in (
        ["93.184.215.14", "::ffff:127.0.0.1"],
        ["10.0.0.1", "93.184.215.14"],
        ["93.184.215.14", "fe80::1%eth0"],
        ["93.184.215.14", "no address"],
    ):
        with pytest.raises(FeedRefused, match="public internet"):
            guard.check_addresses(web, found, frozenset())


def test_host_without_addresses_is_unreachable() -> None:
    with pytest.raises(FeedUnreachable, match="no such host"):
        guard.check_addresses(guard.check_url("http://example.org/"), [], frozenset())


def test_checked_addresses_are_returned_once_each_in_order() -> None:
    web = guard.check_url("http://example.org/")

    found = guard.check_addresses(web, ["8.8.8.8", "1.1.1.1", "8.8.8.8"], frozenset())

    assert found == ("8.8.8.8", "1.1.1.1")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_reached_on_named_ports_only(address: str) -> None:
    open_ports = frozenset({18080})

    web = guard.check_url("http://localhost:18080/", open_ports)
    assert guard.check_addresses(web, [address], open_ports) == (address,)

    for url in ("http://localhost:8080/", "http://localhost/", "https://localhost/"):
        with pytest.raises(FeedRefused):
            guard.check_addresses(guard.check_url(url, open_ports), [address], open_ports)


def test_named_port_opens_no_other_host() -> None:
    open_ports = frozenset({18080})
    web = guard.check_url("http://example.org:18080/", open_ports)

    for address in ("8.8.8.8", "10.0.0.1", "169.254.169.254", "0.0.0.0"):  # noqa: S104 - not bound
        with pytest.raises(FeedRefused):
            guard.check_addresses(web, [address], open_ports)
