"""How subscribers lie in their table: keys, and items to dataclasses and back. Pure.

    profile      S#<sid>                          PROFILE
    lookup       E#<HMAC(address)>                SID
    membership   L#<newsletter>#<slot>#<shard>    <sid>
    slot         N#<newsletter>                   SLOT#<slot>
    suppression  X#<HMAC(address)>                X

A slot has the set ``locales``: those of everybody who ever was in it. It is written before their
membership, so no member's locale is missing there.

A membership that somebody leaves stays for two weeks as a tombstone without address. Who moves
to another slot keeps the address there, as editions cut before ``gone_at`` are still to mail them
(moving.py); leaving empties all of these places. One who comes back into a place has
``was_from``/``was_gone``: the stay before, which an edition that was cut during it still counts.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from courant.aws import Item
from courant.clock import from_stamp, stamp
from courant.schedule import Slot
from courant.subscribers.model import (
    Consent,
    Left,
    Member,
    Profile,
    Status,
    Subscription,
    shard,
)

# Longer than any edition runs, so nobody vanishes from a count.
TOMBSTONE_KEPT = timedelta(days=14)
PROFILE = "PROFILE"
LOOKUP = "SID"
SUPPRESSION = "X"
SLOT = "SLOT#"
_PERSONAL = ("email", "name", "sections", "limit", "format", "locale", "paused_until")

# Who belongs to an edition cut at ``:at``.
COUNTED = (
    "(active_from <= :at AND (attribute_not_exists(gone_at) OR gone_at > :at))"
    " OR (was_from <= :at AND was_gone > :at)"
)


def profile_key(sid: str) -> Item:
    """Where a profile lies."""
    return {"PK": f"S#{sid}", "SK": PROFILE}


def lookup_key(digest: str) -> Item:
    """Where an address leads to its sid."""
    return {"PK": f"E#{digest}", "SK": LOOKUP}


def suppression_key(digest: str) -> Item:
    """Where an address is barred."""
    return {"PK": f"X#{digest}", "SK": SUPPRESSION}


def slot_key(newsletter_id: str, slot: Slot) -> Item:
    """Where a slot is known to be live."""
    return {"PK": f"N#{newsletter_id}", "SK": f"{SLOT}{slot}"}


def list_key(newsletter_id: str, slot: Slot, digit: str) -> str:
    """The partition that holds one shard of a slot's members."""
    return f"L#{newsletter_id}#{slot}#{digit}"


def membership_key(newsletter_id: str, slot: Slot, sid: str) -> Item:
    """Where one person's membership lies."""
    return {"PK": list_key(newsletter_id, slot, shard(sid)), "SK": sid}


def profile_item(profile: Profile) -> Item:
    """The item of a profile."""
    return _present(
        {
            **profile_key(profile.sid),
            "email": profile.email,
            "name": profile.name,
            "status": profile.status.value,
            "locale": profile.locale,
            "format": profile.format,
            "consent_source": profile.consent.source,
            "consent_at": stamp(profile.consent.at),
            "newsletters": {
                newsletter: _present(
                    {
                        "slot": str(subscription.slot),
                        "sections": list(subscription.sections),
                        "limit": subscription.limit,
                        "status": subscription.status.value,
                        "paused_until": _stamp(subscription.paused_until),
                        "left": {str(one.slot): stamp(one.gone_at) for one in subscription.left}
                        or None,
                        "served": subscription.served and subscription.served.isoformat(),
                    }
                )
                for newsletter, subscription in profile.subscriptions.items()
            },
            "version": profile.version,
        }
    )


def profile_of(item: Item) -> Profile:
    """The profile in an item."""
    return Profile(
        sid=item["PK"].removeprefix("S#"),
        email=item["email"],
        name=item.get("name"),
        status=Status(item["status"]),
        locale=item.get("locale"),
        format=item["format"],
        consent=Consent(item["consent_source"], from_stamp(item["consent_at"])),
        subscriptions={
            newsletter: Subscription(
                slot=Slot.parse(kept["slot"]),
                sections=tuple(kept["sections"]),
                status=Status(kept["status"]),
                paused_until=_instant(kept.get("paused_until")),
                limit=_number(kept.get("limit")),
                left=tuple(
                    Left(Slot.parse(slot), from_stamp(gone_at))
                    for slot, gone_at in kept.get("left", {}).items()
                ),
                served=date.fromisoformat(kept["served"]) if "served" in kept else None,
            )
            for newsletter, kept in item["newsletters"].items()
        },
        version=int(item["version"]),
    )


def membership_item(profile: Profile, newsletter_id: str, active_from: datetime) -> Item:
    """What the send path reads of a profile's subscription, for somebody new."""
    slot = profile.subscriptions[newsletter_id].slot
    return {
        **membership_key(newsletter_id, slot, profile.sid),
        **_membership(profile, newsletter_id, active_from),
    }


