"""``courant demo``: the main job, whole, on this machine; then a mailbox to read the mails in."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from courant import clock
from courant.errors import ConfigurationError
from courant.newsletter import Newsletter
from courant.schedule import EditionId, Slot, zone_of
from desk import newsletter_file
from desk.commands import terminal
from desk.commands.terminal import AsJson, Exit
from desk.demo import out as outs
from desk.demo import paper
from desk.demo.journal import Event
from desk.demo.run import Demo, Plan, opened
from desk.feed_folder import title
from desk.mailbox.mails import SentMail
from desk.mailbox.server import Mailbox, MailboxServer
from desk.stack.template import ROOT

_NEWSLETTER = ROOT / "newsletters" / "demo.yaml"
_FAILURES_SHOWN = 15
_COUNTS = ("members", "sent", "skipped", "failed", "unresolved")


def demo(
    *,
    newsletter: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The newsletter to send.", show_default="newsletters/demo.yaml"
        ),
    ] = None,
    feeds: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Feed files to use instead of the newsletter's feeds: each below DIR is one feed "
            "(.gz too), each sub-folder a section.",
            show_default=False,
        ),
    ] = None,
    subscribers: Annotated[
        int, typer.Option(metavar="N", min=1, max=100_000, help="How many sample readers.")
    ] = 12,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="ISO-TIME",
            help="When the day begins, such as 2026-11-22T06:45+01:00; without offset it is UTC.",
            show_default="06:45 today where the newsletter is",
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option(metavar="N", min=1, max=366, help="How many days pass.")
    ] = 1,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where mails and reports go; emptied first.")
    ] = Path("out/demo"),
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Show the mails in a mailbox page.")
    ] = True,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The mailbox's port; 0 is any.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Send a newsletter for a day, all on this machine: no AWS, no Docker, no network.

    Feeds are read, an edition is composed and mailed to sample readers by the same functions,
    queues and tables that template.yaml deploys. OUT gets each mail (mail/*.eml as sent,
    mail/*.html to look at), edition.json and report.json. Exit code 1 if no mail was sent.
    """
    wanted = newsletter_file.load(newsletter or _NEWSLETTER)
    if feeds is not None and newsletter is None:
        wanted = _of_folder(wanted, feeds)
    plan = Plan(
        newsletter=wanted,
        feeds=feeds,
        subscribers=subscribers,
        at=_instant(at),
        days=repeat,
    )
    outs.check(out)
    with ExitStack() as open_:
        running = open_.enter_context(opened(plan, clock.system()))
        server = open_.enter_context(_mailbox_server(port)) if serve else None
        folder = outs.prepare(out)
        mails = _run(running, folder)
        report = running.report()
        folder.write_json("report.json", report)
        folder.write_json("edition.json", running.editions())
        if as_json:
            terminal.show(report)
        else:
            _summary(running, report, folder)
        if not server and not as_json:
            _tell_where(folder)
        if server:
            _show(server, running, mails, report)
    if not mails:
        raise typer.Exit(Exit.FAILED)


def _of_folder(town: Newsletter, feeds: Path) -> Newsletter:
    """Other people's feeds don't come from the town."""
    name = title(feeds.resolve().name)
    name = name[:1].upper() + name[1:]
    return town.model_copy(
        update={
            "title": name,
            "description": f"The latest from {name}.",
            "sender": town.sender.model_copy(update={"name": name}),
            "postal_address": f"{name}, a demo on your machine",
        }
    )


def _run(running: Demo, folder: outs.Out) -> list[SentMail]:
    plan, mails = running.plan, list[SentMail]()
    with terminal.progress() as progress:
        joining = progress.add_task("Readers join", total=plan.subscribers)
        running.sign_up(lambda some: progress.advance(joining, some))
        feeds = progress.add_task("Feeds", total=len(running.newsletter.feeds))
        sending = progress.add_task("Mails", total=None)
        due = 0

        def heard(event: Event) -> None:
            nonlocal due
            match event["event"]:
                case "gather":
                    progress.advance(feeds)
                case "pressing" if event["status"] == "pressed":
                    due += int(event["members"])
                    progress.update(sending, total=due)
                case "digest":
                    progress.advance(sending)

        running.journal.heard.append(heard)
        if plan.feeds is None and any(url.startswith(paper.SITE) for url in plan.newsletter.feeds):
            folder.write_images()
        for number in range(1, plan.days + 1):
            progress.reset(feeds, description=_day("Feeds", number, plan.days))
            today = running.pass_day(number)
            folder.write_mails(today, number if plan.days > 1 else None)
            mails += today
    return mails


