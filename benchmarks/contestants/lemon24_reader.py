"""lemon24/reader: its own retriever, parser and SQLite storage, 16 workers."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

from reader import make_reader  # type: ignore[import-not-found]  # is in .venv-bench only

from benchmarks.contestants.stopwatch import Stopwatch

logging.disable(logging.CRITICAL)


def main(port: int, count: int, workers: int) -> None:
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        reader = make_reader(str(Path(folder) / "reader.sqlite"))
        for number in range(count):
            reader.add_feed(f"http://127.0.0.1:{port}/f/{number}")
        with watch.time("first"):
            reader.update_feeds(workers=workers)
        # reader asks a feed again after its interval (an hour); now is made to be due.
        with watch.time("refresh"):
            reader.update_feeds(workers=workers, scheduled=False)
        watch.report(
            articles=reader.get_entry_counts().total or 0,
            failed=reader.get_feed_counts(broken=True).total or 0,
        )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
