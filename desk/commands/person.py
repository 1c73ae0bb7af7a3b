"""``courant subscribers show``: one person, and what recent editions did for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from courant import clock
from courant.delivery.ledger import Ledger
from courant.editions.store import EditionStore
from courant.errors import ConfigurationError, NotFound
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import Profile
from courant.subscribers.store import SubscriberStore
from desk import deployment, roster_file
from desk.commands import terminal
from desk.commands.terminal import AsJson, StackName
from desk.person_history import Told, told

# How far back it looks, a newsletter.
_RECENT = 10

EXAMPLES = terminal.epilog(
    "courant subscribers show reader@example.org",
    "courant subscribers show reader@example.org --json",
    more="'courant editions show --exceptions' tells the ids of whom an edition did not reach.",
)
_ID = re.compile("[0-9a-f]{32}")


def show(
    who: Annotated[
        str, typer.Argument(help="The person's mail address, or id.", metavar="ADDRESS")
    ],
    *,
    as_json: AsJson = False,
    stack: StackName = "courant",
) -> None:
    """One person: what they get, since when, and what recent editions did for them."""
    email = "" if _ID.fullmatch(who) else _address(who)
    deployed = deployment.find(stack)
    store, key = SubscriberStore(deployed.subscribers), deployed.address_key()
    sid = store.find(email, key) if email else who
    profile = store.profile(sid) if sid else None
    if profile is not None:
        email = profile.email
    suppressed = bool(email) and store.suppressed(email, key)
    if profile is None and not suppressed:
        raise NotFound(f"nobody subscribes as {who}")
    recent = tuple(_recent(deployed, profile)) if profile else ()
    if as_json:
        terminal.show(_person_json(email, profile, recent, suppressed=suppressed))
    else:
        _print_person(email, profile, recent, suppressed=suppressed)


def _address(text: str) -> str:
    try:
        return roster_file.address(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _recent(deployed: deployment.Deployment, profile: Profile) -> Iterator[Told]:
    editions, ledger = EditionStore(deployed.content), Ledger(deployed.ledger)
    lists = MemberLists(deployed.subscribers)
    for newsletter, subscription in profile.subscriptions.items():
        member = lists.member(newsletter, subscription.slot, profile.sid)
        for edition in editions.of_newsletter(newsletter, _RECENT):
            delivery = ledger.get(edition.id, profile.sid)
            yield told(edition, delivery, subscription, member, clock.now())


def _print_person(
    email: str,
    profile: Profile | None,
    recent: Sequence[Told],
    *,
    suppressed: bool,
) -> None:
    if suppressed:
        terminal.say(f"{email} is suppressed: it bounced or complained, and gets no mail.")
    if profile is None:
        return
    terminal.say(f"{profile.email}{f' ({profile.name})' if profile.name else ''}", style="bold")
    terminal.say(f"  status   {profile.status}")
    terminal.say(f"  format   {profile.format}")
    terminal.say(f"  locale   {profile.locale or 'as the newsletter'}")
    terminal.say(f"  consent  {profile.consent.source}, {profile.consent.at:%Y-%m-%d %H:%M} UTC")
    terminal.say(f"  id       {profile.sid}\n")
    terminal.table(
        ("newsletter", "slot", "sections", "limit", "status"),
        (
            (
                name,
                str(one.slot),
                ", ".join(one.sections) or "all",
                str(one.limit or "the newsletter's"),
                one.status.value,
            )
            for name, one in profile.subscriptions.items()
        ),
    )
    terminal.say()
    if recent:
        terminal.table(
            ("edition", "digest", "when (UTC)", "what is known"),
            (
                (
                    str(one.edition.id),
                    one.did,
                    f"{one.delivery.at:%Y-%m-%d %H:%M}" if one.delivery else "",
                    one.why,
                )
                for one in recent
            ),
        )
    else:
        terminal.say("There was no edition yet.")


def _person_json(
    email: str,
    profile: Profile | None,
    recent: Sequence[Told],
    *,
    suppressed: bool,
) -> dict[str, Any]:
    shown: dict[str, Any] = {"email": email, "suppressed": suppressed}
    if profile is None:
        return shown | {"status": "suppressed", "subscriptions": {}, "deliveries": []}
    return shown | {
        "id": profile.sid,
        "name": profile.name,
        "status": profile.status,
        "locale": profile.locale,
        "format": profile.format,
        "consent": {"source": profile.consent.source, "at": profile.consent.at.isoformat()},
        "subscriptions": {
            name: {
                "slot": str(one.slot),
                "sections": one.sections,
                "limit": one.limit,
                "status": one.status,
                "paused_until": one.paused_until and one.paused_until.isoformat(),
            }
            for name, one in profile.subscriptions.items()
        },
        "deliveries": [_told_json(one) for one in recent],
    }


def _told_json(one: Told) -> dict[str, Any]:
    shown: dict[str, Any] = {"edition": str(one.edition.id), "did": one.did, "known": one.why}
    if (row := one.delivery) is None:
        return shown | {"state": None}
    return shown | {
        "state": row.state,
        "tries": row.tries,
        "reason": row.reason,
        "evidence": row.evidence,
        "at": row.at.isoformat(),
    }
