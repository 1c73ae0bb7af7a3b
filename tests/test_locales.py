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
    translation = ENGLISH | {"language": "pl", "view_online": "Czytaj w przeglądarce"}
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
    assert (polish.language, polish.view_online) == ("pl", "Czytaj w przeglądarce")
    assert [plural(polish, "dropped", n, "pl") for n in (1, 3, 5)] == [
        "I jeszcze 1 tekst",
        "I jeszcze 3 teksty",
        "I jeszcze 5 tekstów",
    ]


def test_a_translator_is_told_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "pl.toml").write_text('language = "en"\nby = " "\ndropped_other = "{m}"', "utf-8")

    found = complaints(tmp_path / "pl.toml")

    assert {
        "view_online is missing",
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
    change(own, "nl", 'view_online = "Lees online"')

    morning = locales.strings("nl", own, "morning")

    assert (morning.view_online, morning.unsubscribe) == ("Lees online", "Uitschrijven")
    assert locales.strings("nl", own, "evening").view_online == "Lees in uw browser"
    assert locales.strings("nl", own).view_online == "Lees in uw browser"
    assert locales.strings("de", own, "morning").view_online == "Im Browser lesen"


def test_a_kind_of_a_language_changes_what_the_language_changed(own: Path) -> None:
    change(own, "nl", 'view_online = "Lees online"\nby = "van"')
    change(own, "nl-BE", 'view_online = "Lees op het web"')

    belgian = locales.strings("nl-BE", own, "morning")

    assert (belgian.view_online, belgian.by, belgian.language) == ("Lees op het web", "van", "nl")
    assert locales.strings("nl", own, "morning").view_online == "Lees online"


def test_words_for_a_language_that_we_lack_are_the_editors_own(own: Path) -> None:
    body = (own / "en.toml").read_text("utf-8")
    for name, word in (("language", "fy"), ("view_online", "Lês online")):
        body = re.sub(rf'^{name} = ".*"', f'{name} = "{word}"', body, flags=re.MULTILINE)
    change(own, "fy", body)

    frisian = locales.strings("fy-NL", own, "morning")

    assert (frisian.language, frisian.view_online) == ("fy", "Lês online")
    assert frisian.unsubscribe == "Unsubscribe"
    assert "fy" in locales.available(own, "morning")
    assert "fy" not in locales.available(own)
    assert locales.offered("fy", own, "morning")
    assert not locales.offered("fy", own)


def test_a_language_of_the_editors_own_must_be_whole(own: Path) -> None:
    change(own, "pl", 'language = "pl"\ndropped_few = "I jeszcze {n}"')
    lacking = [name for name in ENGLISH if name != "language" and counted(name) is None]

    with pytest.raises(ConfigurationError) as caught:
        locales.strings("pl", own, "morning")

    assert str(caught.value) == (
        f"{own.parent}/morning/locales/pl.toml: this is the only file of its language (pl), so it "
        "must hold every word; it lacks: direction, greeting, note_label, "
        # minutes_…; of dropped_… there is one.
        f"… ({len(lacking) + 1 - 3} more)"
    )


def test_a_count_without_the_form_it_needs_is_named(own: Path) -> None:
    body = (own / "en.toml").read_text("utf-8").replace('language = "en"', 'language = "pl"')
    change(own, "pl", body)

    with pytest.raises(
        ConfigurationError,
        match=r"pl\.toml: dropped_few is missing; "
        r"pl counts with dropped_one, dropped_few, dropped_many$",
    ):
        plural(locales.strings("pl", own, "morning"), "dropped", 3, "pl")


@pytest.mark.parametrize(
    ("reader", "papers", "spoken"),
    [("fr", "nl", "fr"), ("fr-CA", "nl", "fr-CA"), ("pl", "nl", "nl"), (None, "pl", "pl")],
)
def test_a_reader_is_written_to_in_their_language_or_the_papers(
    reader: str | None, papers: str, spoken: str
) -> None:
    assert locales.chosen(reader, papers) == spoken


def test_a_change_is_seen_at_once(own: Path) -> None:
    file = change(own, "nl", 'by = "van"')
    assert locales.strings("nl", own, "morning").by == "van"
    change(own, "nl", 'by = "uit de pen van"')
    os.utime(file, ns=(1, 1))

    assert locales.strings("nl", own, "morning").by == "uit de pen van"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (
            'veiw_online = "Lees online"',
            r"nl\.toml:1: there is no word 'veiw_online'; did you mean 'view_online'\?",
        ),
        (
            '# ours\n\nby = "van"\n"note_lable" = "Hier"',
            r"locales/nl\.toml:4: there is no word 'note_lable'; did you mean 'note_label'\?",
        ),
        ('by = "van"\nview_online = " "', r"nl\.toml:2: view_online is empty; write its text"),
        ('by = "van"\nby = "door"', r"nl\.toml:2: this word is in the file already; keep one"),
        ('view_online = "Lees\nby = "van"', r"nl\.toml:1: write each word as name = "),
        ('footer_reason = "{newsletr}"', r"can't fill in \{newsletr\}; it can .* \{newsletter\}"),
        ('footer_reason = "{newsletter.brand}"', r"can't fill in \{newsletter\.brand\}"),
        ('view_online = "Lees {n}"', r"view_online can't fill in \{n\}; it can fill in nothing"),
        ('view_online = "Lees {"', r"morning/locales/nl\.toml:1: view_online: .*'\{'"),
        ("view_online = 3", r"nl\.toml:1: view_online is not a text; write view_online = \"…\""),
        ("view_online = Lees", r"morning/locales/nl\.toml:1: write each word as name = "),
    ],
)
def test_an_editors_mistake_is_named(own: Path, body: str, complaint: str) -> None:
    change(own, "nl", body)

    with pytest.raises(ConfigurationError, match=complaint):
        locales.strings("nl", own, "morning")
