"""Dates and counted words, as the reader's language has them: what Unicode's CLDR (Babel) knows.

Compose and preview ask; nothing on the send path does, since Babel takes long to load. Numbers and
dates are in the digits that Babel writes both in, so one mail has one kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal

from courant.errors import ConfigurationError
from courant.locales import FALLBACK, Strings

_RIGHT_TO_LEFT = frozenset({"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"})
# How the first day of a month is written, where no pattern of CLDR says so.
_FIRST_DAY = {"fr": "1er"}
# CLDR's plural forms, in its order.
_FORMS = ("zero", "one", "two", "few", "many", "other")


def full_date(day: date, language: str) -> str:
    """``Sunday, November 22, 2026``; as English writes it where CLDR does not know the language."""
    locale = _locale(language)
    return _first_day(str(format_date(day, "full", locale=locale)), day, locale)


def short_date(instant: datetime, language: str, zone: ZoneInfo, *, year: bool = False) -> str:
    """Day and month of an instant in a zone: ``November 22``; with the year, if asked for."""
    locale = _locale(language)
    text = (
        str(format_date(instant.astimezone(zone).date(), "long", locale=locale))
        if year
        else str(format_skeleton("MMMMd", instant, tzinfo=zone, locale=locale))
    )
    return _first_day(text, instant.astimezone(zone).date(), locale)


def plural(strings: Strings, key: str, n: int, language: str) -> str:
    """The words ``key`` in the form that ``n`` needs, with ``{n}`` filled in.

    The form is that of the language the words are in, which is English for a language without a
    file; ``language`` says how the number is written, if it is a kind of that one (``es-MX``).

    Raises:
        ConfigurationError: the language has a form that its file lacks.
    """
    words = _locale(strings.language)
    asked = _locale(language)
    number = format_decimal(n, locale=asked if asked.language == words.language else words)
    form = f"{key}_{words.plural_form(n)}"
    pattern: str | None = getattr(strings, form, None)
    if pattern is None:
        forms = sorted(categories(strings.language), key=_FORMS.index)
        needed = ", ".join(f"{key}_{each}" for each in forms)
        raise ConfigurationError(
            f"{strings.file}: {form} is missing; {strings.language} counts with {needed}"
        )
    return pattern.format(n=number)


def categories(language: str) -> frozenset[str]:
    """The plural forms that a language has for whole numbers: ``one`` and ``other`` in English."""
    form = _locale(language).plural_form
    # CLDR's rules look at the last digits, at small numbers, and at whole millions.
    return frozenset(str(form(n)) for n in (*range(1000), 10**6, 10**6 + 1, 10**9))


def known(language: str) -> bool:
    """Whether CLDR knows this very tag: ``nl-BE`` yes, ``nl-ZZ`` no."""
    try:
        Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    return True


def direction(language: str) -> Literal["ltr", "rtl"]:
    """Which way the script of a language tag runs."""
    parts = [part for part in language.split("-") if part]
    script = next((part.title() for part in parts[1:] if re.fullmatch("[A-Za-z]{4}", part)), None)
    if script is None:
        likely = get_global("likely_subtags")
        found = (likely.get(tag.replace("-", "_")) for tag in _shorter(language))
        # "pa_PK": "pa_Arab_PK"
        script = next((tag.split("_")[1] for tag in found if tag), "")
    return "rtl" if script in _RIGHT_TO_LEFT else "ltr"


def _first_day(text: str, day: date, locale: Locale) -> str:
    written = _FIRST_DAY.get(locale.language)
    if day.day != 1 or written is None:
        return text
    return re.sub(r"\b1\b", written, text, count=1)


@cache
def _locale(language: str) -> Locale:
    for tag in _shorter(language):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(FALLBACK)


def _shorter(language: str) -> Iterator[str]:
    """``de-Latn-XX``, ``de-Latn``, ``de``."""
    parts = language.split("-")
    for count in range(len(parts), 0, -1):
        yield "-".join(parts[:count])
