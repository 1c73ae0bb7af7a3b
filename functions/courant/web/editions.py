"""The web edition: pages as they were composed, an index and a feed of them, and nothing private.

The index and the feed are made of the editions' rows when they are asked for, so they are never
behind (docs/decisions/0012).
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from urllib.parse import unquote

from courant import locales
from courant.editions.archive import Archive, Listed
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId
from courant.templates import environment
from courant.web.answer import Answer, Request, etag_of, moved, public

_ROUTE = re.compile(
    r"/e/(?P<newsletter>[a-z0-9-]{1,32})"
    r"(?:/(?P<feed>feed\.xml)|/(?P<edition>[a-z0-9-]{1,32}/[0-9+a-z-]{10,60})(?:/(?P<time>[0-9T-]{4,20}))?)?/?"
)
_LISTED = 50
# A page never changes; an hour is how long one that was withdrawn may still be seen.
_PAGE_SECONDS = 3600
_INDEX_SECONDS = 300
# What a feed without entries says it was last changed.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# No XML document may hold these, however they are written.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Editions:
    """Answers what begins with ``/e/``."""

    def __init__(self, archive: Archive, newsletters: NewsletterStore) -> None:
        self._archive = archive
        self._newsletters = newsletters

    def answer(self, request: Request) -> Answer | None:
        """The page for a GET or HEAD; None if there is none."""
        route = _ROUTE.fullmatch(unquote(request.path))
        newsletter = self._newsletters.get(route["newsletter"]) if route else None
        if route is None or newsletter is None or not newsletter.web.editions:
            return None
        if route["feed"]:
            return self._feed(request, newsletter)
        if not route["edition"]:
            return self._index(request, newsletter)
        try:
            edition = EditionId.parse(f"{newsletter.id}/{route['edition']}")
        except ValueError:
            return None
        if route["time"]:
            return self._page(request, newsletter, edition, route["time"])
        first = self._archive.first(edition)
        return moved(first.path, _INDEX_SECONDS) if first else None

    def _page(
        self, request: Request, newsletter: Newsletter, edition: EditionId, time: str
    ) -> Answer | None:
        key = self._archive.key(edition, time)
        if key is None:
            return None
        etag = etag_of(key)
        # The key says what is in it: who has the page is answered without reading it.
        html = "" if request.knows(etag) else self._archive.html(key)
        if html is None:
            return None
        return public(
            request,
            html,
            etag=etag,
            seconds=_PAGE_SECONDS,
            indexed=newsletter.web.search_engines,
        )

    def _index(self, request: Request, newsletter: Newsletter) -> Answer:
        strings = locales.strings(newsletter.language, newsletter=newsletter.id)
        html = (
            environment(newsletter.id, html=True)
            .get_template("web/editions.html.j2")
            .render(
                newsletter=newsletter,
                language=newsletter.language,
                dir=strings.direction,
                t=strings,
                editions=self._archive.latest(newsletter.id, _LISTED),
                canonical_url=f"{request.site_url}/e/{newsletter.id}",
                feed_url=f"/e/{newsletter.id}/feed.xml",
            )
        )
        return public(request, html, seconds=_INDEX_SECONDS, indexed=newsletter.web.search_engines)

    def _feed(self, request: Request, newsletter: Newsletter) -> Answer:
        editions = self._archive.latest(newsletter.id, _LISTED)
        index_url = f"{request.site_url}/e/{newsletter.id}"
        feed = (
            environment(newsletter.id, html=True)
            .get_template("web/feed.xml.j2")
            .render(
                newsletter=newsletter,
                index_url=index_url,
                feed_url=f"{index_url}/feed.xml",
                updated=_rfc3339(editions[0].at if editions else _NEVER),
                entries=[_entry(each, request.site_url) for each in editions],
            )
        )
        return public(
            request,
            _NOT_XML.sub("", feed),
            seconds=_INDEX_SECONDS,
            indexed=newsletter.web.search_engines,
            content_type="application/atom+xml; charset=utf-8",
        )


def _entry(edition: Listed, site_url: str) -> dict[str, str | None]:
    return {
        # Of the page and nothing else: neither a new domain nor a second look changes it.
        "id": uuid.uuid5(uuid.NAMESPACE_URL, edition.key).urn,
        "headline": edition.headline,
        "summary": edition.summary,
        "image": edition.image,
        "url": f"{site_url}{edition.path}",
        "at": _rfc3339(edition.at),
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
