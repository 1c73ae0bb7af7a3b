"""What an editor is told about the words of their newsletter."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from courant import locales
from desk import newsletter_file, words
from desk.cli import app
from desk.stack.template import ROOT

DEMO = newsletter_file.load(ROOT / "newsletters" / "demo.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of locales beside which the newsletter ``demo`` has its own."""
    shutil.copytree(locales.FOLDER, tmp_path / "locales")
    (tmp_path / "demo" / "locales").mkdir(parents=True)
    return tmp_path / "locales"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("pl-PL", "there are no Polish words yet: English stands in; see docs/languages.md"),
        ("qqq", "there are no qqq words yet: English stands in; see docs/languages.md"),
        ("nl-BE", None),
        ("en", None),
    ],
)
def test_that_english_stands_in_is_said(language: str, said: str | None) -> None:
    assert words.note(DEMO.model_copy(update={"language": language})) == said


def test_an_editors_own_words_are_words(folder: Path) -> None:
    shutil.copy(folder / "en.toml", folder.parent / "demo" / "locales" / "pl.toml")

    assert words.note(DEMO.model_copy(update={"language": "pl"}), folder) is None


def test_every_wrong_file_of_words_is_told_once(folder: Path) -> None:
    own = folder.parent / "demo" / "locales"
    for name, body in {
        "de.toml": 'by = ""',
        "nl.toml": 'note_lable = "x"',
        "nl-BE.toml": 'by = "van"',
        "fr.toml": 'by = "de"',
    }.items():
        (own / name).write_text(body, "utf-8")

    found = words.mistakes(DEMO, folder)

    assert [one.split(": ")[0] for one in found] == [f"{own}/de.toml:1", f"{own}/nl.toml:1"]


def test_validate_notes_a_language_without_words_and_ends_well(tmp_path: Path) -> None:
    text = (ROOT / "newsletters" / "morning.yaml").read_text("utf-8")
    (tmp_path / "m.yaml").write_text(text.replace("language: en", "language: pl"), "utf-8")

    result = CliRunner().invoke(app, ["validate", str(tmp_path)])

    assert result.exit_code == 0
    assert "morning: there are no Polish words yet" in result.stderr
    assert "no mistakes" in result.stdout


def test_validate_refuses_wrong_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "mistakes", lambda newsletter: [f"{newsletter.id}/nl.toml:1"])

    result = CliRunner().invoke(app, ["validate", str(ROOT / "newsletters" / "demo.yaml")])

    assert result.exit_code == 2
    assert "demo/nl.toml:1" in result.stderr
