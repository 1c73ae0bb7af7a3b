"""Sends the editors' report: to each address once for each time that an edition ends or stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice

from courant.clock import stamp
from courant.delivery import mime
from courant.delivery.chunks import Chunk, ChunkStore
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Delivery, Ledger
from courant.delivery.mailer import Mailer
from courant.editions.model import Edition
from courant.editions.store import EditionStore
from courant.errors import NotFound
from courant.feeds import health
from courant.feeds.row import host_of
from courant.feeds.store import FeedStore, feed_id
from courant.letters.claims import LetterClaims, LetterNotSent
from courant.letters.report import WORTH_A_REPORT, FeedTrouble, Report, letter, report_of
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId

KIND = "report"
# For the reasons of exceptions: ranges with so many members are gone through, and so many rows
# taken. Their number is known from the chunks however many there are.
_GONE_THROUGH, _ROWS = 100_000, 5_000
_FEEDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Everything a report is made of."""

    newsletters: NewsletterStore
    editions: EditionStore
    chunks: ChunkStore
    ledger: Ledger
    heard: HeardStore
    feeds: FeedStore
    claims: LetterClaims
    mailer: Mailer
    site_url: str
    deliveries_told: bool = True

    def send(self, edition_id: EditionId, now: datetime) -> str:
        """Report on an edition as it is now; what became of it, in a word.

        Raises:
            LetterNotSent: SES did not take every letter; again later.
            NotFound: edition or newsletter is unknown.
        """
        edition = self.editions.get(edition_id)
        newsletter = self.newsletters.get(edition_id.newsletter)
        if edition is None or newsletter is None:
            raise NotFound(f"edition {edition_id}")
        if edition.state not in WORTH_A_REPORT:
            return "running"
        if not newsletter.report_to:
            return "nobody_to_tell"
        report = self.report(newsletter, edition, now)
        # Whoever resumes and sees it stop again wants to hear again.
        occasion = f"{edition.state.value}#{stamp(edition.moved_at)}"
        states, not_sent = [], None
        for address in newsletter.report_to:
            # Made before it is claimed: one that can't be made is not claimed for ever.
            raw = letter(newsletter, report, address, now)
            claim = self.claims.claim(KIND, str(edition_id), f"{occasion}#{_hidden(address)}", now)
            if claim is None:
                states.append("already")
                continue
            outcome = self.mailer.send(raw, address, newsletter.sender.address, {"letter": KIND})
            try:
                states.append(self.claims.settle(claim, outcome, now))
            except LetterNotSent as error:
                # The others are not to wait for this one.
                not_sent = error
        if not_sent:
            raise not_sent
        return " ".join(sorted(set(states)))

    def report(self, newsletter: Newsletter, edition: Edition, now: datetime) -> Report:
        """How an edition went so far."""
        chunks = self.chunks.of_edition(edition.id)
        ranges = _with_exceptions(chunks)
        rows = list(islice(self._exceptions(edition.id, ranges.looked_at), _ROWS + 1))
        return report_of(
            newsletter,
            edition,
            self.editions.pressings(edition.id),
            chunks,
            self.heard.of(edition.id),
            rows[:_ROWS],
            self._troubles(newsletter, now),
            self.site_url,
            now,
            unread=ranges.left_out or len(rows) > _ROWS,
            deliveries_told=self.deliveries_told,
        )

    def _exceptions(self, edition: EditionId, ranges: Iterable[str]) -> Iterator[Delivery]:
        for range_ in ranges:
            yield from self.ledger.exceptions(edition, range_)

    def _troubles(self, newsletter: Newsletter, now: datetime) -> tuple[FeedTrouble, ...]:
        urls = {feed_id(url): url for url in newsletter.feeds[:_FEEDS]}
        rows = self.feeds.several(urls)
        found = [(health.state_of(row, now), row) for row in rows.values()]
        found.sort(key=lambda one: (one[0], one[1].url))
        return tuple(
            FeedTrouble(
                # What servers say is shown, not obeyed.
                name=mime.clean(row.title or host_of(row.url), 60),
                url=mime.clean(row.url, 200),
                state=state.name.lower(),
                remark=mime.clean(health.trouble(row, state) or "", 200),
            )
            for state, row in found
            if state.needs_somebody
        )


@dataclass(frozen=True, slots=True)
class _Ranges:
    looked_at: tuple[str, ...]
    left_out: bool


def _with_exceptions(chunks: Iterable[Chunk]) -> _Ranges:
    """The key ranges to look for exceptions in, those with the most of them first."""
    sizes: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for chunk in chunks:
        counts = chunk.counts
        if exceptions := counts.failed + counts.unresolved + counts.skipped:
            # Two slots' chunks of one range share its rows.
            missing[chunk.range] += exceptions
            sizes[chunk.range] += chunk.members
    looked_at, gone_through = [], 0
    for range_, _ in missing.most_common():
        if gone_through and gone_through + sizes[range_] > _GONE_THROUGH:
            break
        gone_through += sizes[range_]
        looked_at.append(range_)
    return _Ranges(tuple(looked_at), len(looked_at) < len(missing))


def _hidden(address: str) -> str:
    """An address as a part of a key: told from others, and not read."""
    return sha256(address.lower().encode()).hexdigest()[:16]
