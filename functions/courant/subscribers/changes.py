"""What a change makes of a profile, and the writes that must happen with it. Pure.

A ``Change`` of None means that everything already is as asked. The store writes a change in one
transaction, conditional on the version of the profile it was decided on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from courant.aws import Item
from courant.clock import stamp
from courant.newsletter import Newsletter
from courant.schedule import Slot
from courant.subscribers import items
from courant.subscribers.model import (
    Joining,
    Left,
    Profile,
    Signup,
    Status,
    Subscription,
    overall,
)
from courant.subscribers.moving import handover

# Places that somebody may lie in besides their own: a transaction takes 100 items.
_PLACES = 20


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
    newsletter: Newsletter,
    slot: Slot | None,
    sections: tuple[str, ...] | None,
    limit: int | None,
    now: datetime,
    since: datetime,
) -> Change | None:
    """An active subscription gets another slot, other choices, or both; None: as it was.

    A ``limit`` of 0 is the newsletter's own again. ``since``: when the stay in the slot began.
    """
    before = profile.subscriptions.get(newsletter.id)
    if before is None or before.status is not Status.ACTIVE:
        return None
    wanted = replace(
        before,
        slot=before.slot if slot is None else slot,
        sections=before.sections if sections is None else sections,
        limit=before.limit if limit is None else limit or None,
    )
    if wanted == before:
        return None
    if wanted.slot == before.slot:
        after = _with(profile, newsletter.id, wanted)
        return Change(after, _choices(profile.sid, newsletter.id, before.slot, wanted, now))
    hand = handover(newsletter, before.slot, wanted.slot, now, since=since, served=before.served)
    left = Left(before.slot, hand.gone_at)
    places = [one for one in before.left if one.slot not in {before.slot, wanted.slot}]
    # Their tombstones are gone by themselves, or are about to be.
    places = [one for one in places if one.gone_at + items.TOMBSTONE_KEPT > now]
    emptied, kept = places[: 1 - _PLACES], places[1 - _PLACES :]
    wanted = replace(wanted, left=(*kept, left), served=hand.served)
    after = _with(profile, newsletter.id, wanted)
    writes = (
        {"Update": items.moved_update(newsletter.id, left.slot, profile.sid, left.gone_at)},
        *_emptied(profile.sid, newsletter.id, emptied, "moved", now),
        _membership(after, newsletter.id, hand.active_from),
    )
    return Change(after, writes, newsletter.id)


def unsubscribe(profile: Profile, newsletter_id: str, reason: str, now: datetime) -> Change | None:
    """A subscription ends, confirmed or not."""
    before = profile.subscriptions.get(newsletter_id)
    if before is None or before.status not in {Status.PENDING, Status.ACTIVE}:
        return None
    ended = _ended(before, Status.UNSUBSCRIBED)
    after = _with(profile, newsletter_id, ended)
    return Change(after, _tombstones(profile.sid, {newsletter_id: before}, reason, now))


def suppress(profile: Profile, reason: str, digest: str, now: datetime) -> Change | None:
    """Every subscription ends and the address is barred."""
    if profile.status is Status.SUPPRESSED:
        return None
    ended = {
        newsletter: _ended(subscription, Status.SUPPRESSED)
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
    """Nothing personal stays in any place of the active ones, those moved out of included."""
    return tuple(
        write
        for newsletter, subscription in subscriptions.items()
        if subscription.status is Status.ACTIVE
        for write in _emptied(
            sid, newsletter, (*subscription.left, Left(subscription.slot, now)), reason, now
        )
    )


def _emptied(
    sid: str, newsletter_id: str, places: Iterable[Left], reason: str, now: datetime
) -> tuple[Item, ...]:
    # Who was gone earlier stays gone from then on: an edition cut since has not counted them.
    return tuple(
        {
            "Update": items.tombstone_update(
                newsletter_id, one.slot, sid, reason, min(one.gone_at, now)
            )
        }
        for one in places
    )


def _choices(
    sid: str, newsletter_id: str, slot: Slot, wanted: Subscription, now: datetime
) -> tuple[Item, ...]:
    """The choices, where the next editions look for them: the slot, and those not yet left."""
    slots = (slot, *(one.slot for one in wanted.left if one.gone_at > now))
    return tuple(
        {"Update": items.choices_update(newsletter_id, each, sid, wanted)} for each in slots
    )


def _ended(subscription: Subscription, status: Status) -> Subscription:
    return replace(subscription, status=status, left=(), served=None)


def _with(profile: Profile, newsletter_id: str, subscription: Subscription) -> Profile:
    subscriptions = {**profile.subscriptions, newsletter_id: subscription}
    return replace(profile, subscriptions=subscriptions, status=overall(subscriptions))
