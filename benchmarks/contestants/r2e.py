"""rss2email: one feed after another, as its users run it (``r2e run --no-send``)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.contestants.stopwatch import Stopwatch


def main(port: int, count: int, workers: int) -> None:
    del workers  # it has none
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        config, data = Path(folder, "r2e.cfg"), Path(folder, "r2e.json")
        lines = ["[DEFAULT]", "to = reader@example.org", "verbose = error"]
        for number in range(count):
            lines += [f"[feed.f{number}]", f"url = http://127.0.0.1:{port}/f/{number}"]
        config.write_text("\n".join(lines))
        data.write_text(json.dumps({"version": 2, "feeds": []}))
        command = [
            str(Path(sys.executable).parent / "r2e"),
            *("-c", str(config), "-d", str(data), "run", "--no-send"),
        ]
        for part in ("first", "refresh"):
            with watch.time(part):
                ended = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        feeds = json.loads(data.read_text())["feeds"]
        watch.report(
            articles=sum(len(feed.get("seen", ())) for feed in feeds),
            failed=count - sum(1 for feed in feeds if feed.get("seen")),
            exit=ended.returncode,
        )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
