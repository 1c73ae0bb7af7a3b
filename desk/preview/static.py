"""A preview as files, for CI and for who sends one to a colleague; and as JSON."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from courant.errors import CourantError
from desk.demo import paper
from desk.lint.findings import Finding
from desk.preview import dressing, report
from desk.preview.draft import Shown

_HERE = Path(__file__).resolve().parent


def one(shown: Shown) -> Shown:
    """The same, if there is a digest to show.

    Raises:
        CourantError: there is none; the message says why.
    """
    for fault in shown.faults:
        raise CourantError(f"{fault.place}: {fault.text}" if fault.place else fault.text)
    if shown.digest is None:
        raise CourantError("nothing to show: no feed brought an article for these sections")
    return shown


def write(shown: Shown, findings: Iterable[Finding], folder: Path) -> Path:
    """Write the digest, its text, the mail and the page that shows them; the page's path."""
    if shown.digest is None:
        raise ValueError("there is nothing to write")
    html = shown.digest.html
    if f"{paper.SITE}/images/" in html:
        # The demo's paper has no server here; its pictures come along.
        shutil.copytree(paper.IMAGES, folder / "images", dirs_exist_ok=True)
        html = dressing.at_home(html, {f"{paper.SITE}/images/": "images/"})
    (folder / "digest.html").write_text(html, "utf-8")
    (folder / "digest.txt").write_text(shown.digest.text, "utf-8")
    (folder / "digest.eml").write_bytes(shown.raw)
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("static.html.j2").render(
        newsletter=shown.newsletter,
        text=shown.digest.text,
        digest=report.digest(shown),
        feeds=report.feeds(shown),
        warnings=list(report.warnings(shown)),
        findings=report.findings(findings),
    )
    index = folder / "index.html"
    index.write_text(page, "utf-8")
    return index


def as_json(shown: Shown, findings: Iterable[Finding], index: Path | None) -> dict[str, Any]:
    """The digest in numbers, what is wrong with it, and the page if there is one."""
    return {
        "newsletter": shown.newsletter.id,
        "page": str(index) if index else None,
        **(report.digest(shown) or {}),
        "warnings": list(report.warnings(shown)),
        "findings": report.findings(findings),
        "feeds": report.feeds(shown),
    }
