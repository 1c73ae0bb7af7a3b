"""Our digests beside real newsletters, measured with one rod: ``python -m benchmarks.yardstick``.

Weight and clip risk (Gmail cuts HTML off at 102,400 bytes), what ``courant lint`` finds a mail,
pictures without alt, headings, whether there is a text part, and, where Chromium and axe-core are
at hand (``make tools``), rules that axe-core sees broken. The corpus has a few mails of each
sender, some only as HTML. A finding is a rule, once a mail. What stands in for a feature that a
client lacks (judgements.toml) was written with our own pages in hand; axe-core has no such bias.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median
from typing import get_args

from benchmarks.corpus import ROOT, content, corpora
from courant.delivery import digest as digests
from courant.delivery.digest import Reader
from courant.errors import ConfigurationError
from courant.newsletter import Look, Newsletter, Section
from desk import browser, newsletter_file, sample_news
from desk.lint import eml
from desk.lint import page as pages
from desk.lint.check import check
from desk.lint.mail import CLIP
from desk.sample_digest import UNSUBSCRIBE_URL, compose_all

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
# Folder of ../shared/corpora/emails → what it holds.
THEIRS = {
    "adobe-newsletters": "Adobe’s newsletters, 2018–2025",
    "philly-newsletters": "a bicycle club’s newsletters",
    "untrack-newsletters-eml": "shops’ newsletters (Klaviyo, Brevo, …)",
    "mailchimp-blueprints": "Mailchimp’s template blueprints",
    "cerberus": "Cerberus’ templates",
    "foundation-emails": "Foundation for Emails’ pages",
}
_SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail; ``text`` is None where the corpus has only the HTML."""

    html: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One mail's numbers; ``rules`` counts different rules found, by severity."""

    size: int
    rules: dict[str, int]
    without_alt: int
    headings: int
    text: bool | None
    axe: int | None


def ours() -> Iterator[tuple[str, list[Mail]]]:
    """Each look, with the demo newsletter's sections and with ten sections of ten stories."""
    small = sample_news.dressed(newsletter_file.load(ROOT / "newsletters" / "demo.yaml"))
    for name, newsletter in (("sample", small), ("10×10", _grown(small))):
        news = sample_news.sample(newsletter, NOW)
        for look in get_args(Look):
            dressed = newsletter.model_copy(update={"look": look})
            pressing = compose_all(dressed, news, NOW)
            joined = digests.join(pressing, Reader(name="Ada"), UNSUBSCRIBE_URL)
            if joined is not None:
                yield f"Courant, {look}, {name}", [Mail(joined.html, joined.text)]


def theirs(folder: Path) -> Iterator[tuple[str, list[Mail]]]:
    """Every mail of the corpus that is HTML, by where it is from."""
    for name, label in THEIRS.items():
        files = sorted(path for path in (folder / "emails" / name).rglob("*") if path.is_file())
        mails = [mail for path in files if (mail := _mail(path))]
        yield label, mails


def measure(mail: Mail, window: browser.Window | None) -> Measured:
    """One mail's numbers."""
    found = {(each.severity, each.rule) for each in check(mail.html)}
    parsed = pages.parse(mail.html)
    return Measured(
        size=len(mail.html.encode("utf-8", "replace")),
        rules={each: sum(one == each for one, _ in found) for each in _SEVERITIES},
        without_alt=sum("alt" not in each.attributes for each in parsed.named("img")),
        headings=sum(1 for _ in parsed.named("h1", "h2", "h3", "h4", "h5", "h6")),
        text=None if mail.text is None else bool(mail.text.strip()),
        axe=_axe(window, mail.html) if window else None,
    )


def _axe(window: browser.Window, html: str) -> int:
    # Among the proofs, since axe-core is a developer's tool.
    from tests.proof import axe

    shown = axe.violations(window.show(html))
    return len({each.rule for each in shown} - axe.NOT_OF_A_MAIL)


def row(label: str, measured: list[Measured]) -> list[str]:
    """A line of the table."""
    sizes = [each.size for each in measured]
    texts = [each.text for each in measured if each.text is not None]
    axes = [each.axe for each in measured if each.axe is not None]
    return [
        label,
        str(len(measured)),
        f"{median(sizes) / 1000:.0f}",
        f"{max(sizes) / 1000:.0f}",
        str(sum(size > CLIP for size in sizes)),
        *(f"{mean(each.rules[name] for each in measured):.1f}" for name in _SEVERITIES),
        f"{mean(each.without_alt for each in measured):.1f}",
        f"{median(each.headings for each in measured):.0f}",
        f"{sum(texts)}/{len(texts)}" if texts else "–",
        f"{mean(axes):.1f}" if axes else "–",
    ]


COLUMNS = (
    *("mails of", "n", "kB median", "kB most", "clipped", "errors", "warnings", "notes"),
    *("no alt", "headings", "text part", "axe"),
)


def printed(rows: Iterable[list[str]]) -> str:
    """The table as Markdown, which is also how a terminal likes it."""
    lines = [list(COLUMNS), *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(COLUMNS))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def _grown(newsletter: Newsletter) -> Newsletter:
    sections = tuple(
        Section(
            id=f"s{n}",
            title=f"Section {n + 1}",
            intro=newsletter.sections[0].intro if n == 0 else None,
            feeds=(f"https://demo.courant.example/feeds/{n}.xml",),
            limit=10,
        )
        for n in range(10)
    )
    return newsletter.model_copy(update={"sections": sections})


def _mail(path: Path) -> Mail | None:
    name = path.name.removesuffix(".gz")
    if name.endswith((".html", ".htm")):
        return Mail(content(path).decode("utf-8", "replace"), None)
    if not name.endswith(".eml"):
        return None
    parts = eml.read(content(path))
    return None if parts.html is None else Mail(parts.html, parts.text or "")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-axe", action="store_true", help="without Chromium and axe-core")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        window = None
        if not arguments.no_axe:
            try:
                window = browser.Window(stack.enter_context(browser.opened()))
            except ConfigurationError as error:
                print(f"without axe-core: {error}")
        rows = [
            row(label, [measure(mail, window) for mail in mails])
            for label, mails in (*ours(), *theirs(corpora()))
            if mails
        ]
    print(printed(rows))


if __name__ == "__main__":
    main()
