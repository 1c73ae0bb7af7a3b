"""The editors' report: how one edition went, from its rows, and the letter that says so. Pure.

The words are in templates/mail/report.*; here is only what they are filled with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from courant.delivery import mime
from courant.delivery.brake import Heard
from courant.delivery.chunks import Chunk, Counts
from courant.delivery.ledger import Delivery, DeliveryState
from courant.editions.model import OPEN, RESTARTABLE, Edition, EditionState, PressingRecord
from courant.newsletter import SUBSCRIBER_ZONE, Newsletter
from courant.templates import environment, filled

# What is worth a letter: an edition that is over, or that stopped.
WORTH_A_REPORT = frozenset(EditionState) - OPEN | {EditionState.PAUSED}
# Longest first; the rest is for `courant editions show`.
_REASONS, _FEEDS = 12, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """So many digests are in this state for this reason; "" where none is known."""

    state: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTrouble:
    """A feed of the newsletter that somebody should look at."""

    name: str
    url: str
    state: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How an edition went.

    ``counts`` are the sum of the chunks', ``waiting`` the members of whom nothing is decided;
    together they are ``members``. Instants are in the newsletter's zone. ``unread``: there are
    more reasons than were looked at. ``articles`` is None where nothing was pressed, ``delivered``
    where SES is not asked for it.
    """

    edition: Edition
    members: int
    counts: Counts
    waiting: int
    heard: Heard
    delivered: int | None
    reason: str | None
    reasons: tuple[Reason, ...]
    unread: bool
    feeds: tuple[FeedTrouble, ...]
    feeds_more: int
    articles: int | None
    began: datetime | None
    ended: datetime
    web_url: str | None
    as_of: datetime

    @property
    def minutes(self) -> int | None:
        """How long it took, rounded up."""
        if self.began is None:
            return None
        return -int((self.began - self.ended).total_seconds() // 60)


def report_of(
    newsletter: Newsletter,
    edition: Edition,
    pressings: Sequence[PressingRecord],
    chunks: Sequence[Chunk],
    heard: Heard,
    exceptions: Iterable[Delivery],
    feeds: Sequence[FeedTrouble],
    site_url: str,
    now: datetime,
    *,
    unread: bool = False,
    deliveries_told: bool = True,
) -> Report:
    """An edition's rows, as its report tells of them.

    ``exceptions`` are the digests that are not sent; ``unread``, that not all of them were read.
    ``deliveries_told``: SES reports every delivery to this stack.
    """
    counts = total(chunk.counts for chunk in chunks)
    members = sum(chunk.members for chunk in chunks)
    zone = _zone(newsletter, edition)
    begun = [chunk.begun_at for chunk in chunks if chunk.begun_at]
    nobody = edition.state in RESTARTABLE  # was mailed; then a pressing says why
    told = next((one.reason for one in pressings if one.reason and nobody), None)
    pressed = [one.articles for one in pressings if one.articles]
    on_the_web = newsletter.web.editions and bool(pressed)
    reasons = _reasons(exceptions)
    return Report(
        edition=edition,
        members=members,
        counts=counts,
        waiting=members - counts.total,
        heard=heard,
        # A repeated event counts twice; nobody is delivered to who was not sent to.
        delivered=min(heard.delivered, counts.sent) if deliveries_told else None,
        reason=edition.reason or told,
        reasons=reasons[:_REASONS],
        unread=unread or len(reasons) > _REASONS,
        feeds=tuple(feeds[:_FEEDS]),
        feeds_more=max(0, len(feeds) - _FEEDS),
        articles=max(pressed) if pressed else None,
        began=min(begun).astimezone(zone) if begun else None,
        ended=edition.moved_at.astimezone(zone),
        web_url=f"{site_url}/e/{edition.id}" if on_the_web and site_url else None,
        as_of=now.astimezone(zone),
    )


def letter(newsletter: Newsletter, report: Report, to: str, now: datetime) -> bytes:
    """The report as a mail to one of its readers.

    Raises:
        TemplateBroken: an editor's own template can't be used.
    """
    context = {"newsletter": newsletter, "r": report, "state": report.edition.state.value}
    plain, html = environment(newsletter.id, html=False), environment(newsletter.id, html=True)
    subject = filled(plain, "mail/report.subject.j2", context)
    headers = [
        ("From", mime.mailbox(newsletter.sender.name, newsletter.sender.address)),
        ("To", to),
        ("Subject", mime.unstructured(subject)),
        ("Date", format_datetime(now)),
        # RFC 3834: no holiday notice wants to answer this.
        ("Auto-Submitted", "auto-generated"),
    ]
    if newsletter.sender.reply_to:
        headers.insert(1, ("Reply-To", newsletter.sender.reply_to))
    context["subject"] = mime.clean(subject)
    text = filled(plain, "mail/report.txt.j2", context)
    return mime.build(headers, text, filled(html, "mail/report.html.j2", context))


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of many counts."""
    names = Counts.__slots__
    sums: Counter[str] = Counter()
    for one in counts:
        sums.update({name: getattr(one, name) for name in names})
    return Counts(**sums)


def _reasons(exceptions: Iterable[Delivery]) -> tuple[Reason, ...]:
    # A digest that is still open waits; that is counted elsewhere.
    shown = (DeliveryState.FAILED, DeliveryState.UNRESOLVED, DeliveryState.SKIPPED)
    found = Counter((one.state, one.reason or "") for one in exceptions if one.state in shown)
    # The worst first, then the most.
    ordered = sorted(found.items(), key=lambda one: (shown.index(one[0][0]), -one[1], one[0][1]))
    return tuple(
        Reason(state=state.value, reason=mime.clean(reason), count=count)
        for (state, reason), count in ordered
    )


def _zone(newsletter: Newsletter, edition: Edition) -> ZoneInfo:
    cadence = newsletter.cadences.get(edition.id.cadence)
    named = cadence.timezone if cadence else SUBSCRIBER_ZONE
    return ZoneInfo(newsletter.timezone if named == SUBSCRIBER_ZONE else named)
