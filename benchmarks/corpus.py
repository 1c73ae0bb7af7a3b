"""The corpus that benchmarks read, where it lies, and what is in it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def corpora() -> Path:
    """The folder of the corpora: ``$COURANT_CORPORA``, else beside the project.

    Raises:
        SystemExit: it is not there; without it there is nothing to measure.
    """
    folder = Path(os.environ.get("COURANT_CORPORA", ROOT.parent / "shared" / "corpora"))
    if not folder.is_dir():
        raise SystemExit(f"{folder}: no corpora there; set COURANT_CORPORA to their folder")
    return folder


def content(path: Path) -> bytes:
    """A file's bytes, unpacked if it ends in ``.gz``."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def benchmark_feeds(folder: Path) -> list[bytes]:
    """fastfeedparser's benchmark feeds: live feeds exactly as they were served."""
    paths = sorted((folder / "feeds/fastfeedparser/benchmark").glob("*.feed*"))
    return [content(path) for path in paths if ".expected" not in path.name]