def membership_update(profile: Profile, newsletter_id: str, active_from: datetime) -> Item:
    """The update that puts a membership where a tombstone may lie, and remembers its stay."""
    given = _membership(profile, newsletter_id, active_from)
    # On the right of SET everything has its value from before the update.
    sets = ["was_from = if_not_exists(active_from, :never)"]
    sets += ["was_gone = if_not_exists(gone_at, :never)"]
    sets += [f"#{name} = :{name}" for name in given]
    absent = [name for name in _PERSONAL if name not in given]
    names = {f"#{name}": name for name in (*given, *absent, "ttl")}
    return {
        "Key": membership_key(
            newsletter_id, profile.subscriptions[newsletter_id].slot, profile.sid
        ),
        "UpdateExpression": f"SET {', '.join(sets)} REMOVE gone_at, gone_reason, "
        + ", ".join(f"#{name}" for name in (*absent, "ttl")),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {":never": ""}
        | {f":{name}": value for name, value in given.items()},
    }


def choices_update(newsletter_id: str, slot: Slot, sid: str, subscription: Subscription) -> Item:
    """The update that gives a membership the sections and the limit of a subscription."""
    update: Item = {
        "Key": membership_key(newsletter_id, slot, sid),
        "UpdateExpression": "SET sections = :sections REMOVE #limit",
        "ExpressionAttributeNames": {"#limit": "limit"},
        "ExpressionAttributeValues": {":sections": list(subscription.sections)},
    }
    if subscription.limit is not None:
        update["UpdateExpression"] = "SET sections = :sections, #limit = :limit"
        update["ExpressionAttributeValues"][":limit"] = subscription.limit
    return update


def slot_update(newsletter_id: str, slot: Slot, locales: Collection[str]) -> Item:
    """The update that makes a slot live, for readers of these locales too."""
    update: Item = {
        "Key": slot_key(newsletter_id, slot),
        "UpdateExpression": "SET live = :live",
        "ExpressionAttributeValues": {":live": True},
    }
    if locales:  # DynamoDB knows no empty set
        update["UpdateExpression"] += " ADD locales :locales"
        update["ExpressionAttributeValues"][":locales"] = set(locales)
    return update


def member_of(item: Item) -> Member:
    """The member in a membership item or tombstone."""
    return Member(
        sid=item["SK"],
        email=item.get("email"),
        name=item.get("name"),
        sections=tuple(item.get("sections", ())),
        limit=_number(item.get("limit")),
        format=item.get("format", "html"),
        locale=item.get("locale"),
        active_from=from_stamp(item["active_from"]),
        gone_at=_instant(item.get("gone_at")),
        gone_reason=item.get("gone_reason"),
        paused_until=_instant(item.get("paused_until")),
    )


def tombstone_update(newsletter_id: str, slot: Slot, sid: str, reason: str, now: datetime) -> Item:
    """The update that empties a membership of everything personal and marks it as gone."""
    return {
        "Key": membership_key(newsletter_id, slot, sid),
        "UpdateExpression": (
            "SET gone_at = :now, gone_reason = :reason, #ttl = :ttl,"
            " active_from = if_not_exists(active_from, :now)"
            " REMOVE " + ", ".join(f"#{name}" for name in _PERSONAL)
        ),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*_PERSONAL, "ttl")},
        "ExpressionAttributeValues": {
            ":now": stamp(now),
            ":reason": reason,
            ":ttl": int((now + TOMBSTONE_KEPT).timestamp()),
        },
    }


def moved_update(newsletter_id: str, slot: Slot, sid: str, gone_at: datetime) -> Item:
    """The update that ends a membership, perhaps later than now, and empties nothing."""
    return {
        "Key": membership_key(newsletter_id, slot, sid),
        "UpdateExpression": "SET gone_at = :gone, gone_reason = :reason, #ttl = :ttl,"
        " active_from = if_not_exists(active_from, :gone)",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": {
            ":gone": stamp(gone_at),
            ":reason": "moved",
            ":ttl": int((gone_at + TOMBSTONE_KEPT).timestamp()),
        },
    }


def _membership(profile: Profile, newsletter_id: str, active_from: datetime) -> Item:
    subscription = profile.subscriptions[newsletter_id]
    return _present(
        {
            "email": profile.email,
            "name": profile.name,
            "sections": list(subscription.sections),
            "limit": subscription.limit,
            "format": profile.format,
            "locale": profile.locale,
            "paused_until": _stamp(subscription.paused_until),
            "active_from": stamp(active_from),
        }
    )


def _present(item: dict[str, Any]) -> Item:
    return {name: value for name, value in item.items() if value is not None}


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _stamp(instant: datetime | None) -> str | None:
    return None if instant is None else stamp(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else from_stamp(text)
