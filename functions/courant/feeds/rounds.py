"""Which of the feeds that are due go to gather together, so that no host is asked twice at once.

Pure. A message is a round: hosts, and the feeds of each. A host has one message at a time; until
all its feeds are claimed, and for as long after as the last one's visit may take, its others wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from courant.feeds.store import LONGEST_VISIT, Waiting

# Feeds of one host in a round, and of all; a slow host's round must end within an invocation.
MOST = 60
# A message that was not worked on by then is sent once more.
SENT_LATELY = timedelta(minutes=5)

# Host → ids of feeds.
Round = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Sending:
    """A feed that was sent ``at``, and when we first saw that somebody had claimed it."""

    waiting: Waiting
    at: datetime
    claimed: datetime | None = None


# Feed → its sending: what was sent, and may not be done.
Sent = dict[str, Sending]


def still_busy(sent: Sent, due: Mapping[str, Waiting], now: datetime) -> Sent:
    """Of what was sent, that which waits to be claimed, if sent lately, or may be visited now."""
    busy: Sent = {}
    for feed, sending in sent.items():
        if due.get(feed) == sending.waiting:
            if now - sending.at < SENT_LATELY:
                busy[feed] = sending
        elif now - (claimed := sending.claimed or now) < LONGEST_VISIT:
            busy[feed] = replace(sending, claimed=claimed)
    return busy


def rounds(due: Mapping[str, Waiting], sent: Sent, most: int) -> Iterator[Round]:
    """Rounds of up to ``most`` feeds in all, the longest waiting first.

    Hosts of feeds in ``sent`` are left out. Small hosts share a round.
    """
    busy = {sending.waiting.host for sending in sent.values()}
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
