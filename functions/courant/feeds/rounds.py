"""Which of the feeds that are due go to gather together, so that no host is asked twice at once.

Pure. A message is a round: hosts, and the feeds of each. A host has one message at a time; while
some of its feeds still wait to be claimed, its others wait too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from courant.feeds.store import Waiting

# Feeds of one host in a round, and of all; a slow host's round must end within an invocation.
MOST = 20
# A message that was not worked on by then is sent once more.
SENT_LATELY = timedelta(minutes=5)

# Host → ids of feeds.
Round = dict[str, list[str]]
# Feed → since when it waits, and when it was sent: what was sent lately.
Sent = dict[str, tuple[Waiting, datetime]]


def still_waiting(sent: Sent, due: Mapping[str, Waiting], now: datetime) -> Sent:
    """Of what was sent, that which nobody has claimed yet, if it was sent lately."""
    return {
        feed: (waiting, at)
        for feed, (waiting, at) in sent.items()
        if due.get(feed) == waiting and now - at < SENT_LATELY
    }


def rounds(due: Mapping[str, Waiting], sent: Sent, most: int) -> Iterator[Round]:
    """Rounds of up to ``most`` feeds in all, the longest waiting first.

    Hosts of feeds in ``sent`` are left out. Small hosts share a round.
    """
    busy = {waiting.host for waiting, _ in sent.values()}
    hosts: Round = {}
    left = most
    for feed, waiting in due.items():
        if waiting.host in busy:
            continue
        of_host = hosts.setdefault(waiting.host, [])
        if left and len(of_host) < MOST:
            of_host.append(feed)
            left -= 1
    this: Round = {}
    for host, feeds in hosts.items():
        if this and sum(map(len, this.values())) + len(feeds) > MOST:
            yield this
            this = {}
        if feeds:
            this[host] = feeds
    if this:
        yield this
