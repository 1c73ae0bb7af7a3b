"""Lists of subscribers that a newsroom brings along, and takes away.

Rows are already cells with names of ours (``COLUMNS``); reading CSV is desk/roster_file.py. An
import never brings back who left or is suppressed. Only ``import_rows`` and ``export`` talk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from courant.clock import Clock
from courant.newsletter import Newsletter
from courant.schedule import Slot
from courant.subscribers import choices
from courant.subscribers.address import AddressKey, normalised
from courant.subscribers.model import SHARDS, Consent, Joining, Member, Signup
from courant.subscribers.store import SubscriberStore

COLUMNS = (
    "email",
    "name",
    "cadence",
    "timezone",
    "time",
    "sections",
    "limit",
    "locale",
    "format",
    "status",
)

# Three newcomers' transactions; a progress bar moves as often.
_AT_ONCE = 99
_WILLING = frozenset({"", "active", "confirmed", "enabled", "subscribed"})

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
            slot=choices.slot_of(self.newsletter, cell["cadence"], cell["timezone"], cell["time"]),
            consent=self.consent,
            sections=choices.sections_of(self.newsletter, cell["sections"]),
            limit=choices.limit_of(cell["limit"]),
            name=choices.name_of(cell["name"]),
            locale=choices.locale_of(cell["locale"]),
            format=choices.format_of(cell["format"]),
        )
        # Only now: a row that was refused does not make the next one a duplicate.
        self.seen[normalised(email)] = row.line
        return signup


def import_rows(
    rows: Iterable[Row],
    newsletter: Newsletter,
    clock: Clock,
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
        clock: asked for each batch: who is written after an edition was cut must not look as if
            they had been there.
    """
    reading = _Reading(newsletter, validate, Consent(source, clock()))
    counts = dict.fromkeys(Joining, 0)
    refused: list[tuple[int, str]] = []
    batch: list[tuple[int, Signup]] = []

    def subscribe() -> None:
        answers = store.subscribe_all([signup for _, signup in batch], clock(), key)
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
                    # Who moved is with their new slot, and may be here for some hours more.
                    if member.email is not None and member.gone_at is None:
                        line += 1
                        yield Row(line, _cells(slot, member, member.email))
                cursor = page.cursor


def _cells(slot: Slot, member: Member, email: str) -> dict[str, str]:
    return {
        "email": email,
        "name": member.name or "",
        "cadence": slot.cadence,
        "timezone": slot.zone or "",
        "time": slot.time or "",
        "sections": "|".join(member.sections),
        "limit": str(member.limit or ""),
        "locale": member.locale or "",
        "format": member.format,
        "status": "active",
    }
