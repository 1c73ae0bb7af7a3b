"""A newsletter as its editor has it now, composed for whoever looks.

A mistake in the file or in a template is kept beside the last digest that could be made, so that an
editor in the middle of a line goes on seeing a page.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from courant import locales, templates
from courant.clock import Clock
from courant.delivery import digest as digests
from courant.delivery.digest import Digest
from courant.editions.pressing import Pressing
from courant.newsletter import Newsletter
from desk import newsletter_file
from desk.preview import dressing, faults
from desk.preview.choice import Choice
from desk.preview.faults import Fault
from desk.preview.news import Heard, News, Newsroom
from desk.sample_digest import (
    UNSUBSCRIBE_URL,
    SampleReader,
    compose_all,
    compose_web,
    sample_readers,
)

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A digest for one choice, or the faults that explain why there is none or an older one."""

    newsletter: Newsletter
    sample: SampleReader
    news: News
    made_at: datetime
    pressing: Pressing | None
    digest: Digest | None
    faults: tuple[Fault, ...]

    @property
    def raw(self) -> bytes:
        """The mail, as it would be handed to SES."""
        if self.pressing is None or self.digest is None:
            return b""
        return digests.message(
            self.pressing,
            self.digest,
            to="reader@site.example",
            now=self.made_at,
            unsubscribe_url=UNSUBSCRIBE_URL,
            text_only=self.sample.text_only,
        )


