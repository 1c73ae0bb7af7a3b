"""One beat: start what is due, take up what was left lying, move the watermark last.

Beating twice for the same minute changes nothing; missing a minute delays it by one.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from courant import aws, log, watermark
from courant.clock import stamp
from courant.delivery.upkeep import Upkeep
from courant.editions.model import Edition, EditionState
from courant.editions.start import Starter
from courant.editions.store import EditionStore
from courant.feeds.rounds import Sending, Sent, rounds, still_busy
from courant.feeds.store import FeedStore, feed_id
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import Slot, due
from courant.subscribers.lists import MemberLists
from courant.watermark import WatermarkStore

# Feeds enqueued by one beat, and looked at, as some hosts may have to wait; the rest is the next
# beat's.
_FEEDS, _LOOKED_AT = 1000, 5000
# How long before its hour an edition's feeds are read once more: a beat, a queue, and some slow
# hosts. And how many at most, and for how many seconds; a beat has 55.
_REFRESH = timedelta(minutes=12)
_REFRESHED, _REFRESH_SECONDS = 2000, 15.0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Everything a beat needs.

    ``sent`` is what was enqueued lately. Only this process knows: another one may enqueue a feed a
    second time, which is harmless, as one of two claims fails, or ask a host while it is asked.
    """

    newsletters: NewsletterStore
    subscribers: MemberLists
    feeds: FeedStore
    editions: EditionStore
    watermark: WatermarkStore
    upkeep: Upkeep
    starter: Starter
    sqs: Any
    feeds_queue: str
    epoch: str
    sent: Sent = field(default_factory=dict)

    def beat(self, now: datetime) -> dict[str, int]:
        """One beat; how much of each it did, for the log."""
        newsletters = {newsletter.id: newsletter for newsletter in self.newsletters.all()}
        mark = self.watermark.get()
        since = watermark.since(mark, now)
        missed = watermark.missed(mark, self.epoch, now)
        slots = {name: self.subscribers.slots(name) for name in newsletters}
        started = self._start(newsletters, slots, since, now, missed)
        open_editions = [edition for edition in self.editions.open() if edition.epoch == self.epoch]
        self.upkeep.look(open_editions, now)
        for edition in open_editions:
            try:
                self._take_up(edition, newsletters.get(edition.id.newsletter), now)
            except Exception:  # noqa: BLE001 - the isolation point: one edition must not stop all
                log.error("edition", status="not taken up", edition=edition.id)
        feeds = self._enqueue_feeds(now)
        # After what is due, which must go out however many are to be refreshed; these go next beat.
        soon = due(newsletters.values(), slots, max(since + _REFRESH, now), now + _REFRESH)
        self._refresh((newsletters[each.edition.newsletter] for each in soon), now)
        self.watermark.move(now, self.epoch)
        done = {"started": started, "feeds": feeds, "open": len(open_editions)}
        log.event("beat", at=stamp(now), **done)
        return done

    def _start(
        self,
        newsletters: dict[str, Newsletter],
        slots: dict[str, tuple[Slot, ...]],
        since: datetime,
        now: datetime,
        missed: str | None,
    ) -> int:
        dues = due(newsletters.values(), slots, since, now)
        for each in dues:
            self.starter.on_time(each, newsletters[each.edition.newsletter], now, missed=missed)
        return len(dues)

    def _refresh(self, soon: Iterable[Newsletter], now: datetime) -> None:
        """Have the feeds of editions whose hour is near read once more, while there is time."""
        urls = dict.fromkeys(url for newsletter in soon for url in newsletter.feeds)
        until = time.monotonic() + _REFRESH_SECONDS
        asked = hurried = 0
        for url in islice(urls, _REFRESHED):
            if time.monotonic() >= until:
                break
            asked += 1
            hurried += self.feeds.hurry(feed_id(url), now)
        if urls:
            log.event("refresh", feeds=len(urls), asked=asked, hurried=hurried)

    def _enqueue_feeds(self, now: datetime) -> int:
        waiting = self.feeds.due(now, _LOOKED_AT)
        sent = still_busy(self.sent, waiting, now)
        messages = [{"feeds": hosts} for hosts in rounds(waiting, sent, _FEEDS)]
        aws.send_all(self.sqs, self.feeds_queue, messages)
        new = [feed for message in messages for of in message["feeds"].values() for feed in of]
        self.sent.clear()
        self.sent.update(sent | {feed: Sending(waiting[feed], now) for feed in new})
        return len(new)

    def _take_up(self, edition: Edition, newsletter: Newsletter | None, now: datetime) -> None:
        if newsletter and edition.by_hand:
            self._press_again(edition, newsletter, now)
        self.upkeep.take_up(edition, newsletter, now)

    def _press_again(self, edition: Edition, newsletter: Newsletter, now: datetime) -> None:
        """The editor's call may have died between the edition's row and its pressing's."""
        # An editor may have paused and resumed it since.
        unpressed = {EditionState.SCHEDULED, EditionState.COMPOSING, EditionState.SENDING}
        if edition.state in unpressed and not self.editions.pressings(edition.id):
            slots = self._slots_of(edition)
            self.starter.by_hand(newsletter, edition.id, slots, edition.started_at, now)

    def _slots_of(self, edition: Edition) -> tuple[Slot, ...]:
        return tuple(
            slot
            for slot in self.subscribers.slots(edition.id.newsletter)
            if slot.cadence == edition.id.cadence
        )
