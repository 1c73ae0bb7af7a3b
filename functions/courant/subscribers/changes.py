"""What a change makes of a profile, and the writes that must happen with it. Pure.

A ``Change`` of None means that everything already is as asked. The store writes a change in one
transaction, conditional on the version of the profile it was decided on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from courant.aws import Item
from courant.clock import stamp
from courant.schedule import Slot
from courant.subscribers import items
from courant.subscribers.model import Joining, Profile, Signup, Status, Subscription, overall


@dataclass(frozen=True, slots=True)
class Change:
    """A profile as it will be, and the other writes (``{"Put" | "Update": arguments}``).

    ``enters``: the newsletter in whose lists it puts the person; their slot there must be open,
    and know their locale, before.
    """

    profile: Profile
    writes: tuple[Item, ...] = ()
    enters: str | None = None


def newcomer(signup: Signup, sid: str, digest: str, now: datetime) -> tuple[Item, ...]:
    """The two or three items of somebody new; none of them may exist."""
    subscription = _subscription(signup)
    profile = Profile(
        sid=sid,
        email=signup.email,
        name=signup.name,
        status=signup.status,
        locale=signup.locale,
        format=signup.format,
        consent=signup.consent,
        subscriptions={signup.newsletter: subscription},
    )
    written = (items.profile_item(profile), items.lookup_key(digest) | {"sid": sid})
    if signup.status is not Status.ACTIVE:
        return written
    return (*written, items.membership_item(profile, signup.newsletter, now))


def may_join(profile: Profile, signup: Signup, *, returning: bool) -> Joining:
    """Whether somebody we know may join: ADDED when so.

    ``returning`` lets one who left come back. Nothing lifts a suppression.
    """
    before = profile.subscriptions.get(signup.newsletter)
    if profile.status is Status.SUPPRESSED:
        return Joining.SUPPRESSED
    if before is not None and before.status is Status.ACTIVE:
        return Joining.ALREADY
    if before is not None and before.status is Status.PENDING:
        return Joining.ALREADY if signup.status is Status.PENDING else Joining.ADDED
    if before is not None or profile.status is Status.UNSUBSCRIBED:
        return Joining.ADDED if returning else Joining.LEFT
    return Joining.ADDED


def join(profile: Profile, signup: Signup, now: datetime, *, returning: bool) -> Change | None:
    """Somebody we know joins a newsletter."""
    if may_join(profile, signup, returning=returning) is not Joining.ADDED:
        return None
    after = _with(profile, signup.newsletter, _subscription(signup))
    if signup.status is not Status.ACTIVE:
        return Change(after)
    return Change(after, (_membership(after, signup.newsletter, now),), signup.newsletter)


def confirm(profile: Profile, newsletter_id: str, now: datetime) -> Change | None:
    """A pending subscription becomes active; no other does."""
    before = profile.subscriptions.get(newsletter_id)
    if before is None or before.status is not Status.PENDING:
        return None
    after = _with(profile, newsletter_id, replace(before, status=Status.ACTIVE))
    return Change(after, (_membership(after, newsletter_id, now),), newsletter_id)


def move(
    profile: Profile,
    newsletter_id: str,
    slot: Slot | None,
    sections: tuple[str, ...] | None,
    limit: int | None,
    now: datetime,
    active_from: datetime,
) -> Change | None:
    """An active subscription gets another slot, other choices, or both; None: as it was.

    A ``limit`` of 0 is the newsletter's own again.
    """
    before = profile.subscriptions.get(newsletter_id)
    if before is None or before.status is not Status.ACTIVE:
        return None
    wanted = replace(
        before,
        slot=before.slot if slot is None else slot,
        sections=before.sections if sections is None else sections,
        limit=before.limit if limit is None else limit or None,
    )
    after = _with(profile, newsletter_id, wanted)
    if wanted == before:
        return None
    if wanted.slot == before.slot:
        update = items.choices_update(newsletter_id, profile.sid, wanted)
        return Change(after, ({"Update": update},))
    gone = _tombstones(profile.sid, {newsletter_id: before}, "moved", now)
    return Change(after, (*gone, _membership(after, newsletter_id, active_from)), newsletter_id)


def unsubscribe(profile: Profile, newsletter_id: str, reason: str, now: datetime) -> Change | None:
    """A subscription ends, confirmed or not."""
    before = profile.subscriptions.get(newsletter_id)
    if before is None or before.status not in {Status.PENDING, Status.ACTIVE}:
        return None
    after = _with(profile, newsletter_id, replace(before, status=Status.UNSUBSCRIBED))
    return Change(after, _tombstones(profile.sid, {newsletter_id: before}, reason, now))


def suppress(profile: Profile, reason: str, digest: str, now: datetime) -> Change | None:
    """Every subscription ends and the address is barred."""
    if profile.status is Status.SUPPRESSED:
        return None
    ended = {
        newsletter: replace(subscription, status=Status.SUPPRESSED)
        for newsletter, subscription in profile.subscriptions.items()
    }
    bar = items.suppression_key(digest) | {"reason": reason, "at": stamp(now)}
    return Change(
        replace(profile, subscriptions=ended, status=Status.SUPPRESSED),
        (
            {"Put": {"Item": bar}},
            *_tombstones(profile.sid, profile.subscriptions, reason, now),
        ),
    )


def _subscription(signup: Signup) -> Subscription:
    return Subscription(signup.slot, signup.sections, signup.status, limit=signup.limit)


def _membership(profile: Profile, newsletter_id: str, active_from: datetime) -> Item:
    return {"Update": items.membership_update(profile, newsletter_id, active_from)}


def _tombstones(
    sid: str, subscriptions: Mapping[str, Subscription], reason: str, now: datetime
) -> tuple[Item, ...]:
    return tuple(
        {"Update": items.tombstone_update(newsletter, subscription.slot, sid, reason, now)}
        for newsletter, subscription in subscriptions.items()
        if subscription.status is Status.ACTIVE
    )


def _with(profile: Profile, newsletter_id: str, subscription: Subscription) -> Profile:
    subscriptions = {**profile.subscriptions, newsletter_id: subscription}
    return replace(profile, subscriptions=subscriptions, status=overall(subscriptions))