class Draft:
    """The newsletter file, the news and what was composed of them. Many threads may ask.

    ``version`` grows with everything that a page may have to show anew.
    """

    def __init__(
        self,
        file: Path,
        newsroom: Newsroom,
        now: Clock,
        *,
        folder: Path = templates.TEMPLATES,
    ) -> None:
        """Read the file; the feeds are read by ``read_feeds``.

        Raises:
            ConfigurationError: the file has mistakes.
        """
        self.file = file
        self.folder = folder
        self.version = 1
        # Told of each feed that is read, beside the page.
        self.heard: Heard | None = None
        # Feeds that are done, of how many, while they are read.
        self.reading: tuple[int, int] | None = None
        # Readers that somebody asked for, before the sample ones.
        self.own_readers: tuple[SampleReader, ...] = ()
        self._newsroom, self._now = newsroom, now
        self._newsletter = newsletter_file.load(file)
        self._mistakes: tuple[Fault, ...] = ()
        self._news: News | None = None
        self._made: dict[_Key, tuple[Pressing | None, Fault | None]] = {}
        self._good: dict[_Key, Pressing] = {}
        self._made_at = now()
        # One digest at a time is composed: cssutils keeps its settings to itself, in one place.
        self._composing = threading.RLock()
        self._feeds = threading.Lock()
        self._moved = threading.Condition()

    @property
    def watched(self) -> tuple[Path, ...]:
        """What is worth watching."""
        return (self.file, self.folder)

    @property
    def newsletter(self) -> Newsletter:
        """The last one that could be read, with the sections that the news is for."""
        return self._news.newsletter if self._news else self._newsletter

    @property
    def readers(self) -> tuple[SampleReader, ...]:
        """Who may be looked over the shoulder of."""
        return (*self.own_readers, *sample_readers(self.newsletter))

    @property
    def locales(self) -> tuple[str, ...]:
        """The newsletter's own language, and all that there are words for."""
        newsletter = self._newsletter
        offered = locales.available(self.folder / "locales", newsletter.id)
        return tuple(dict.fromkeys([newsletter.language, *offered]))

    def parse(self, query: str) -> Choice:
        """A choice among what there is."""
        return Choice.parse(query, locales=self.locales, readers=(one.id for one in self.readers))

    def read_feeds(self, *, anew: bool = False) -> None:
        """Read the feeds that were not read yet, or all of them again.

        Raises:
            ConfigurationError: there is nothing to read.
        """
        with self._feeds:
            try:
                news = self._newsroom.news(self._newsletter, self._now(), self._heard, anew=anew)
            finally:
                self.reading = None
            with self._composing:
                self._news = news
                self._compose_anew()

    def file_changed(self) -> None:
        """Read file and templates again; a mistake in the file leaves the rest as it was."""
        try:
            newsletter, mistakes = newsletter_file.parse(self.file.read_text("utf-8-sig"))
            self._mistakes = faults.of_file(self.file, mistakes)
        except (OSError, UnicodeDecodeError) as error:
            newsletter = None
            self._mistakes = (Fault(f"It can't be read: {error}.", str(self.file)),)
        if newsletter is not None:
            self._newsletter = newsletter
        # A template that is kept would hide a new one that an editor puts before it.
        templates.environment.cache_clear()
        try:
            self.read_feeds()
        except Exception as error:  # noqa: BLE001 - who watches the files must go on watching
            self._mistakes = (*self._mistakes, faults.of_error(error, self.folder))
            self._move()

    def show(self, choice: Choice) -> Shown:
        """The digest of a choice, composed now if nobody asked for it since the last change."""
        with self._composing:
            news = self._news
            if news is None:
                raise RuntimeError("the feeds were not read yet")
            readers = self.readers
            sample = next((one for one in readers if one.id == choice.reader), readers[0])
            pressing, fault = self._pressing(news, choice)
            newsletter, made_at = news.newsletter, self._made_at
            mistakes = self._mistakes
        digest = None
        if pressing is not None:
            sample = _with_locale(sample, choice.locale)
            digest = digests.join(pressing, sample.reader, UNSUBSCRIBE_URL)
        return Shown(
            newsletter=newsletter,
            sample=sample,
            news=news,
            made_at=made_at,
            pressing=pressing,
            digest=digest,
            faults=(*mistakes, *([fault] if fault else [])),
        )

    def web_page(self) -> str:
        """The same stories as the web edition, or the sentence that says why there is none."""
        with self._composing:
            news = self._news
            if news is None or not news.newsletter.web.editions:
                return dressing.plain_page("The newsletter file says: no web edition.", "ltr")
            try:
                page = compose_web(
                    news.newsletter, news.candidates, self._made_at, folder=self.folder
                )
            except Exception as error:  # noqa: BLE001 - templates are programs of strangers
                fault = faults.of_error(error, self.folder)
                return dressing.plain_page(f"{fault.place}\n{fault.text}", "ltr")
        return page or dressing.plain_page("There is nothing to show.", "ltr")

    def wait(self, version: int, seconds: float) -> int:
        """The version, as soon as it is another one than this, or after so many seconds."""
        with self._moved:
            self._moved.wait_for(lambda: self.version != version, timeout=seconds)
            return self.version

    def _pressing(self, news: News, choice: Choice) -> tuple[Pressing | None, Fault | None]:
        newsletter = news.newsletter
        if choice.look:
            newsletter = newsletter.model_copy(update={"look": choice.look})
        locale = choice.locale or newsletter.language
        key = (newsletter.look, locale)
        if key not in self._made:
            try:
                made = compose_all(
                    newsletter,
                    news.candidates,
                    self._made_at,
                    folder=self.folder,
                    locales=(locale,),
                )
                self._made[key] = made, None
                self._good[key] = made
            except Exception as error:  # noqa: BLE001 - templates are programs of strangers
                fault = faults.of_error(error, self.folder, self._likely(newsletter))
                self._made[key] = self._good.get(key), fault
        return self._made[key]

    def _likely(self, newsletter: Newsletter) -> str:
        """The templates of a digest that an editor wrote, or else the one of its look."""
        names = (f"{newsletter.look}.html.j2", "base.html.j2", "digest.txt.j2")
        own = [Path(newsletter.id, "digest", name) for name in names]
        found = [path for path in own if (self.folder / path).is_file()]
        return ", ".join(
            str(Path(self.folder.name) / path) for path in found or [Path("digest", names[0])]
        )

    def _compose_anew(self) -> None:
        self._made.clear()
        self._made_at = self._now()
        self._move()

    def _heard(self, done: int, total: int) -> None:
        self.reading = (done, total)
        if self.heard:
            self.heard(done, total)
        self._move()

    def _move(self) -> None:
        with self._moved:
            self.version += 1
            self._moved.notify_all()


def _with_locale(sample: SampleReader, locale: str | None) -> SampleReader:
    """The same reader, of another language."""
    return replace(sample, reader=replace(sample.reader, locale=locale))
