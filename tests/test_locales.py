"""The words readers see: every language has the same ones."""

import string
import tomllib
from pathlib import Path

import pytest

from courant import locales

FILES = sorted(locales.FOLDER.glob("*.toml"))


def words(file: Path) -> dict[str, str]:
    return {name: str(word) for name, word in tomllib.loads(file.read_text("utf-8")).items()}


def fields(word: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(word) if name is not None}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_language_has_the_words_of_english_and_fills_in_the_same(file: Path) -> None:
    english, other = words(locales.FOLDER / "en.toml"), words(file)

    # A language has one form of a counted word for each of its own plurals.
    assert {name for name in other if not _counted(name)} == {
        name for name in english if not _counted(name)
    }
    assert {name: fields(other[name]) for name in other if name in english} == {
        name: fields(english[name]) for name in other if name in english
    }
    assert other["language"] == file.stem


def _counted(name: str) -> bool:
    return name.endswith(("_zero", "_one", "_two", "_few", "_many", "_other"))


@pytest.mark.parametrize(
    ("language", "found"),
    [("en", "en"), ("nl", "nl"), ("nl-BE", "nl"), ("xx", "en"), ("../en", "en"), ("", "en")],
)
def test_a_language_without_a_file_gets_the_nearest(language: str, found: str) -> None:
    assert locales.strings(language).language == found


def test_a_word_that_is_missing_is_a_mistake_with_a_name() -> None:
    with pytest.raises(AttributeError, match=r"en\.toml has no 'no_such_word'"):
        _ = locales.strings("en").no_such_word
