"""Listens to what the handlers log, and adds up what happened to feeds.

In the demo nobody watches a log group: the lines come here instead of to the terminal.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]


@dataclass(slots=True)
class FeedTally:
    """What became of every visit. ``failed``: feed id → the latest reason."""

    fetched: int = 0
    not_modified: int = 0
    articles: int = 0
    failures: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Count one ``gather`` event."""
        match event.get("status"):
            case "gathered":
                self.fetched += 1
                self.articles += int(event["new"])
            case "unchanged":
                self.not_modified += 1
            case "failed":
                self.failures += 1
                self.failed[event["feed"]] = event["reason"]


class Journal(logging.Handler):
    """Every event of the handlers, passed to ``heard`` as it is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Callable[[Event], None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One line of courant.log."""
        event = json.loads(record.getMessage())
        for listener in self.heard:
            listener(event)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the log's lines in the block."""
        logger = logging.getLogger("courant")
        before = logger.handlers[:], logger.level, logger.propagate
        logger.handlers[:] = [self]
        logger.setLevel(logging.INFO)
        logger.propagate = False
        try:
            yield
        finally:
            logger.handlers[:], level, logger.propagate = before
            logger.setLevel(level)
