"""All that the page says about a digest, as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from babel import Locale, UnknownLocaleError

from courant.delivery import digest as digests
from courant.delivery import mime
from courant.delivery.digest import Reader
from courant.editions.budget import LIMIT
from desk.lint.check import check_digest
from desk.lint.findings import Finding
from desk.lint.mail import CLIP
from desk.preview.choice import LOOKS, Choice
from desk.preview.draft import Shown
from desk.preview.gauge import Weights, weigh
from desk.sample_digest import UNSUBSCRIBE_URL, SampleReader


def state(
    shown: Shown, choice: Choice, version: int, reading: tuple[int, int] | None
) -> dict[str, Any]:
    """What the page shows around the digest. Sizes are bytes."""
    newsletter = shown.newsletter
    return {
        "version": version,
        "reading": reading,
        "title": newsletter.title,
        "accent": newsletter.brand.accent,
        "choice": {
            "look": choice.look or newsletter.look,
            "locale": choice.locale or newsletter.language,
            "reader": shown.sample.id,
        },
        "own": {"look": newsletter.look, "locale": newsletter.language},
        "faults": [{"place": fault.place, "text": fault.text} for fault in shown.faults],
        "feeds": feeds(shown),
        "warnings": list(warnings(shown)),
        "digest": digest(shown),
    }


def options(readers: Iterable[SampleReader], locales: Iterable[str]) -> dict[str, Any]:
    """What there is to choose from: ids and names."""
    return {
        "looks": [{"id": look, "name": look.capitalize()} for look in LOOKS],
        "locales": [{"id": tag, "name": language_name(tag)} for tag in locales],
        "readers": [{"id": one.id, "name": one.label} for one in readers],
    }


def digest(shown: Shown) -> dict[str, Any] | None:
    """The digest in numbers, or None if there is none."""
    if shown.digest is None or shown.pressing is None:
        return None
    weights = weights_of(shown)
    masthead = shown.pressing.masthead
    return {
        "subject": shown.digest.subject,
        "preheader": shown.digest.preheader,
        "from": mime.mailbox(masthead.sender_name, masthead.sender_address),
        "sender": masthead.sender_name,
        "locale": shown.pressing.sheet(shown.sample.reader.locale).locale,
        "text_only": shown.sample.text_only,
        "stories": len(shown.digest.stories),
        "dropped": shown.digest.dropped,
        "html_bytes": weights.html if weights else 0,
        "text_bytes": len(shown.digest.text.encode()),
        "mail_bytes": len(shown.raw),
        "frame_bytes": weights.frame if weights else 0,
        "clip_bytes": CLIP,
        "limit_bytes": LIMIT,
        "sections": [
            {
                "id": each.id,
                "title": each.title,
                "stories": each.stories,
                "bytes": each.size,
                "left_out": list(each.left_out),
            }
            for each in (weights.sections if weights else ())
        ],
    }


def weights_of(shown: Shown) -> Weights | None:
    """The digest's weights; None for a reader of plain text, whose mail has no HTML."""
    if shown.digest is None or shown.pressing is None or shown.sample.text_only:
        return None
    titles = {section.id: section.title for section in shown.newsletter.sections}
    return weigh(shown.pressing, shown.sample.reader, shown.digest, titles)


def feeds(shown: Shown) -> dict[str, Any]:
    """How the reading went."""
    news = shown.news
    return {
        "total": len(news.readings),
        "failed": [{"name": one.name, "error": one.error} for one in news.failed],
        "at": news.at.isoformat(),
    }


def warnings(shown: Shown) -> Iterable[str]:
    """What an editor should know though nothing is wrong with the digest."""
    needed = shown.newsletter.minimum_articles
    if shown.pressing is None:
        return
    whole = digests.choose(shown.pressing.sheets[0], Reader())
    # As compose counts: what a reader of all sections sees, without spares.
    articles = sum(len(stories) for _, stories in whole)
    if shown.digest is None and articles:
        yield "Nothing to show: the sections of this reader have no news."
    elif shown.digest is None:
        yield "Nothing to show: no feed brought an article."
    elif articles < needed:
        yield (
            f"A real edition would be skipped: it needs {needed} articles, and there are"
            f" {articles}."
        )


def check(shown: Shown) -> tuple[Finding, ...]:
    """What is wrong with the digest, the worst first; nothing where there is none."""
    if shown.digest is None or shown.pressing is None:
        return ()
    found = check_digest(shown.newsletter, shown.pressing, shown.digest, UNSUBSCRIBE_URL, shown.raw)
    if shown.sample.text_only:
        # Nobody sees the HTML.
        found = tuple(one for one in found if one.part == "text")
    return found


def findings(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """What the linter says."""
    return [
        {
            "rule": one.rule,
            "severity": one.severity,
            "message": one.message,
            "part": one.part,
            "line": one.line,
            "column": one.column,
            "place": one.place,
            "excerpt": one.excerpt,
            "clients": list(one.clients),
        }
        for one in found
    ]


def language_name(tag: str) -> str:
    """A language's name in English, as far as Babel knows it: ``Arabic (ar)``."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name("en")
    except (UnknownLocaleError, ValueError):
        name = None
    return f"{name} ({tag})" if name else tag
