"""The readers' site: which part of it answers a request."""

from __future__ import annotations

from datetime import datetime

from courant.web.answer import SHOWING, Answer, Request
from courant.web.editions import Editions
from courant.web.pages import Pages, not_allowed, not_found


class Site:
    """Links in mails, and the web edition."""

    def __init__(self, pages: Pages, editions: Editions) -> None:
        self._pages = pages
        self._editions = editions

    def answer(self, request: Request, now: datetime) -> Answer:
        """The answer to a request.

        Raises:
            Conflict: nothing was changed; the server's error makes the mailbox try again.
        """
        if not request.path.startswith("/e/"):
            return self._pages.answer(request, now)
        if request.method not in SHOWING:
            return not_allowed(request, SHOWING)
        return self._editions.answer(request) or not_found(request)
