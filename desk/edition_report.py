"""An edition told whole: pressings, conservation, what SES told, exceptions, who did what. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from courant.delivery.brake import Heard
from courant.delivery.ledger import Delivery
from courant.editions.model import Edition, Entry, PressingRecord
from desk import edition_progress
from desk.edition_totals import Totals, reasons_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is known of an edition.

    ``unsent`` are the digests that are not simply sent; ``bad_news`` those that were sent and then
    bounced or were complained about, where somebody asked for them. ``deliveries_told``: SES
    reports every delivery to this stack.
    """

    edition: Edition
    pressings: Sequence[PressingRecord]
    totals: Totals
    heard: Heard
    unsent: Sequence[Delivery]
    bad_news: Sequence[Delivery]
    audit: Sequence[Entry]
    deliveries_told: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the report: a title, lines, a table whose last ``numbers`` columns are counts."""

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: int = 0


def blocks(report: Report, *, exceptions: bool) -> Iterator[Block]:
    """The report for people, in the order in which they read it."""
    yield _head(report)
    yield Block(
        "Pressings",
        (),
        ("due (UTC)", "state", "slots", "why", "articles", "members"),
        tuple(_pressing(one) for one in report.pressings),
        2,
    )
    yield Block("Members", (), ("", ""), tuple(_conservation(report.totals)), 1)
    if report.totals.sent:
        yield Block(
            f"Of the {report.totals.sent:,} sent, SES told", (), ("", ""), tuple(_heard(report)), 1
        )
    if report.unsent:
        yield Block(
            "Not sent, and why",
            (),
            ("state", "reason", "digests"),
            tuple(
                (state.value, reason, f"{count:,}")
                for (state, reason), count in sorted(reasons_of(report.unsent).items())
            ),
            1,
        )
    if exceptions:
        listed = (*report.unsent, *report.bad_news)
        yield Block(
            "Every one of them",
            _nobody_else(report, listed=bool(listed)),
            ("subscriber", "state", "SES told", "reason", "tries", "last change (UTC)"),
            tuple(_exception(one) for one in listed),
        )
    if report.audit:
        yield Block(
            "What happened",
            (),
            ("when (UTC)", "to", "by", "why"),
            tuple(_entry(one) for one in report.audit),
        )


def _nobody_else(report: Report, *, listed: bool) -> tuple[str, ...]:
    if cancelled := report.totals.cancelled:
        return (f"{cancelled:,} more were cancelled before their turn: nothing is known of each.",)
    return () if listed else ("There are none.",)


def head(edition: Edition) -> dict[str, Any]:
    """An edition's row for programs."""
    return {
        "id": str(edition.id),
        "state": edition.state,
        "started_at": edition.started_at.isoformat(),
        "moved_at": edition.moved_at.isoformat(),
        "by_hand": edition.by_hand,
        "policy": edition.policy,
        "spread": edition.spread,
        "reason": edition.reason,
    }


def as_json(report: Report, *, exceptions: bool) -> dict[str, Any]:
    """The report for programs."""
    told: dict[str, Any] = {
        **head(report.edition),
        **report.totals.as_json(),
        "heard": dict(_numbers(report.heard))
        | ({} if report.deliveries_told else {"delivered": None}),
        "pressings": [
            {
                "instant": one.instant.isoformat(),
                "state": one.state,
                "slots": [str(slot) for slot in one.slots],
                "articles": one.articles,
                "members": one.members,
                "reason": one.reason,
            }
            for one in report.pressings
        ],
        "exceptions": [
            {"state": state, "reason": reason, "digests": count}
            for (state, reason), count in sorted(reasons_of(report.unsent).items())
        ],
        "audit": [
            {
                "at": one.at.isoformat(),
                "before": one.before,
                "after": one.after,
                "by": one.by,
                "reason": one.reason,
            }
            for one in report.audit
        ],
    }
    if exceptions:
        told["digests"] = [
            {
                "subscriber": one.sid,
                "state": one.state,
                "evidence": one.evidence,
                "reason": one.reason,
                "tries": one.tries,
                "at": one.at.isoformat(),
            }
            for one in (*report.unsent, *report.bad_news)
        ]
    return told


def _head(report: Report) -> Block:
    edition = report.edition
    by = "by hand" if edition.by_hand else "on schedule"
    since = (
        f"started {edition.started_at:%Y-%m-%d %H:%M} UTC, {by}; "
        f"{edition.state.value} since {edition.moved_at:%Y-%m-%d %H:%M} UTC"
    )
    why = (edition.reason,) if edition.reason else ()
    title = f"{edition.id}  {edition.state.value}"
    return Block(title, (since, *why, *edition_progress.mends(edition)))


def _pressing(one: PressingRecord) -> tuple[str, ...]:
    return (
        f"{one.instant:%Y-%m-%d %H:%M}",
        one.state.value,
        ", ".join(str(slot) for slot in one.slots) or "none: nobody subscribes",
        one.reason or "",
        f"{one.articles:,}",
        f"{one.members:,}",
    )


def _conservation(totals: Totals) -> Iterator[tuple[str, str]]:
    for name, count in (
        ("sent", totals.sent),
        ("skipped", totals.skipped),
        ("failed", totals.failed),
        ("unresolved", totals.unresolved),
        ("had it through another slot", totals.had),
        ("cancelled before their turn", totals.cancelled),
        ("still waiting", totals.waiting),
    ):
        yield name, f"{count:,}"
    yield "= members counted at the cut", f"{totals.members:,}"


def _heard(report: Report) -> Iterator[tuple[str, str]]:
    for name, count in _numbers(report.heard):
        if name == "delivered" and not report.deliveries_told:
            yield _WORDS[name], "not asked for"
        elif count or name in {"delivered", "bounced", "complained"}:
            yield _WORDS[name], f"{count:,}"
    silent = report.totals.sent - report.heard.answered
    if silent > 0 and report.deliveries_told:
        yield "nothing yet", f"{silent:,}"


_WORDS = {
    "delivered": "delivered to their mail servers",
    "bounced": "bounced for good (never mailed again)",
    "soft_bounced": "bounced for now (a full mailbox and the like)",
    "suppressed": "not tried: on SES's own list of bad addresses",
    "rejected": "dropped by SES itself",
    "complained": "marked as spam by their readers (never mailed again)",
    "delayed": "delays on the way",
    "dup_suspected": "digests of which two mails were heard of",
}


def _numbers(heard: Heard) -> Iterator[tuple[str, int]]:
    for name in _WORDS:
        yield name, getattr(heard, name)


def _exception(one: Delivery) -> tuple[str, ...]:
    return (
        one.sid,
        one.state.value,
        (one.evidence or "nothing").lower(),
        one.reason or "",
        str(one.tries),
        f"{one.at:%Y-%m-%d %H:%M}",
    )


def _entry(one: Entry) -> tuple[str, ...]:
    return (
        f"{one.at:%Y-%m-%d %H:%M:%S}",
        one.after.value,
        one.by,
        one.reason or "",
    )
