"""Looks for bytes that break a law: ``python -m tests.fuzz LAW [libFuzzer's options and folders]``.

Coverage-guided (Atheris), in a virtual environment of its own: ``make fuzz LAW=document``. What it
finds, ``python -m tests.fuzz LAW FILE`` shows again, and test_feeds_fuzz.py keeps.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# Untyped, and not in the developer's environment: no test needs it.
import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["courant", "feedparser", "idna", "email", "urllib"]):
    from tests.fuzz.laws import LAWS
    from tests.fuzz.seeds import SEEDS


def main() -> None:
    """Fuzz the law that the first argument names."""
    if len(sys.argv) < 2 or sys.argv[1] not in LAWS:
        sys.exit(f"Name a law: {', '.join(LAWS)}")
    name = sys.argv.pop(1)
    with TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS[name]):
            (Path(folder) / str(number)).write_bytes(seed)
        files = any(Path(argument).is_file() for argument in sys.argv[1:])
        # libFuzzer writes new finds to the first folder and only reads the others.
        atheris.Setup([*sys.argv, *([] if files else [folder])], LAWS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
