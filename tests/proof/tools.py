"""Programs that the proofs need beside Python, or a skip that says how to get them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from desk import browser

_MODULES = Path(__file__).with_name("node_modules")


def chromium() -> str:
    """Its path."""
    return browser.find() or _lacking("Chromium")


def command(name: str) -> str:
    """A program's path."""
    return shutil.which(name) or _lacking(name)


def npm(path: str) -> Path:
    """A file of an installed npm package, as ``axe-core/axe.min.js``."""
    found = _MODULES / path
    return found if found.exists() else _lacking(path.partition("/")[0])


def _lacking(what: str) -> NoReturn:
    sentence = f"{what} is missing: `make tools` installs it, or says how"
    if os.environ.get("COURANT_TOOLS") == "required":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
