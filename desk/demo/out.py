"""The demo's folder: mails as they were sent, and as one reads them. Only our own is emptied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courant.errors import ConfigurationError
from desk.demo import paper
from desk.mailbox.mails import SentMail

_MARK = ".courant-demo"
_OURS = ("mail", "images", "edition.json", "report.json", _MARK)


@dataclass(frozen=True, slots=True)
class Out:
    """A folder that is ours to write to."""

    path: Path

    def mail_folder(self, day: int | None) -> Path:
        """Where a day's mails go; None: the demo has but one."""
        folder = self.path / "mail"
        return folder if day is None else folder / str(day)

    def write_mails(self, mails: Sequence[SentMail], day: int | None) -> None:
        """Each mail as sent (.eml), and its HTML part or, of a text-only mail, its text."""
        folder = self.mail_folder(day)
        folder.mkdir(parents=True, exist_ok=True)
        images = "../images" if day is None else "../../images"
        for mail in mails:
            (folder / f"{mail.name}.eml").write_bytes(mail.raw)
            if mail.html is None:
                (folder / f"{mail.name}.txt").write_text(mail.text, "utf-8")
            else:
                # So that a page opened from disk has its pictures, with no server and no network.
                html = mail.html.replace(f"{paper.SITE}/images", images)
                (folder / f"{mail.name}.html").write_text(html, "utf-8")

    def write_images(self) -> None:
        """The paper's pictures, for pages opened from disk."""
        shutil.copytree(paper.IMAGES, self.path / "images")

    def write_json(self, name: str, content: Any) -> None:
        """edition.json or report.json."""
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        (self.path / name).write_text(text, "utf-8")


def check(path: Path) -> None:
    """Refuse a folder that is not ours to empty.

    Raises:
        ConfigurationError: it is no folder, or has files and is not a former demo's.
    """
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"{path} is a file; give --out a new or empty folder")
    if path.is_dir() and any(path.iterdir()) and not (path / _MARK).is_file():
        raise ConfigurationError(
            f"{path} has files that are not a demo's; give --out a new or empty folder"
        )


def prepare(path: Path) -> Out:
    """A folder with nothing of ours in it; a former demo's files are removed, no others.

    Raises:
        ConfigurationError: see ``check``, or the folder can't be written.
    """
    try:
        check(path)
        path.mkdir(parents=True, exist_ok=True)
        for name in _OURS:
            ours = path / name
            if ours.is_dir() and not ours.is_symlink():
                shutil.rmtree(ours)
            else:
                ours.unlink(missing_ok=True)
        (path / _MARK).write_text("Written by `courant demo`, which empties this folder.\n")
        (path / "mail").mkdir()
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be written: {error.strerror}") from error
    return Out(path)
