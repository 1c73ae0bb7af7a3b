"""What a preview is made of: a newsletter's feeds, read once and kept, or stories of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from courant.articles import Article
from courant.newsletter import Newsletter
from desk import sample_news
from desk.commands import feeds_now
from desk.commands.feeds_now import Fetch, Reading
from desk.demo import paper

# Feeds that are done, of how many.
Heard = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class News:
    """Feed URL → articles, and how the reading went. ``newsletter`` has the sections that the
    news is for. ``readings`` is empty where nothing had to be read."""

    newsletter: Newsletter
    candidates: Mapping[str, tuple[Article, ...]]
    readings: tuple[Reading, ...]
    at: datetime

    @property
    def failed(self) -> tuple[Reading, ...]:
        """Feeds that brought nothing, and say why."""
        return tuple(reading for reading in self.readings if reading.error)


class Newsroom(Protocol):
    """Whoever has news for a newsletter."""

    def news(
        self, newsletter: Newsletter, now: datetime, heard: Heard, *, anew: bool = False
    ) -> News:
        """The news; ``anew`` forgets what was read before."""
        ...


class Feeds:
    """A newsletter's own feeds, or the files of a folder in their place.

    A feed is read when it is first asked for, so a feed that an editor adds to the file is read
    then, and the others are not.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._read: dict[str, Reading] = {}
        self._at: datetime | None = None

    def news(
        self, newsletter: Newsletter, now: datetime, heard: Heard, *, anew: bool = False
    ) -> News:
        """Read what was not read yet.

        Raises:
            ConfigurationError: the folder has no feeds.
        """
        newsletter, fetch = self._fetch(newsletter, now)
        known = {} if anew else self._read
        missing = [url for url in newsletter.feeds if url not in known]
        fresh: dict[str, Reading] = {}
        if missing:
            heard(0, len(missing))
        for reading in feeds_now.read_all(missing, fetch, now) if missing else ():
            fresh[reading.url] = reading
            heard(len(fresh), len(missing))
        self._read = {**known, **fresh}
        if anew or self._at is None:
            self._at = now
        readings = tuple(self._read[url] for url in newsletter.feeds)
        return News(newsletter, feeds_now.candidates(readings), readings, self._at)

    def _fetch(self, newsletter: Newsletter, now: datetime) -> tuple[Newsletter, Fetch]:
        if self._folder is not None:
            return feeds_now.from_folder(self._folder, newsletter)
        if all(url.startswith(f"{paper.SITE}/") for url in newsletter.feeds):
            return newsletter, feeds_now.from_paper(now)
        return newsletter, feeds_now.from_web(newsletter)


class Samples:
    """Stories of every awkward kind, which need no feed."""

    def news(
        self, newsletter: Newsletter, now: datetime, heard: Heard, *, anew: bool = False
    ) -> News:
        """The sample stories, as new as can be."""
        del heard, anew
        return News(newsletter, sample_news.sample(newsletter, now), (), now)
