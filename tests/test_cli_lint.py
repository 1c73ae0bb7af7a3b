"""courant lint: pages by name, exit codes, JSON, the table of clients."""

from __future__ import annotations

import json
import shutil
from email.message import EmailMessage
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from courant import locales
from courant.errors import ConfigurationError
from desk import newsletter_file
from desk.cli import app
from desk.commands.lint import _locales

DEMO = Path(__file__).resolve().parents[1] / "newsletters" / "demo.yaml"
RSS = """<rss version="2.0"><channel><title>Courier</title><link>https://harbour.example/</link>
<item><title>Lights &amp; sails</title><link>https://harbour.example/1</link></item>
</channel></rss>"""


def lint(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["lint", *map(str, arguments)])


def saved(folder: Path, body: str) -> Path:
    file = folder / "mail.html"
    file.write_text(
        '<!DOCTYPE html><html lang="en" dir="ltr"><head><meta charset="utf-8"><title>t</title>'
        '<meta name="viewport" content="width=device-width">'
        '</head><body><div style="display:none">Soon</div><h1>News</h1>'
        f'{body}<a href="https://x.example/unsubscribe">Unsubscribe</a></body></html>',
        "utf-8",
    )
    return file


def test_a_clean_page_ends_well(tmp_path: Path) -> None:
    result = lint(saved(tmp_path, ""))

    assert result.exit_code == 0
    assert "mail.html: nothing to mend" in result.output


def test_an_error_is_told_with_its_place_and_fails(tmp_path: Path) -> None:
    file = saved(tmp_path, "<p style='display:flex'>x</p>")
    column = file.read_text("utf-8").index("display:flex") + 1

    result = lint(file)

    assert result.exit_code == 1
    assert f"{file}:1:{column}  error css-display-flex  " in result.output
    assert "1 digest: 1 error, 2 warnings, 0 notes" in result.output


def test_warnings_fail_only_when_strict_and_notes_never(tmp_path: Path) -> None:
    file = saved(tmp_path, '<p style="font-size:11px">x</p>')

    assert lint(file).exit_code == 0
    assert lint(file, "--strict").exit_code == 1
    noted = saved(tmp_path, '<p style="font-size:12px">x</p>')
    assert lint(noted, "--strict").exit_code == 0
    assert "font-size-small" not in lint(noted).output
    assert "font-size-small" in lint(noted, "--notes").output


def test_the_table_names_features_clients_and_what_stands_in(tmp_path: Path) -> None:
    result = lint(saved(tmp_path, '<p style="border-radius:4px">x</p>'), "--clients")

    (row,) = (line for line in result.output.splitlines() if line.startswith("border-radius"))
    assert "(no)" in row
    assert "O Win" in result.output
    assert "Decoration" in result.output


def mail(folder: Path, html: str | None, text: str | None) -> Path:
    message = EmailMessage()
    if text is not None:
        message.set_content(text)
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    file = folder / "mail.eml"
    file.write_bytes(message.as_bytes())
    return file


def test_a_mail_is_read_with_both_its_parts(tmp_path: Path) -> None:
    html = saved(tmp_path, "<p>Æøå</p>").read_text("utf-8")
    good = "News\n\nUnsubscribe: https://x.example/unsubscribe\n"

    assert lint(mail(tmp_path, html, good), "--strict").exit_code == 0
    lost = lint(mail(tmp_path, html, "News"))
    assert lost.exit_code == 1
    assert "digest.txt  error unsubscribe-link" in lost.output
    assert "error text-part  No text part" in lint(mail(tmp_path, html, None)).output
    faint = lint(mail(tmp_path, html.replace("<p>", '<p style="color:#999">'), good))
    assert "color-contrast" in faint.output
    assert lint(mail(tmp_path, None, good)).exit_code == 2


def test_json_is_alone_on_stdout(tmp_path: Path) -> None:
    result = lint(saved(tmp_path, "<p style='display:flex'>x</p>"), "--json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["error"] == 1
    (page,) = told["pages"]
    assert page["findings"][0]["rule"] == "css-display-flex"
    assert page["findings"][0]["clients"][0] == "outlook-windows"


def test_a_file_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    assert lint(tmp_path / "none.html").exit_code == 2
    assert lint(tmp_path / "none.yaml").exit_code == 2


def test_a_folder_of_feeds_is_read(tmp_path: Path) -> None:
    (tmp_path / "sea").mkdir()
    (tmp_path / "sea" / "harbour.xml").write_text(RSS, "utf-8")

    result = lint(DEMO, "--feeds", tmp_path, "--locale", "en")

    assert result.exit_code == 0, result.output
    assert "broadsheet, en: nothing to mend" in result.output


def test_a_language_without_words_is_refused() -> None:
    result = lint(DEMO, "--sample", "--locale", "xx")

    assert result.exit_code == 2
    assert "there are words for" in result.output


def test_a_language_that_only_the_newsletter_has_is_known(tmp_path: Path) -> None:
    newsletter = newsletter_file.load(DEMO)
    own = tmp_path / newsletter.id / "locales"
    own.mkdir(parents=True)
    shutil.copy(locales.FOLDER / "en.toml", own / "xx.toml")
    folder = tmp_path / "locales"

    assert _locales(newsletter, ["xx", "xx-Latn"], folder) == ("xx", "xx-Latn")
    other = newsletter.model_copy(update={"id": "other"})
    with pytest.raises(ConfigurationError, match="--locale xx: there are words for"):
        _locales(other, ["xx"], folder)


@pytest.mark.slow
def test_every_look_is_clean_with_sample_stories() -> None:
    result = lint(DEMO, "--sample", "--look", "all", "--strict", "--clients")

    assert result.exit_code == 0, result.output
    names = [
        f"{look}, {tag}" for look in ("broadsheet", "brief", "cards") for tag in ("en-GB", "ar")
    ]
    assert all(f"{name}: nothing to mend" in result.output for name in names)
    assert " NO " not in result.output
