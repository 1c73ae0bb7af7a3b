"""Lists of subscribers that a newsroom brings along, and takes away.

Rows are already cells with names of ours (``COLUMNS``); reading CSV is desk/roster_file.py. An
import never brings back who left or is suppressed. Only ``import_rows`` and ``export`` talk.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from courant.newsletter import SUBSCRIBER_ZONE, Newsletter
from courant.schedule import Slot
from courant.subscribers.address import AddressKey, normalised
from courant.subscribers.model import SHARDS, Consent, Format, Joining, Member, Signup
from courant.subscribers.store import SubscriberStore

COLUMNS = (
    "email",
    "name",
    "cadence",
    "timezone",
    "time",
    "sections",
    "locale",
    "format",
    "status",
)

# Three newcomers' transactions; a progress bar moves as often.
_AT_ONCE = 99
_NAME_LIMIT = 100

_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d\d))?(?::00)?\s*([ap]m)?", re.IGNORECASE)
_LOCALE = re.compile(r"([A-Za-z]{2,3})((?:-[A-Za-z0-9]{2,8})*)")
_FORMATS: Mapping[str, Format] = {
    "": "html",
    "html": "html",
    "text": "text",
    "txt": "text",
    "plain": "text",
    "plain text": "text",
}
_WILLING = frozenset({"", "active", "confirmed", "enabled", "subscribed"})
# Joiners are letters' own business in Persian and in many Indic scripts.
_JOINERS = "\u200c\u200d"

# A person's address in the one spelling that SES takes; ValueError says what is wrong with it.
Validate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file; ``line`` counts from 1, and the header is a line."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows: ``added`` + ``already`` + refused is all of them."""

    added: int = 0
    already: int = 0
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(slots=True)
class _Reading:
    """Where each address was seen first, so that the second one is a duplicate of a line."""

    newsletter: Newsletter
    validate: Validate
    consent: Consent
    seen: dict[str, int] = field(default_factory=dict)

    def signup(self, row: Row) -> Signup:
        cell = {name: row.cells.get(name, "").strip() for name in COLUMNS}
        email = self.validate(cell["email"])
        if first := self.seen.get(normalised(email)):
            raise ValueError(f"duplicate of line {first}")
        if cell["status"].lower() not in _WILLING:
            raise ValueError(f"the file says {cell['status']!r}, so not subscribed")
        signup = Signup(
            email=email,
            newsletter=self.newsletter.id,
            slot=slot_of(self.newsletter, cell["cadence"], cell["timezone"], cell["time"]),
            consent=self.consent,
            sections=sections_of(self.newsletter, cell["sections"]),
            name=name_of(cell["name"]),
            locale=_locale(cell["locale"]),
            format=_format(cell["format"]),
        )
        # Only now: a row that was refused does not make the next one a duplicate.
        self.seen[normalised(email)] = row.line
        return signup


def import_rows(
    rows: Iterable[Row],
    newsletter: Newsletter,
    now: datetime,
    store: SubscriberStore,
    key: AddressKey,
    validate: Validate,
    source: str,
) -> Imported:
    """Subscribe the people of a file; a row that can't be is reported and the rest kept.

    Args:
        rows: read one batch at a time, so a progress bar may be wrapped round them.
        validate: an address as SES takes it, or ValueError (``roster_file.address``).
        source: where the consent comes from, ``import:readers.csv``.
    """
    reading = _Reading(newsletter, validate, Consent(source, now))
    counts = dict.fromkeys(Joining, 0)
    refused: list[tuple[int, str]] = []
    batch: list[tuple[int, Signup]] = []

    def subscribe() -> None:
        answers = store.subscribe_all([signup for _, signup in batch], now, key)
        for (line, _), answer in zip(batch, answers, strict=True):
            counts[answer] += 1
            if answer is Joining.LEFT:
                refused.append((line, "unsubscribed before; only the reader can come back"))
            elif answer is Joining.SUPPRESSED:
                refused.append((line, "suppressed: it bounced or complained before"))
        batch.clear()

    for row in rows:
        try:
            batch.append((row.line, reading.signup(row)))
        except ValueError as error:
            refused.append((row.line, str(error)))
        if len(batch) == _AT_ONCE:
            subscribe()
    subscribe()
    return Imported(counts[Joining.ADDED], counts[Joining.ALREADY], tuple(sorted(refused)))


def export(store: SubscriberStore, newsletter: Newsletter, now: datetime) -> Iterator[Row]:
    """The members of a newsletter as rows that ``import_rows`` takes; lines count from 2."""
    line = 1
    for slot in store.slots(newsletter.id):
        for digit in SHARDS:
            cursor: str | None = ""
            while cursor is not None:
                page = store.page(newsletter.id, slot, digit, now, cursor, limit=500)
                for member in page.members:
                    if member.email is not None:
                        line += 1
                        yield Row(line, _cells(slot, member, member.email))
                cursor = page.cursor


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
    """The ids of sections named by id or title, in their order; ``|``, ``;`` or ``,`` between."""
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


def _cells(slot: Slot, member: Member, email: str) -> dict[str, str]:
    return {
        "email": email,
        "name": member.name or "",
        "cadence": slot.cadence,
        "timezone": slot.zone or "",
        "time": slot.time or "",
        "sections": "|".join(member.sections),
        "locale": member.locale or "",
        "format": member.format,
        "status": "active",
    }


def _time(text: str) -> str:
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
    if match and match[3]:
        hour = hour % 12 + 12 * (match[3].lower() == "pm") if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59:
        raise ValueError(f"unknown time {text!r}; write it like 07:00")
    return f"{hour:02}:{minute:02}"


def _locale(text: str) -> str | None:
    if not text:
        return None
    match = _LOCALE.fullmatch(text.replace("_", "-"))
    if not match:
        raise ValueError(f"unknown locale {text!r}; write a language tag such as nl or pt-BR")
    return match[1].lower() + match[2]


def _format(text: str) -> Format:
    if text.lower() not in _FORMATS:
        raise ValueError(f"unknown format {text!r}; write html or text")
    return _FORMATS[text.lower()]


@cache
def _zones() -> Mapping[str, str]:
    return {zone.lower(): zone for zone in available_timezones()}
