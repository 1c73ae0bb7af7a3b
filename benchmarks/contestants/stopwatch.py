"""What every contestant reports in the same way. Imports nothing of the project's or of theirs."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Wall and CPU seconds of named parts, children's included once they have ended."""

    def __init__(self) -> None:
        self.parts: dict[str, float | int | str] = {}

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Measure what runs inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.parts[f"{name}_s"] = round(time.perf_counter() - wall, 3)
        self.parts[f"{name}_cpu_s"] = round(time.process_time() - cpu, 3)

    def report(self, **more: float | int | str) -> None:
        """Print everything, with the peak memory of this process and of its largest child."""
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        print(json.dumps(self.parts | more | {"peak_mb": own, "child_mb": child}))
