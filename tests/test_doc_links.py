"""Every relative link of the docs leads to a file that is in the repository, or will be."""

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
_LINK = re.compile(r"\]\(<?([^)\s>]+)")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def files() -> frozenset[Path]:
    """What git knows, or would take: a file that is ignored is on nobody else's disk."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs git and the repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = {ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()}
    return frozenset(found | {folder for file in found for folder in file.parents})


def links(page: Path) -> list[str]:
    """The relative ones, without what comes after ``#``."""
    written = _LINK.findall(_CODE.sub("", page.read_text("utf-8")))
    return [link.partition("#")[0] for link in written if not re.match(r"[a-z]+:|#", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path, files: frozenset[Path]) -> None:
    lost = [link for link in links(page) if (page.parent / unquote(link)).resolve() not in files]

    assert lost == []


def test_there_are_links_to_follow() -> None:
    assert len(links(ROOT / "README.md")) >= 6
