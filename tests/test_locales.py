"""The words readers see: every language has the same ones, and an editor may change them."""

import os
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from courant import locales
from courant.editions.wording import categories, direction, plural
from courant.errors import ConfigurationError

FILES = sorted(locales.FOLDER.glob("*.toml"))
FORM = re.compile(r"_(zero|one|two|few|many|other)")
# Forms of whole numbers that stand for one number only, so the number may be in words.
ONE_NUMBER = {"ar": {"zero", "one", "two"}, "en": {"one"}, "nl": {"one"}, "de": {"one"}}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def words(file: Path) -> dict[str, str]:
    loaded: dict[str, str] = tomllib.loads(file.read_text("utf-8"))
    return loaded


ENGLISH = words(locales.FOLDER / "en.toml")
COUNTED = {name.removesuffix("_other") for name in ENGLISH if name.endswith("_other")}


def counted(name: str) -> str | None:
    """``dropped`` of ``dropped_few``."""
    stem = FORM.sub("", name) if FORM.search(name[-6:]) else name
    return stem if stem in COUNTED else None


def complaints(file: Path) -> list[str]:
    """What a translator still has to mend in a file."""
    other, language = words(file), file.stem
    plain = {name for name in ENGLISH if counted(name) is None}
    forms = {f"{stem}_{form}" for stem in COUNTED for form in categories(language)}
    found = [f"{name} is missing" for name in (plain | forms) - other.keys()]
    found += [f"{name} is unknown" for name in other.keys() - (plain | forms)]
    for name, word in other.items():
        if not word.strip() or word != word.strip():
            found.append(f"{name} is empty or has space around it")
        stem = counted(name)
        if stem is None:
            expected = locales.fields(ENGLISH.get(name, ""))
        else:
            expected = locales.fields(ENGLISH[f"{stem}_other"])
            if name.rpartition("_")[2] in ONE_NUMBER.get(language, ()) and "{n}" not in word:
                expected -= {"n"}
        if name in ENGLISH or stem:
            found += [f"{name} fills in other names"] * (locales.fields(word) != expected)
    found += ["language is another"] * (other.get("language") != language)
    found += ["direction is another"] * (other.get("direction") != direction(language))
    return found


def test_the_first_six_languages_are_there() -> None:
    assert {"ar", "de", "en", "es", "fr", "nl"} <= set(locales.available())


@each_file
def test_every_language_has_exactly_the_words_of_english(file: Path) -> None:
    assert complaints(file) == []


def test_templates_use_only_words_that_there_are() -> None:
    templates = locales.FOLDER.parent.rglob("*.j2")
    used = {
        word for file in templates for word in re.findall(r"\bt\.(\w+)", file.read_text("utf-8"))
    }

    assert used
    assert used <= ENGLISH.keys()


@each_file
def test_words_are_printed_as_a_newspaper_prints_them(file: Path) -> None:
    for name, word in words(file).items():
        assert "'" not in word, name
        assert '"' not in word, name
        assert "..." not in word, name
        assert "  " not in word, name
        assert not re.search(r"\s[,.]", word), name


def test_french_marks_have_their_narrow_space() -> None:
    for name, word in words(locales.FOLDER / "fr.toml").items():
        assert not re.search(r"[^\u202f][:;!?»]|«[^\u202f]", word), name


def test_spanish_questions_are_opened() -> None:
    for name, word in words(locales.FOLDER / "es.toml").items():
        assert word.count("?") == word.count("¿"), name


def test_arabic_has_arabic_marks() -> None:
    for name, word in words(locales.FOLDER / "ar.toml").items():
        assert not re.search(r"[,;?]", word), name


def test_a_seventh_language_is_one_file_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "locales"
    shutil.copytree(locales.FOLDER, folder)
    translation = ENGLISH | {"language": "pl", "read_more": "Czytaj dalej"}
    translation = {name: word for name, word in translation.items() if not counted(name)} | {
        f"dropped_{form}": f"I jeszcze {{n}} {noun}"
        for form, noun in {"one": "tekst", "few": "teksty", "many": "tekstów"}.items()
    }
    translation |= {f"minutes_{form}": "{n} min czytania" for form in ("one", "few", "many")}
    body = "".join(f'{name} = "{word}"\n' for name, word in translation.items())
    (folder / "pl.toml").write_text(body, "utf-8")

    polish = locales.strings("pl-PL", folder)

    assert complaints(folder / "pl.toml") == []
    assert locales.available(folder) == tuple(sorted({*locales.available(), "pl"}))
    assert locales.offered("pl-PL", folder)
    assert (polish.language, polish.read_more) == ("pl", "Czytaj dalej")
    assert [plural(polish, "dropped", n, "pl") for n in (1, 3, 5)] == [
        "I jeszcze 1 tekst",
        "I jeszcze 3 teksty",
        "I jeszcze 5 tekstów",
    ]