def _day(what: str, number: int, days: int) -> str:
    return f"{what}, day {number} of {days}" if days > 1 else what


def _summary(running: Demo, report: dict[str, Any], folder: outs.Out) -> None:
    feeds, failed = report["feeds"], report["feeds"]["failed"]
    visits, fetched, same = feeds["visits"], feeds["fetched"], feeds["not_modified"]
    terminal.say(
        f"{_counted(feeds['total'], 'feed')}, {_counted(visits, 'visit')}: {fetched} fetched, "
        f"{same} not modified, {visits - fetched - same} failed; "
        f"{_counted(report['articles'], 'article')}"
    )
    if failed:
        rows = [(failure["feed"], failure["error"]) for failure in failed[:_FAILURES_SHOWN]]
        if more := len(failed) - len(rows):
            rows.append((f"… and {more} more", f"see {folder.path / 'report.json'}"))
        terminal.say()
        terminal.table(("failed feed", "why"), rows)
    terminal.say()
    if report["editions"]:
        columns = ("edition", "state", *_COUNTS)
        terminal.table(columns, map(_row, report["editions"]), numbers=len(_COUNTS))
        _explain(running, report)
    elif due := running.next_due():
        terminal.say(f"Nothing was due. The next edition is due at {due.isoformat()}; see --at.")
    for problem in report["problems"]:
        terminal.note(f"problem: {problem}", style="red")
    terminal.say(f"\n{report['mails']} mails in {folder.path / 'mail'} ({report['seconds']} s)")


def _explain(running: Demo, report: dict[str, Any]) -> None:
    """Why not every sample reader got every edition."""
    if absent := running.absent():
        why = ", ".join(f"{count} {reason}" for reason, count in absent.items())
        terminal.say(f"{_counted(running.plan.subscribers, 'sample reader')}, of whom {why}")
    for edition in report["editions"]:
        if edition["not_sent"]:
            why = ", ".join(f"{count} {reason}" for reason, count in edition["not_sent"].items())
            terminal.say(f"{edition['id']}: no mail to {why}")


def _tell_where(folder: outs.Out) -> None:
    """What to open, where there is no mailbox to look into."""
    pages = sorted((folder.path / "mail").rglob("*.html"))
    if pages:
        terminal.say(f"Open them in a browser: {pages[0].parent}/*.html, such as {pages[0]}")
        terminal.say("Their links work only in the mailbox, so without --no-serve.")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _row(edition: dict[str, Any]) -> tuple[str, ...]:
    state = edition["state"] + (f": {edition['reason']}" if edition["reason"] else "")
    if until := edition["open_until"]:
        state += f" (open for readers elsewhere until {until[:16]}Z)"
    return (edition["id"], state, *(str(edition[name]) for name in _COUNTS))


def _show(
    server: MailboxServer,
    running: Demo,
    mails: list[SentMail],
    report: dict[str, Any],
) -> None:
    newsletter = running.newsletter
    first = next(iter(newsletter.cadences))
    server.mailbox = Mailbox(
        mails=mails,
        editions={EditionId.parse(e["id"]).tag: e["id"] for e in report["editions"]},
        zone=zone_of(newsletter, Slot(first)),
        site_url=paper.SITE,
        paper=running.source if isinstance(running.source, paper.Paper) else None,
        summary={
            "newsletter": newsletter.title,
            "editions": [edition["id"] for edition in report["editions"]],
            "sent": sum(edition["sent"] for edition in report["editions"]),
            "skipped": sum(edition["skipped"] for edition in report["editions"]),
            "articles": report["articles"],
        },
        ask=lambda method, path, headers, body: running.stack.request(
            method, path, headers=headers, body=body
        ),
    )
    terminal.note(f"Read them at {server.url} (Ctrl-C ends)")
    try:
        server.wait()
    except KeyboardInterrupt:
        terminal.note("The mailbox is closed.")


def _mailbox_server(port: int) -> MailboxServer:
    try:
        return MailboxServer(port)
    except OSError as error:
        raise ConfigurationError(
            f"port {port} of this machine is taken; give another --port, or none"
        ) from error


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--at {text!r} is no time; write it like 2026-11-22T06:45+01:00"
        ) from error
    if not 2000 <= at.year <= 2100:
        raise ConfigurationError(f"--at {text!r}: give a year between 2000 and 2100")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
