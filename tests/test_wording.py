"""Dates and counted words, as each language writes them."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant import locales
from courant.editions.wording import categories, direction, full_date, plural, short_date
from courant.errors import ConfigurationError
from courant.locales import Strings

SUNDAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Sunday, November 22, 2026"),
        ("en-GB", "Sunday, 22 November 2026"),
        ("nl", "zondag 22 november 2026"),
        ("nl-BE", "zondag 22 november 2026"),
        ("de", "Sonntag, 22. November 2026"),
        ("fr", "dimanche 22 novembre 2026"),
        ("es", "domingo, 22 de noviembre de 2026"),
        ("ar", "الأحد، 22 نوفمبر 2026"),
        # CLDR knows languages that we have no words in yet.
        ("pl", "niedziela, 22 listopada 2026"),
        ("de-XX", "Sonntag, 22. November 2026"),
        ("xx", "Sunday, November 22, 2026"),
        ("", "Sunday, November 22, 2026"),
        ("../en", "Sunday, November 22, 2026"),
    ],
)
def test_a_full_date(language: str, text: str) -> None:
    assert full_date(SUNDAY, language) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "November 22"),
        ("nl", "22 november"),
        ("de", "22. November"),
        ("fr", "22 novembre"),
        ("es", "22 de noviembre"),
        ("ar", "22 نوفمبر"),
        ("xx", "November 22"),
    ],
)
def test_a_short_date(language: str, text: str) -> None:
    assert short_date(datetime(2026, 11, 22, 12, tzinfo=UTC), language, ZoneInfo("UTC")) == text


def test_a_date_is_that_of_the_zone() -> None:
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)

    assert short_date(late, "nl", ZoneInfo("Europe/Amsterdam")) == "1 november"
    assert short_date(late, "fr", ZoneInfo("Europe/Paris")) == "1er novembre"


def test_the_first_of_a_month_in_french() -> None:
    assert full_date(date(2026, 11, 1), "fr") == "dimanche 1er novembre 2026"
    assert full_date(date(2026, 11, 1), "fr-CA") == "dimanche 1er novembre 2026"
    assert full_date(date(2026, 11, 11), "fr") == "mercredi 11 novembre 2026"


@pytest.mark.parametrize(
    ("language", "n", "text"),
    [
        ("en", 1, "And 1 more story that did not fit"),
        ("en", 2, "And 2 more stories that did not fit"),
        ("en", 1234, "And 1,234 more stories that did not fit"),
        ("nl", 1234, "En nog 1.234 verhalen waarvoor geen plaats was"),
        ("fr", 1, "Et 1 autre article qui n’a pas trouvé place ici"),
        ("fr", 1_000_000, "Et 1\u202f000\u202f000 autres articles qui n’ont pas trouvé place ici"),
        ("es", 2, "Y 2 artículos más que no cupieron"),
        ("es-MX", 12345, "Y 12,345 artículos más que no cupieron"),
        ("ar", 1, "وموضوع آخر لم تتسع له هذه الرسالة"),
        ("ar", 2, "وموضوعان آخران لم تتسع لهما هذه الرسالة"),
        ("ar", 3, "و3 موضوعات أخرى لم تتسع لها هذه الرسالة"),
        ("ar", 11, "و11 موضوعًا آخر لم تتسع لها هذه الرسالة"),
        ("ar", 100, "و100 موضوع آخر لم تتسع لها هذه الرسالة"),
        ("ar", 103, "و103 موضوعات أخرى لم تتسع لها هذه الرسالة"),
        # No words in Polish yet: English words take English forms and English numbers.
        ("pl", 2345, "And 2,345 more stories that did not fit"),
    ],
)
def test_counted_words(language: str, n: int, text: str) -> None:
    assert plural(locales.strings(language), "dropped", n, language) == text


@given(st.sampled_from(locales.available()), st.integers(0, 10**7))
def test_every_count_has_its_words(language: str, n: int) -> None:
    for key in ("dropped", "minutes"):
        assert "{" not in plural(locales.strings(language), key, n, language)


def test_a_form_that_a_file_lacks_is_a_mistake_with_a_name() -> None:
    words = Strings(Path("en.toml"), {"language": "en", "hours_other": "{n} hours"})

    with pytest.raises(ConfigurationError, match=r"en\.toml: hours_one is missing; en counts"):
        plural(words, "hours", 1, "en")


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", "one other"),
        ("fr", "one many other"),
        ("ar", "zero one two few many other"),
        ("pl", "one few many"),
        ("ja", "other"),
        ("xx", "one other"),
    ],
)
def test_the_forms_that_whole_numbers_need(language: str, forms: str) -> None:
    assert categories(language) == set(forms.split())


@pytest.mark.parametrize(
    ("language", "runs"),
    [
        *((language, "ltr") for language in ("en", "nl-BE", "zh-Hant", "ku", "pa", "xx", "")),
        *((language, "rtl") for language in ("ar", "ar-EG", "he", "fa-IR", "ur", "yi", "dv")),
        ("pa-PK", "rtl"),
        ("az-Arab", "rtl"),
        ("ar-Latn", "ltr"),
        ("ar-x-latn", "ltr"),
        # A tag begins with a language, whatever it looks like.
        ("Arab", "ltr"),
        ("Hebr-US", "ltr"),
    ],
)
def test_direction(language: str, runs: str) -> None:
    assert direction(language) == runs


@given(st.text(max_size=12), st.dates(), st.datetimes(timezones=st.just(UTC)))
def test_any_tag_has_dates_and_a_direction(tag: str, day: date, instant: datetime) -> None:
    assert re.search(r"\d", full_date(day, tag))
    assert direction(tag) in ("ltr", "rtl")
    if 1 < instant.year < 9999:
        assert short_date(instant, tag, ZoneInfo("Asia/Tokyo"))
