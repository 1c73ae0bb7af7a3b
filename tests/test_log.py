"""What is logged: enough to find the place, nothing of a reader's."""

import json
import logging
from collections.abc import Iterator

import pytest

from courant import log
from courant.delivery.ses_events import read


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture(autouse=True)
def _as_deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The logger as a function has it, whatever other tests made of it."""
    logger = logging.getLogger("courant")
    monkeypatch.setattr(logger, "handlers", [log._Stderr()])
    monkeypatch.setattr(logger, "disabled", False)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(level)


def test_a_line_is_json_with_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    log.event("digest", status="sent", sid="ab")

    assert lines(capsys) == [{"event": "digest", "status": "sent", "sid": "ab"}]


def test_an_error_says_what_was_raised_and_where_but_not_its_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        read({"eventType": "Bounce", "mail": "reader@example.com"})
    except ValueError:
        log.error("message", status="failed")

    [line] = lines(capsys)
    assert line["error"] == "ValidationError"
    assert "ses_events.py" in str(line["at"])
    assert "reader@example.com" not in str(line)
