"""Sample readers of any newsletter, each with choices of their own. Pure, and always the same.

Among twelve are readers of four languages, one of them Arabic, some with fewer stories than the
newsletter gives or more, one without a name, and one who takes plain text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from courant.newsletter import Newsletter
from courant.subscribers.choices import slot_of
from courant.subscribers.model import Consent, Format, Signup

# Domains that RFC 2606 keeps for examples: nobody's mail.
_DOMAINS: Final = ("example.com", "example.org", "example.net")
_NAMES: Final = (
    ("Noor van Dijk", "noor.van.dijk"),
    ("Amara Okafor", "amara.okafor"),
    ("Jonas Lindqvist", "jonas.lindqvist"),
    (None, "reader"),
    ("Søren Østergård", "soren.ostergard"),
    ("Mei-Ling Zhao 赵美玲", "meiling.zhao"),
    ("Priya Raman", "priya.raman"),
    ("Tomás O’Brien", "tomas.obrien"),
    ("فاطمة الزهراء", "fatima"),
    ("Lucía Fernández", "lucia.fernandez"),
    ('Dr. "Ed" Whitfield, Jr.', "ed.whitfield"),
    ("Ελένη Παπαδοπούλου", "eleni"),
    ("Kofi Mensah", "kofi.mensah"),
    ("Hanna Kowalska", "hanna.kowalska"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    cadence: int = 0  # the first; a newsletter with fewer gives its last
    zone: str = ""
    time: str = ""
    take: tuple[int, ...] = ()  # sections by place; none: all
    limit: int | None = None  # None: the newsletter's
    locale: str | None = None
    format: Format = "html"
    left: bool = False
    paused: bool = False


_CHOICES: Final = (
    _Choice(),
    _Choice(take=(1, 0), limit=2),
    _Choice(take=(0, 1), locale="fr"),
    _Choice(take=(2,), limit=50),
    _Choice(locale="nl", zone="Europe/Copenhagen", time="06:30"),
    _Choice(cadence=1),
    _Choice(take=(3, 1, 0), locale="de"),
    _Choice(left=True),
    _Choice(take=(4, 2), zone="America/New_York", locale="ar"),
    _Choice(paused=True),
    _Choice(take=(-1, 0), limit=1, format="text"),
    _Choice(zone="Asia/Tokyo", time="07:00"),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who signs up, and what they do afterwards, before the demo begins."""

    signup: Signup
    left: bool = False
    paused: bool = False


def readers(newsletter: Newsletter, count: int, joined: datetime) -> Iterator[Reader]:
    """The first ``count`` sample readers, joined at an instant. Among twelve, one left and one
    has paused."""
    consent = Consent("demo", joined)
    cadences = list(newsletter.cadences)
    for n in range(count):
        choice = _CHOICES[n % len(_CHOICES)]
        name, local = _NAMES[n % len(_NAMES)]
        again = f"{n // len(_NAMES) + 1}" if n >= len(_NAMES) else ""
        yield Reader(
            Signup(
                email=f"{local}{again}@{_DOMAINS[n % len(_DOMAINS)]}",
                name=name,
                newsletter=newsletter.id,
                slot=slot_of(
                    newsletter,
                    cadences[min(choice.cadence, len(cadences) - 1)],
                    choice.zone,
                    choice.time,
                ),
                sections=_sections(newsletter, choice.take),
                limit=choice.limit,
                locale=choice.locale,
                format=choice.format,
                consent=consent,
            ),
            left=choice.left,
            paused=choice.paused,
        )


def _sections(newsletter: Newsletter, take: tuple[int, ...]) -> tuple[str, ...]:
    ids = [section.id for section in newsletter.sections]
    # A newsletter with fewer sections than the choice knows: the place counts round.
    return tuple(dict.fromkeys(ids[place % len(ids)] for place in take))
