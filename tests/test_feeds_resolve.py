"""Names to addresses: checked each time they are asked for, remembered for a minute."""

from __future__ import annotations

import threading

import pytest

from courant.errors import FeedRefused, FeedUnreachable
from courant.feeds.fetching import guard
from courant.feeds.fetching.resolve import REMEMBERED_SECONDS, Resolver, getaddrinfo

WEB = guard.check_url("http://example.org/")


class Names:
    """A name server that answers the next of its answers, the last for ever, and counts."""

    def __init__(self, *answers: list[str] | Exception) -> None:
        self.answers = answers
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append((host, port))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """Monotonic seconds, moved by hand."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_mixed_public_and_private_answer_is_refused() -> None:
    names = Names(["93.184.215.14", "10.0.0.1"])

    with pytest.raises(FeedRefused, match="public internet"):
        Resolver(frozenset(), names).resolve(WEB, 1)


def test_addresses_are_remembered_for_a_minute_per_host_and_port() -> None:
    clock, names = Clock(), Names(["8.8.8.8"], ["1.1.1.1"])
    resolver = Resolver(frozenset(), names, clock)

    assert resolver.resolve(WEB, 1) == ("8.8.8.8",)
    clock.at += REMEMBERED_SECONDS - 1
    assert resolver.resolve(WEB, 1) == ("8.8.8.8",)
    assert len(names.asked) == 1
    assert resolver.resolve(guard.check_url("https://example.org/"), 1) == ("1.1.1.1",)
    clock.at += 2
    assert resolver.resolve(WEB, 1) == ("1.1.1.1",)
    assert names.asked == [("example.org", 80), ("example.org", 443), ("example.org", 80)]


def test_name_that_turns_private_after_its_minute_is_refused() -> None:
    clock, names = Clock(), Names(["8.8.8.8"], ["169.254.169.254"])
    resolver = Resolver(frozenset(), names, clock)

    resolver.resolve(WEB, 1)
    clock.at += REMEMBERED_SECONDS

    with pytest.raises(FeedRefused):
        resolver.resolve(WEB, 1)


def test_refusals_and_failures_are_not_remembered() -> None:
    names = Names(["10.0.0.1"], OSError("no such host"), [], ["8.8.8.8"])
    resolver = Resolver(frozenset(), names)

    with pytest.raises(FeedRefused):
        resolver.resolve(WEB, 1)
    with pytest.raises(FeedUnreachable, match="its host was not found"):
        resolver.resolve(WEB, 1)
    with pytest.raises(FeedUnreachable, match="no such host"):
        resolver.resolve(WEB, 1)
    assert resolver.resolve(WEB, 1) == ("8.8.8.8",)


def test_forgotten_host_is_asked_for_again() -> None:
    names = Names(["8.8.8.8"], ["1.1.1.1"])
    resolver = Resolver(frozenset(), names)

    resolver.resolve(WEB, 1)
    resolver.forget(WEB)

    assert resolver.resolve(WEB, 1) == ("1.1.1.1",)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courant.feeds.fetching.resolve._REMEMBERED_HOSTS", 3)
    resolver = Resolver(frozenset(), Names(["8.8.8.8"]))

    for number in range(10):
        resolver.resolve(guard.check_url(f"http://{number}.example.org/"), 1)

    assert len(resolver._known) <= 3


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]"])
def test_address_needs_no_name_server(host: str) -> None:
    names = Names(OSError())

    assert Resolver(frozenset(), names).resolve(guard.check_url(f"http://{host}/"), 1)
    assert names.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"]
)
def test_address_is_checked_too(host: str) -> None:
    with pytest.raises(FeedRefused):
        Resolver(frozenset(), getaddrinfo).resolve(guard.check_url(f"http://{host}/"), 1)


def test_slow_name_server_is_not_waited_for() -> None:
    release = threading.Event()

    def slow(*_: object) -> list[str]:
        release.wait(10)
        return ["8.8.8.8"]

    with pytest.raises(FeedUnreachable, match="in time"):
        Resolver(frozenset(), slow).resolve(WEB, 0.05)
    release.set()


def test_slow_name_servers_hold_up_no_other_host() -> None:
    release = threading.Event()

    def lookup(host: str, _: int) -> list[str]:
        if host != "example.org":
            release.wait(10)
        return ["8.8.8.8"]

    resolver = Resolver(frozenset(), lookup)
    for number in range(20):
        with pytest.raises(FeedUnreachable):
            resolver.resolve(guard.check_url(f"http://{number}.example.org/"), 0.001)

    assert resolver.resolve(WEB, 5) == ("8.8.8.8",)
    release.set()


def test_system_resolver_knows_this_machine() -> None:
    assert set(getaddrinfo("localhost", 80)) & {"127.0.0.1", "::1"}


def test_many_threads_share_one() -> None:
    resolver = Resolver(frozenset(), Names(["8.8.8.8"]))
    found: list[tuple[str, ...]] = []

    def ask() -> None:
        for number in range(50):
            web = guard.check_url(f"http://{number % 7}.example.org/")
            found.append(resolver.resolve(web, 10))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert found == [("8.8.8.8",)] * 800
