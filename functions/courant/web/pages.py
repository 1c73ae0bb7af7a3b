"""What links in mails lead to: a method and a path in, an answer out.

A GET only ever shows a page: mail scanners open every link. A POST acts, and acting again changes
nothing. Its body is not read: RFC 8058 has mail programs send ``List-Unsubscribe=One-Click`` as a
form of either kind and the page's button sends nothing, but the signed link already says it all,
and whoever can post it could press the button too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from courant import locales, log
from courant.errors import LinkInvalid
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Link, Links, Purpose
from courant.subscribers.store import SubscriberStore
from courant.templates import environment
from courant.web.answer import SHOWING, Answer, private

# Both routes, and what the link in each must be for.
_ROUTE = re.compile(r"/([uc])/([^/]{1,200})")
_PURPOSES = {
    "u": frozenset({Purpose.UNSUBSCRIBE, Purpose.SAMPLE}),
    "c": frozenset({Purpose.CONFIRM}),
}


class Pages:
    """Answers readers. ``links`` needs no site: its pages point at themselves."""

    def __init__(
        self, subscribers: SubscriberStore, newsletters: NewsletterStore, links: Links
    ) -> None:
        self._subscribers = subscribers
        self._newsletters = newsletters
        self._links = links

    def answer(self, method: str, path: str, now: datetime) -> Answer:
        """The page for a request.

        Raises:
            Conflict: nothing was changed; the server's error makes the mailbox try again.
        """
        route = _ROUTE.fullmatch(path)
        if route is None:
            return not_found()
        if method not in SHOWING | {"POST"}:
            return not_allowed([*SHOWING, "POST"])
        kind, token = route.groups()
        try:
            link = self._links.read(token, now)
        except LinkInvalid as error:
            return _invalid(method, str(error))
        if link.purpose not in _PURPOSES[kind]:
            return _invalid(method, "for another purpose")
        if method in SHOWING:
            return self._show(link, path)
        return self._act(link, now)

    def _show(self, link: Link, path: str) -> Answer:
        if link.purpose is Purpose.CONFIRM:
            return self._about(link, "confirm", action_url=path)
        return self._about(link, "unsubscribe", action_url=path)

    def _act(self, link: Link, now: datetime) -> Answer:
        if link.purpose is Purpose.SAMPLE:
            return self._about(link, "sample")
        if link.purpose is Purpose.CONFIRM:
            if not self._subscribers.confirm(link.sid, link.newsletter, now):
                return _invalid("POST", "nothing to confirm")
            log.event("confirmed", newsletter=link.newsletter, sid=link.sid)
            return self._about(link, "confirmed")
        ended = self._subscribers.unsubscribe(link.sid, link.newsletter, "link", now)
        log.event("unsubscribed", newsletter=link.newsletter, sid=link.sid, again=not ended)
        return self._about(link, "unsubscribed")

    def _about(self, link: Link, template: str, **context: str) -> Answer:
        newsletter = self._newsletters.get(link.newsletter)
        return _page(
            200,
            template,
            language=newsletter.language if newsletter else locales.FALLBACK,
            # A newsletter that is no more has no templates of its own.
            newsletter_id=newsletter.id if newsletter else None,
            # One can leave a newsletter that is no more; then its id has to do.
            newsletter_title=newsletter.title if newsletter else link.newsletter,
            **context,
        )


def not_found() -> Answer:
    """There is no such page."""
    return _page(404, "not_found")


def not_allowed(methods: Iterable[str]) -> Answer:
    """The page is there, but not for this method."""
    page = _page(405, "not_found")
    return Answer(405, page.body, {**page.headers, "Allow": ", ".join(sorted(methods))})


def _invalid(method: str, reason: str) -> Answer:
    log.event("link_invalid", reason=reason)
    # A mailbox that gets an error for its one-click tries again and again.
    return _page(200 if method == "POST" else 404, "invalid")


def _page(
    status: int,
    template: str,
    language: str = locales.FALLBACK,
    newsletter_id: str | None = None,
    **context: str,
) -> Answer:
    page = environment(newsletter_id, html=True).get_template(f"web/{template}.html.j2")
    strings = locales.strings(language, newsletter=newsletter_id)
    return private(status, page.render(t=strings, **context))
