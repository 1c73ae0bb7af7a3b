"""What people write of their choices: the words of a form or of a file, read. Pure.

A word that means nothing here is a ValueError, which says what would.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

from courant.newsletter import SUBSCRIBER_ZONE, Newsletter
from courant.schedule import Slot
from courant.subscribers.model import MOST_STORIES, Format

_NAME_LIMIT = 100
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d\d))?(?::00)?\s*([ap]m)?", re.IGNORECASE)
_LOCALE = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8})*)")
_LOCALE_LIMIT = 35  # RFC 5646: what every program should be able to keep
_FORMATS: Mapping[str, Format] = {
    "": "html",
    "html": "html",
    "text": "text",
    "txt": "text",
    "plain": "text",
    "plain text": "text",
}
# Joiners are letters' own business in Persian and in many Indic scripts.
_JOINERS = "\u200c\u200d"


def slot_of(newsletter: Newsletter, cadence: str, zone: str, time: str) -> Slot:
    """The slot that words in a row mean; the newsletter's first cadence where none is named.

    A cadence with its own zone and hour gives its readers no other; what they wrote is passed over.

    Raises:
        ValueError: a word the newsletter or the world's zones don't know.
    """
    names = {name.lower(): name for name in newsletter.cadences}
    name = names.get(cadence.lower()) if cadence else next(iter(newsletter.cadences))
    if name is None:
        raise ValueError(f"unknown cadence {cadence!r}; there are: {', '.join(names.values())}")
    chosen = newsletter.cadences[name]
    known = _zones().get(zone.lower()) if zone else newsletter.timezone
    if known is None:
        raise ValueError(f"unknown timezone {zone!r}; write an IANA name such as Europe/Amsterdam")
    hour = _time(time) if time else chosen.local_time
    if chosen.timezone != SUBSCRIBER_ZONE or not (zone or time):
        return Slot(name)
    return Slot(name, known, hour)


def sections_of(newsletter: Newsletter, words: str) -> tuple[str, ...]:
    """The ids of sections named by id or title, in their order; ``|``, ``;`` or ``,`` between.

    Raises:
        ValueError: a section the newsletter has not.
    """
    ids = {section.title.lower(): section.id for section in newsletter.sections}
    ids |= {section.id: section.id for section in newsletter.sections}
    found: dict[str, None] = {}
    # A title may hold a comma ("Books, film and stage"), so the whole is looked up first.
    between = r"[|;]" if re.search(r"[|;]", words) else ","
    parts = [words] if words.lower() in ids else re.split(between, words)
    for part in filter(None, (part.strip() for part in parts)):
        if part.lower() not in ids:
            known = ", ".join(section.id for section in newsletter.sections)
            raise ValueError(f"unknown section {part!r}; there are: {known}")
        found[ids[part.lower()]] = None
    return tuple(found)


def limit_of(text: str) -> int | None:
    """The most stories of a section; "" is None: as many as the newsletter says.

    Raises:
        ValueError: no number from 1 to ``MOST_STORIES``.
    """
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}", text) or not 1 <= int(text) <= MOST_STORIES:
        raise ValueError(
            f"unknown limit {text!r}; write how many stories of a section, 1 to {MOST_STORIES}"
        )
    return int(text)


def format_of(text: str) -> Format:
    """How somebody wants their mail, by any of its names; HTML where none is named.

    Raises:
        ValueError: another word.
    """
    if text.lower() not in _FORMATS:
        raise ValueError(f"unknown format {text!r}; write html or text")
    return _FORMATS[text.lower()]


def name_of(text: str) -> str | None:
    """A person's name fit for print: one line, no controls or direction overrides, not endless."""
    kept = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", text)
        if character in _JOINERS
        or character.isspace()
        or not unicodedata.category(character).startswith("C")
    )
    return " ".join(kept.split())[:_NAME_LIMIT].strip() or None


def locale_of(text: str) -> str | None:
    """A language tag in its one spelling: ``nl_NL`` and ``NL-nl`` are ``nl-NL``; "" is None.

    Raises:
        ValueError: no tag.
    """
    if not text:
        return None
    match = _LOCALE.fullmatch(text.replace("_", "-").lower())
    if not match or len(text) > _LOCALE_LIMIT:
        raise ValueError(f"unknown locale {text[:50]!r}; write a language tag such as nl or pt-BR")
    return match[1] + "".join(f"-{_spelled(part)}" for part in match[2].split("-")[1:])


def _time(text: str) -> str:
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
    if match and match[3]:
        hour = hour % 12 + 12 * (match[3].lower() == "pm") if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59:
        raise ValueError(f"unknown time {text!r}; write it like 07:00")
    return f"{hour:02}:{minute:02}"


def _spelled(part: str) -> str:
    """A subtag as RFC 5646 (2.1.1) writes it: regions ``BR`` and scripts ``Hant``."""
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) == 2 else part


@cache
def _zones() -> Mapping[str, str]:
    return {zone.lower(): zone for zone in available_timezones()}
