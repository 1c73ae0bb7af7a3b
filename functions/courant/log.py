"""One structured line per outcome: ids only, never an address, a token or a body."""

import json
import logging
import sys
import traceback
from pathlib import Path

_logger = logging.getLogger("courant")


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]  # generic only in the stubs
    """Writes to what is stderr now, not to what it was when the first line was logged."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _configure() -> None:
    # Once, by whoever logs first; a program that has set the logger up already keeps its way.
    if not _logger.handlers:
        _logger.addHandler(_Stderr())
        _logger.propagate = False
        _logger.setLevel(logging.INFO)


def event(name: str, /, **fields: object) -> None:
    """Log what happened: ``event("feed", status="not_modified", feed=feed_id)``."""
    _write(logging.INFO, name, fields)


def error(name: str, /, **fields: object) -> None:
    """Log what someone should look at; inside an ``except`` block, with what was raised and where.

    Not with its message: that of a parser or of AWS may hold an address or a body.
    """
    if error := sys.exc_info()[1]:
        frames = traceback.extract_tb(error.__traceback__)
        fields["error"] = type(error).__name__
        fields["at"] = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames]
    _write(logging.ERROR, name, fields)


def _write(level: int, name: str, fields: dict[str, object]) -> None:
    _configure()
    if not _logger.isEnabledFor(level):
        return
    line = json.dumps({"event": name, **fields}, default=str, ensure_ascii=False)
    _logger.log(level, "%s", line)
