"""One instant of an edition: choose what is new, render, freeze. May run twice; freezes once.

Also an editor's preview and test, which are composed the same way but belong to no edition.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from courant import aws, log
from courant.articles import KEPT, Article, ArticleStore
from courant.clock import stamp
from courant.editions.archive import Archive
from courant.editions.frozen import PressingStore
from courant.editions.model import (
    Edition,
    EditionState,
    Opened,
    PressingRecord,
    PressingState,
)
from courant.editions.pressing import Frozen, Pressing, PressingUnreadable
from courant.editions.render import render
from courant.editions.requests import Action, RequestStore
from courant.editions.select import SectionStories, choose, count_articles
from courant.editions.store import EditionStore
from courant.editions.view import Occasion
from courant.editions.web_edition import compose_page, path_of
from courant.errors import ConfigurationError, CourantError
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId, Slot, local_date, two_periods_before, zone_of

# Of each feed: more than any section shows, and few enough to be compared with all others.
_NEWEST = 500


class Composer:
    """Composes pressings.

    ``feed_id`` names a feed's rows by its URL. ``locales``: a newsletter's id → those of its
    readers. ``open_chunks`` hands a frozen pressing of an edition to delivery, with the instant by
    which its first mail goes out, if unattended; ``sample`` joins a preview: file name → content.
    """

    def __init__(
        self,
        *,
        newsletters: NewsletterStore,
        articles: ArticleStore,
        editions: EditionStore,
        pressings: PressingStore,
        archive: Archive,
        requests: RequestStore,
        feed_id: Callable[[str], str],
        locales: Callable[[str], Iterable[str]],
        open_chunks: Callable[[Frozen, Edition, datetime | None], Opened],
        sample: Callable[[Pressing], Mapping[str, str]],
        sqs: Any,
        chunks_queue: str,
        site_url: str,
        epoch: str,
    ) -> None:
        self._newsletters = newsletters
        self._articles = articles
        self._editions = editions
        self._pressings = pressings
        self._archive = archive
        self._requests = requests
        self._feed_id = feed_id
        self._locales = locales
        self._open_chunks = open_chunks
        self._sample = sample
        self._sqs = sqs
        self._chunks_queue = chunks_queue
        self._site_url = site_url
        self._epoch = epoch

    def compose(self, edition_id: EditionId, instant: datetime, now: datetime) -> PressingState:
        """Press one instant of an edition; what it came to."""
        record = self._editions.pressing(edition_id, instant)
        edition = self._editions.get(edition_id)
        if record is None or edition is None:
            log.error("compose", status="unknown", edition=edition_id, instant=stamp(instant))
            return PressingState.SKIPPED
        if record.state is not PressingState.WAITING:
            return record.state
        if edition.epoch != self._epoch:
            return self._skip(record, now, f"it belongs to epoch {edition.epoch}")
        if edition.state is EditionState.PAUSED:
            return record.state  # it waits, and the heartbeat asks again
        frozen = self._frozen(edition, record, now)
        if isinstance(frozen, PressingState):
            return frozen
        self._open(edition, record, frozen, now)
        return PressingState.PRESSED

    def compose_request(self, request_id: str, now: datetime) -> None:
        """Press what an editor's preview or test shows: the next edition, as it would be now."""
        request = self._requests.get(request_id)
        newsletter = self._newsletters.get(request.newsletter) if request else None
        if request is None or newsletter is None or request.cadence not in newsletter.cadences:
            log.error("compose", status="unknown", request=request_id)
            return
        slot = Slot(request.cadence)
        sections = self._choose(newsletter, slot, now, now)
        if not sections:
            self._requests.done(request_id, "there is nothing new to show")
            return
        frozen = Frozen(
            edition=EditionId(
                newsletter.id, request.cadence, local_date(newsletter, request.cadence, now)
            ),
            instant=now,
            cut_at=now,
            pressings=(self._render(newsletter, sections, (slot,), now, None),),
        )
        self._pressings.put_request(request_id, "pressing.json", frozen.to_json())
        for name, body in self._sample(frozen.pressings[0]).items():
            self._pressings.put_request(request_id, name, body)
        if request.action is Action.TEST:
            aws.send_all(self._sqs, self._chunks_queue, [{"request": request_id}])
        self._requests.done(request_id, "composed")

    def _frozen(
        self, edition: Edition, record: PressingRecord, now: datetime
    ) -> Frozen | PressingState:
        """The frozen pressing, or what became of the instant without one."""
        newsletter = self._newsletters.get(edition.id.newsletter)
        try:
            # What was frozen in time is in time: some of its audience may be counted, even mailed.
            frozen, unreadable = self._kept(edition.id, record.instant)
            if frozen is not None:
                return frozen
            if edition.state is EditionState.CANCELLED:
                return self._skip(record, now, "the edition was cancelled")
            if newsletter is None or edition.id.cadence not in newsletter.cadences:
                return self._skip(record, now, "the newsletter or its cadence is gone")
            if not edition.may_be_late and now - record.instant > newsletter.max_lateness:
                before = f"; before that: {record.reason}" if record.reason else ""
                reason = f"composed later than max_lateness{before}"
                self._editions.move_pressing(record, PressingState.EXPIRED, now, reason=reason)
                return PressingState.EXPIRED
            if unreadable is not None:
                raise unreadable
            if edition.state is EditionState.SCHEDULED:
                self._move(edition.id, EditionState.SCHEDULED, EditionState.COMPOSING, now)
            pressed = self._freeze(newsletter, record, now)
        except (CourantError, ConfigurationError) as error:
            # It is tried again, and may be mended by then; until it is, editors see why.
            self._editions.move_pressing(record, record.state, now, reason=str(error))
            raise
        return self._skip(record, now, pressed) if isinstance(pressed, str) else pressed

    def _kept(
        self, edition_id: EditionId, instant: datetime
    ) -> tuple[Frozen | None, PressingUnreadable | None]:
        try:
            return self._pressings.get(edition_id, instant), None
        except PressingUnreadable as error:
            return None, error  # it may be too late, or cancelled, and then it does not matter

    def _open(
        self, edition: Edition, record: PressingRecord, frozen: Frozen, now: datetime
    ) -> None:
        """Hand a frozen pressing to delivery. A cancelled edition's is only counted."""
        if edition.state is not EditionState.CANCELLED:
            self._editions.hold(frozen)
            # Before anyone is mailed: the mails link to it.
            self._archive.publish(frozen)
        opened = self._open_chunks(frozen, edition, self._starts_by(edition, record.instant))
        if opened.refusal:
            self._hold(edition.id, opened.refusal, now)
        elif edition.state is not EditionState.SENDING:
            # Whoever froze it may have died before it said that it is composed.
            self._move(edition.id, EditionState.SCHEDULED, EditionState.COMPOSING, now)
            self._move(edition.id, EditionState.COMPOSING, EditionState.SENDING, now)
        self._editions.move_pressing(
            record,
            PressingState.PRESSED,
            now,
            members=opened.members,
            articles=len(frozenset().union(*(p.articles for p in frozen.pressings))),
        )
        if not opened.refusal:
            opened.wake()
        log.event("pressing", status="pressed", edition=edition.id, members=opened.members)

    def _starts_by(self, edition: Edition, instant: datetime) -> datetime | None:
        if edition.may_be_late:
            return None
        newsletter = self._newsletters.get(edition.id.newsletter)
        # Whoever removed the newsletter meanwhile is to say whether what is left goes out.
        return instant + newsletter.max_lateness if newsletter else instant

    def _freeze(
        self, newsletter: Newsletter, record: PressingRecord, now: datetime
    ) -> Frozen | str:
        """The frozen pressing, or why there is none."""
        groups: dict[tuple[SectionStories, ...], list[Slot]] = {}
        most = 0
        for slot in record.slots:
            sections = self._choose(newsletter, slot, record.instant, now)
            count = count_articles(sections)
            most = max(most, count)
            if count >= newsletter.minimum_articles:
                groups.setdefault(sections, []).append(slot)
        if not record.slots:
            return "it has no readers"
        if not groups:
            return f"{most} new articles; it needs {newsletter.minimum_articles}"
        pressings = tuple(
            self._press(newsletter, sections, tuple(slots), record, number)
            for number, (sections, slots) in enumerate(groups.items())
        )
        return self._pressings.freeze(
            Frozen(edition=record.edition, instant=record.instant, cut_at=now, pressings=pressings)
        )

    def _choose(
        self, newsletter: Newsletter, slot: Slot, instant: datetime, now: datetime
    ) -> tuple[SectionStories, ...]:
        """What a slot has not had: first seen within two periods, minus its earlier pressings."""
        since = two_periods_before(newsletter, slot.cadence, instant)
        held, last = self._editions.held(newsletter.id, slot, now)
        if last is not None:
            # Editions were skipped since: what they would have held carries over.
            since = min(since, last)
        sections = choose(newsletter.sections, self._candidates(newsletter.feeds, since, now), held)
        # A slot that had no edition yet, and too little for its first: what it had would have
        # carried over, so it looks back further, but no further than it must.
        while (
            last is None
            and 0 < count_articles(sections) < newsletter.minimum_articles
            and now - since < KEPT
        ):
            since -= now - since
            candidates = self._candidates(newsletter.feeds, since, now)
            sections = choose(newsletter.sections, candidates, held)
        return sections

    def _candidates(
        self, feeds: Iterable[str], since: datetime, until: datetime
    ) -> dict[str, tuple[Article, ...]]:
        # The newest of each feed: no section shows more, and one feed must not hold up all.
        return {
            url: tuple(
                deque(self._articles.seen_between(self._feed_id(url), since, until), _NEWEST)
            )
            for url in feeds
        }

    def _press(
        self,
        newsletter: Newsletter,
        sections: tuple[SectionStories, ...],
        slots: tuple[Slot, ...],
        record: PressingRecord,
        number: int,
    ) -> Pressing:
        """One pressing of an instant, its page on the web written."""
        if not newsletter.web.editions:
            return self._render(newsletter, sections, slots, record.instant, None)
        path = path_of(record.edition, record.instant, number)
        web_url = self._site_url + path
        occasion = _occasion(newsletter, slots, record.instant, web_url)
        page, html = compose_page(occasion, sections, record.edition, path)
        self._archive.put(page, html)
        return replace(self._render(newsletter, sections, slots, record.instant, web_url), web=page)

    def _render(
        self,
        newsletter: Newsletter,
        sections: tuple[SectionStories, ...],
        slots: tuple[Slot, ...],
        instant: datetime,
        web_url: str | None,
    ) -> Pressing:
        occasion = _occasion(newsletter, slots, instant, web_url)
        return render(occasion, sections, slots, locales=self._locales(newsletter.id))

    def _hold(self, edition_id: EditionId, reason: str, now: datetime) -> None:
        """Pause an edition that can't be sent as things are, and say why."""
        log.error("edition", status="paused", edition=edition_id)
        for before in (EditionState.COMPOSING, EditionState.SENDING):
            if self._move(edition_id, before, EditionState.PAUSED, now, reason):
                return

    def _move(
        self,
        edition_id: EditionId,
        before: EditionState,
        after: EditionState,
        now: datetime,
        reason: str | None = None,
    ) -> bool:
        return self._editions.move(edition_id, before, after, by="compose", now=now, reason=reason)

    def _skip(self, record: PressingRecord, now: datetime, reason: str) -> PressingState:
        self._editions.move_pressing(record, PressingState.SKIPPED, now, reason=reason)
        log.event("pressing", status="skipped", edition=record.edition, reason=reason)
        return PressingState.SKIPPED


def _occasion(
    newsletter: Newsletter, slots: tuple[Slot, ...], instant: datetime, web_url: str | None
) -> Occasion:
    zone = zone_of(newsletter, slots[0])
    return Occasion(
        newsletter=newsletter, day=instant.astimezone(zone).date(), zone=zone, web_url=web_url
    )
