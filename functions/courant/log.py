"""One structured line per outcome: ids only, never an address, a token or a body."""

import json
import logging
import os
import sys

_logger = logging.getLogger("courant")


def _configure() -> None:
    if not _logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        _logger.addHandler(handler)
        _logger.propagate = False
        _logger.setLevel(os.environ.get("LOG_LEVEL", "INFO"))


def event(name: str, /, **fields: object) -> None:
    """Log what happened: ``event("feed", status="not_modified", feed=feed_id)``."""
    _write(logging.INFO, name, fields)


def error(name: str, /, **fields: object) -> None:
    """Log what someone should look at; inside an ``except`` block the traceback comes along."""
    _write(logging.ERROR, name, fields, trace=sys.exc_info()[0] is not None)


def _write(level: int, name: str, fields: dict[str, object], *, trace: bool = False) -> None:
    _configure()
    line = json.dumps({"event": name, **fields}, default=str, ensure_ascii=False)
    _logger.log(level, "%s", line, exc_info=trace)
