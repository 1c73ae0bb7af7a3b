"""An editor's folder, as the preview watches it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from courant import templates
from desk.preview.draft import Draft, Shown
from desk.preview.news import Samples

DEMO = Path(__file__).resolve().parents[1] / "newsletters" / "demo.yaml"
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


class Desk:
    """An editor's folder: a newsletter file, and templates of which all may be changed."""

    def __init__(self, place: Path) -> None:
        self.file = place / "demo.yaml"
        shutil.copy(DEMO, self.file)
        self.templates = place / "templates"
        shutil.copytree(templates.TEMPLATES, self.templates)
        self.draft = Draft(self.file, Samples(), lambda: NOW, folder=self.templates)
        self.draft.read_feeds()

    def edit(self, before: str, after: str) -> None:
        text = self.file.read_text("utf-8")
        assert before in text
        self.file.write_text(text.replace(before, after), "utf-8")
        self.draft.file_changed()

    def write(self, name: str, text: str) -> None:
        path = self.templates / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.draft.file_changed()

    def show(self, query: str = "") -> Shown:
        return self.draft.show(self.draft.parse(query))

    def html(self, query: str = "") -> str:
        shown = self.show(query)
        assert shown.digest, shown.faults
        return shown.digest.html
