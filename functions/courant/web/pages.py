"""What links in mails lead to: a method and a path in, an answer out.

A GET only ever shows a page: mail scanners open every link. A POST acts, and acting again changes
nothing. Its body is not read: RFC 8058 has mail programs send ``List-Unsubscribe=One-Click`` as a
form of either kind and the page's button sends nothing, but the signed link already says it all,
and whoever can post it could press the button too.

A page is in its reader's language: what the profile behind the link says, else the newsletter's.
Where no link says whose page it is, the browser's languages have to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from courant import locales, log
from courant.errors import LinkInvalid
from courant.newsletter import Brand
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Link, Links, Purpose
from courant.subscribers.model import Profile, Status
from courant.subscribers.store import SubscriberStore
from courant.templates import environment
from courant.web.accent import accent
from courant.web.answer import SHOWING, Answer, Request, private

# Both routes, and what the link in each must be for.
_ROUTE = re.compile(r"/([uc])/([^/]{1,200})")
_PURPOSES = {
    "u": frozenset({Purpose.UNSUBSCRIBE, Purpose.SAMPLE}),
    "c": frozenset({Purpose.CONFIRM}),
}
# What a page wears that is no newsletter's.
_PLAIN = Brand()


class Pages:
    """Answers readers. ``links`` needs no site: its pages point at themselves."""

    def __init__(
        self, subscribers: SubscriberStore, newsletters: NewsletterStore, links: Links
    ) -> None:
        self._subscribers = subscribers
        self._newsletters = newsletters
        self._links = links

    def answer(self, request: Request, now: datetime) -> Answer:
        """The page for a request.

        Raises:
            Conflict: nothing was changed; the server's error makes the mailbox try again.
        """
        route = _ROUTE.fullmatch(request.path)
        if route is None:
            return not_found(request)
        if request.method not in SHOWING | {"POST"}:
            return not_allowed(request, [*SHOWING, "POST"])
        kind, token = route.groups()
        try:
            link = self._links.read(token, now)
        except LinkInvalid as error:
            return _invalid(request, str(error))
        if link.purpose not in _PURPOSES[kind]:
            return _invalid(request, "for another purpose")
        # A sample is nobody's link.
        reader = None if link.purpose is Purpose.SAMPLE else self._subscribers.profile(link.sid)
        if request.method in SHOWING:
            return self._show(request, link, reader)
        return self._act(request, link, reader, now)

    def _show(self, request: Request, link: Link, reader: Profile | None) -> Answer:
        status = _status(reader, link.newsletter)
        if link.purpose is Purpose.CONFIRM:
            if status is Status.ACTIVE:
                return self._about(request, link, reader, "confirmed")
            return self._about(request, link, reader, "confirm", action_url=request.path)
        # A button that does nothing would only worry who has left.
        if link.purpose is Purpose.UNSUBSCRIBE and status not in {Status.ACTIVE, Status.PENDING}:
            return self._about(request, link, reader, "unsubscribed", already=True)
        return self._about(request, link, reader, "unsubscribe", action_url=request.path)

    def _act(self, request: Request, link: Link, reader: Profile | None, now: datetime) -> Answer:
        if link.purpose is Purpose.SAMPLE:
            return self._about(request, link, reader, "sample")
        if link.purpose is Purpose.CONFIRM:
            if not self._subscribers.confirm(link.sid, link.newsletter, now):
                log.event("link_invalid", reason="nothing to confirm")
                return self._about(request, link, reader, "invalid")
            log.event("confirmed", newsletter=link.newsletter, sid=link.sid)
            return self._about(request, link, reader, "confirmed")
        ended = self._subscribers.unsubscribe(link.sid, link.newsletter, "link", now)
        log.event("unsubscribed", newsletter=link.newsletter, sid=link.sid, again=not ended)
        return self._about(request, link, reader, "unsubscribed", already=False)

    def _about(
        self,
        request: Request,
        link: Link,
        reader: Profile | None,
        template: str,
        **context: str | bool,
    ) -> Answer:
        newsletter = self._newsletters.get(link.newsletter)
        # A newsletter that is no more has no templates and words of its own.
        newsletter_id = newsletter.id if newsletter else None
        papers = newsletter.language if newsletter else _browsers(request)
        return _page(
            200,
            template,
            language=locales.chosen(
                reader.locale if reader else None, papers, newsletter=newsletter_id
            ),
            newsletter_id=newsletter_id,
            # One can leave a newsletter that is no more; then its id has to do.
            newsletter_title=newsletter.title if newsletter else link.newsletter,
            brand=newsletter.brand if newsletter else _PLAIN,
            **context,
        )


def not_found(request: Request) -> Answer:
    """There is no such page."""
    return _page(404, "not_found", _browsers(request))


def not_allowed(request: Request, methods: Iterable[str]) -> Answer:
    """The page is there, but not for this method."""
    page = _page(405, "not_found", _browsers(request))
    return Answer(405, page.body, {**page.headers, "Allow": ", ".join(sorted(methods))})


def _invalid(request: Request, reason: str) -> Answer:
    log.event("link_invalid", reason=reason)
    # A mailbox that gets an error for its one-click tries again and again.
    return _page(200 if request.method == "POST" else 404, "invalid", _browsers(request))


def _status(reader: Profile | None, newsletter_id: str) -> Status | None:
    subscription = reader.subscriptions.get(newsletter_id) if reader else None
    return subscription.status if subscription else None


def _browsers(request: Request) -> str:
    """The first language of the browser's that we have words for, else English."""
    return next(filter(locales.offered, request.languages), locales.FALLBACK)


def _page(
    status: int,
    template: str,
    language: str,
    newsletter_id: str | None = None,
    brand: Brand = _PLAIN,
    **context: str | bool,
) -> Answer:
    page = environment(newsletter_id, html=True).get_template(f"web/{template}.html.j2")
    strings = locales.strings(language, newsletter=newsletter_id)
    return private(status, page.render(t=strings, accent=accent(brand.accent), **context))