def test_a_translator_is_told_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "pl.toml").write_text('language = "en"\nby = " "\ndropped_other = "{m}"', "utf-8")

    found = complaints(tmp_path / "pl.toml")

    assert {
        "read_more is missing",
        "dropped_few is missing",
        "dropped_other is unknown",
        "dropped_other fills in other names",
        "by is empty or has space around it",
        "language is another",
    } <= set(found)


@pytest.mark.parametrize(
    ("language", "found"),
    [
        *((tag, tag) for tag in ("en", "nl", "de", "fr", "es", "ar")),
        ("nl-BE", "nl"),
        ("ar-EG", "ar"),
        ("zh-Hant-TW", "en"),
        ("xx", "en"),
        ("../en", "en"),
        ("", "en"),
    ],
)
def test_a_language_without_a_file_gets_the_nearest(language: str, found: str) -> None:
    assert locales.strings(language).language == found


@pytest.mark.parametrize(
    ("tag", "there"),
    [("nl", True), ("nl-BE", True), ("pl", False), ("", False), ("../en", False), ("EN", False)],
)
def test_what_is_offered(tag: str, there: bool) -> None:
    assert locales.offered(tag) is there


def test_a_word_that_is_missing_is_a_mistake_with_a_name() -> None:
    with pytest.raises(AttributeError, match=r"en\.toml has no 'no_such_word'"):
        _ = locales.strings("en").no_such_word


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of locales beside which the newsletter ``morning`` has its own."""
    shutil.copytree(locales.FOLDER, tmp_path / "locales")
    (tmp_path / "morning" / "locales").mkdir(parents=True)
    return tmp_path / "locales"


def change(own: Path, tag: str, body: str) -> Path:
    file = own.parent / "morning" / "locales" / f"{tag}.toml"
    file.write_text(body, "utf-8")
    return file


def test_an_editor_changes_a_word_for_one_newsletter(own: Path) -> None:
    change(own, "nl", 'read_more = "Lees verder"')

    morning = locales.strings("nl", own, "morning")

    assert (morning.read_more, morning.unsubscribe) == ("Lees verder", "Uitschrijven")
    assert locales.strings("nl", own, "evening").read_more == "Lees het hele verhaal"
    assert locales.strings("nl", own).read_more == "Lees het hele verhaal"
    assert locales.strings("de", own, "morning").read_more == "Weiterlesen"


def test_a_kind_of_a_language_changes_what_the_language_changed(own: Path) -> None:
    change(own, "nl", 'read_more = "Lees verder"\nby = "van"')
    change(own, "nl-BE", 'read_more = "Verder lezen"')

    belgian = locales.strings("nl-BE", own, "morning")

    assert (belgian.read_more, belgian.by, belgian.language) == ("Verder lezen", "van", "nl")
    assert locales.strings("nl", own, "morning").read_more == "Lees verder"


def test_words_for_a_language_that_we_lack_are_the_editors_own(own: Path) -> None:
    change(own, "fy", 'language = "fy"\nread_more = "Lês fierder"')

    frisian = locales.strings("fy-NL", own, "morning")

    assert (frisian.language, frisian.read_more) == ("fy", "Lês fierder")
    with pytest.raises(AttributeError, match=r"fy\.toml has no 'unsubscribe'"):
        _ = frisian.unsubscribe
    assert "fy" in locales.available(own, "morning")
    assert "fy" not in locales.available(own)
    assert locales.offered("fy", own, "morning")
    assert not locales.offered("fy", own)


def test_a_change_is_seen_at_once(own: Path) -> None:
    file = change(own, "nl", 'by = "van"')
    assert locales.strings("nl", own, "morning").by == "van"
    change(own, "nl", 'by = "uit de pen van"')
    os.utime(file, ns=(1, 1))

    assert locales.strings("nl", own, "morning").by == "uit de pen van"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('reed_more = "Lees verder"', r"nl\.toml has no 'reed_more'; did you mean 'read_more'\?"),
        ('footer_reason = "{newsletr}"', r"can't fill in \{newsletr\}; it can .* \{newsletter\}"),
        ('footer_reason = "{newsletter.brand}"', r"can't fill in \{newsletter\.brand\}"),
        ('read_more = "Lees {n}"', r"read_more can't fill in \{n\}; it can fill in nothing"),
        ('read_more = "Lees {"', r"morning/locales/nl\.toml: .*'\{'"),
        ("read_more = 3", r"read_more is not a text"),
        ("read_more = Lees", r"morning/locales/nl\.toml: "),
    ],
)
def test_an_editors_mistake_is_named(own: Path, body: str, complaint: str) -> None:
    change(own, "nl", body)

    with pytest.raises(ConfigurationError, match=complaint):
        locales.strings("nl", own, "morning")
