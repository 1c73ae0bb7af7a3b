"""What every command tells about itself, and how it ends without a stack."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from desk.cli import app

NEWSLETTERS = Path(__file__).resolve().parents[1] / "newsletters"


def commands(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command of the tree that does something, by its words."""
    if not hasattr(command, "commands"):
        yield path
        return
    for name, inner in command.commands.items():
        yield from commands(inner, *path, name)


ALL = sorted(commands(get_command(app)))


def test_the_commands_are_those_of_the_readme() -> None:
    assert {" ".join(words) for words in ALL} == {
        "apply",
        "demo",
        "editions cancel",
        "editions list",
        "editions pause",
        "editions resume",
        "editions retry-unresolved",
        "editions show",
        "editions watch",
        "feeds check",
        "feeds import",
        "feeds status",
        "lint",
        "local",
        "plan",
        "preview",
        "send",
        "subscribers export",
        "subscribers import",
        "subscribers show",
        "validate",
    }


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help_with_an_example_and_the_exit_codes(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="courant")

    assert result.exit_code == 0
    assert re.search(rf"^ +courant {' '.join(words)}", result.stdout, re.MULTILINE)
    assert "Exit codes:" in result.stdout
    assert "\b" not in result.stdout
    # Types are no help: it is FILE and N, not <path> and <int range>.
    told = result.stdout.replace("<own|all|broadsheet|brief|cards>", "LOOK")
    assert re.findall(r"<\w[^>]*>|\{", told) == []


def test_the_command_alone_shows_where_to_start() -> None:
    result = CliRunner().invoke(app, [])

    assert "courant demo" in result.output
    assert "courant preview newsletters/morning.yaml" in result.output


def test_an_unknown_command_is_wrong_input() -> None:
    assert CliRunner().invoke(app, ["publish"]).exit_code == 2


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine that knows nothing of AWS."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return monkeypatch


@pytest.mark.usefixtures("nowhere")
def test_without_credentials_it_says_what_to_set() -> None:
    result = CliRunner().invoke(app, ["editions", "list"])

    assert result.exit_code == 2
    assert "no AWS credentials" in result.stderr
    assert "courant local" in result.stderr
    assert "Traceback" not in result.output


def test_without_a_region_it_says_what_to_set(nowhere: pytest.MonkeyPatch) -> None:
    nowhere.delenv("AWS_DEFAULT_REGION")

    result = CliRunner().invoke(app, ["editions", "list"])

    assert result.exit_code == 2
    assert "AWS_DEFAULT_REGION" in result.stderr


def test_an_endpoint_where_nobody_answers_is_named(nowhere: pytest.MonkeyPatch) -> None:
    nowhere.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    nowhere.setenv("AWS_ACCESS_KEY_ID", "local")
    nowhere.setenv("AWS_SECRET_ACCESS_KEY", "local")
    nowhere.setenv("AWS_MAX_ATTEMPTS", "1")

    result = CliRunner().invoke(app, ["editions", "list"])

    assert result.exit_code == 2
    assert "nobody answers at http://127.0.0.1:9" in result.stderr


@pytest.mark.usefixtures("nowhere")
def test_debug_shows_where_an_error_came_from() -> None:
    result = CliRunner().invoke(app, ["--debug", "editions", "list"])

    assert type(result.exception).__name__ == "ConfigurationError"


def test_validate_accepts_the_newsletters_that_ship() -> None:
    result = CliRunner().invoke(app, ["validate", str(NEWSLETTERS)])

    assert result.exit_code == 0
    assert "no mistakes" in result.stdout


def test_validate_tells_every_mistake_of_every_file(tmp_path: Path) -> None:
    text = (NEWSLETTERS / "demo.yaml").read_text("utf-8")
    (tmp_path / "one.yaml").write_text(text.replace("limit: 6", "limit: 600"), "utf-8")
    (tmp_path / "two.yaml").write_text(text.replace("id: demo", "id: De Mo"), "utf-8")

    result = CliRunner().invoke(app, ["validate", str(tmp_path)])

    assert result.exit_code == 2
    assert re.search(r"one\.yaml:\d+: sections\[0\]\.limit", result.stderr)
    assert re.search(r"two\.yaml:\d+: id", result.stderr)
    assert result.stdout == ""
