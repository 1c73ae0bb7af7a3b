"""What every test may ask for."""

import logging
import os
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from desk.stack import Stack

# In CI the same examples every time, so a red run can be run again.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# As in production: zones come from the pinned tzdata, never from the machine.
zoneinfo.reset_tzpath(())


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-golden`` writes the golden files anew; look at the diff before you commit."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted (``record_property("figures", …)``), so that a log shows it."""
    figures = {
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "figures"
    }
    if figures:
        terminalreporter.section("figures")
        for line in sorted(figures):
            terminalreporter.write_line(line)


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **how_far: float) -> None:
        """``advance(hours=2)``, as timedelta takes it."""
        self.at += timedelta(**how_far)


@pytest.fixture
def clock() -> HandClock:
    """A Sunday morning."""
    return HandClock(datetime(2026, 11, 22, 6, 0, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _logger_as_new() -> Iterator[None]:
    """The project's logger as a fresh process has it: a test before may have set it up its way.

    `courant local` lowers its level, pytest's own capturing adds handlers, and a library that
    configures logging disables every logger it finds.
    """
    logger = logging.getLogger("courant")
    logger.handlers[:] = []
    logger.disabled, logger.propagate = False, True
    logger.setLevel(logging.NOTSET)
    yield
    logger.handlers[:] = []


@pytest.fixture
def stack(clock: HandClock) -> Iterator[Stack]:
    """The local stack, empty, by ``clock``."""
    with Stack(clock) as stack:
        yield stack


@pytest.fixture(scope="session")
def shared() -> Path:
    """The corpora beside the repository, which are too big and not ours to ship."""
    path = Path(__file__).resolve().parents[2] / "shared"
    if not path.is_dir():
        pytest.skip("needs ../shared, which is not part of the repository")
    return path
