"""How editions lie in their table: keys, and items to dataclasses and back. Pure."""

from __future__ import annotations

import secrets
from typing import Any

from courant.aws import Item
from courant.clock import from_stamp, stamp
from courant.editions.model import OPEN, Edition, EditionState, Entry, PressingRecord, PressingState
from courant.policy import Policy
from courant.schedule import EditionId, Slot

# What the index ``due`` calls an edition that asks for work.
KIND = "EDITION"


def edition_key(edition_id: EditionId) -> dict[str, str]:
    """Where an edition lies."""
    extra = f"+{edition_id.extra}" if edition_id.extra else ""
    return {
        "PK": f"N#{edition_id.newsletter}",
        "SK": f"E#{edition_id.date.isoformat()}#{edition_id.cadence}{extra}",
    }


def edition_item(edition: Edition) -> Item:
    """The item of an edition."""
    item: Item = {
        **edition_key(edition.id),
        "edition": str(edition.id),
        "st": edition.state.value,
        "started_at": stamp(edition.started_at),
        "closes_at": stamp(edition.closes_at),
        "by_hand": edition.by_hand,
        "epoch": edition.epoch,
        "moved_at": stamp(edition.moved_at),
        "policy": edition.policy.value,
        "attended": edition.attended,
        "braked": edition.braked,
        "spread": edition.spread,
        "reason": edition.reason,
    }
    if edition.resend_before:
        item["resend_before"] = stamp(edition.resend_before)
    if edition.state in OPEN:
        item |= {"due_kind": KIND, "due_at": stamp(edition.started_at)}
    return item


def edition_of(item: Item) -> Edition:
    """The edition in an item."""
    return Edition(
        id=EditionId.parse(item["edition"]),
        state=EditionState(item["st"]),
        started_at=from_stamp(item["started_at"]),
        closes_at=from_stamp(item["closes_at"]),
        by_hand=item["by_hand"],
        epoch=item["epoch"],
        # Rows that were written before these were kept lack them.
        moved_at=from_stamp(item.get("moved_at") or item["started_at"]),
        policy=Policy(item.get("policy", Policy.STRICT)),
        attended=item.get("attended", False),
        braked=item.get("braked", False),
        spread=item.get("spread", False),
        resend_before=from_stamp(item["resend_before"]) if "resend_before" in item else None,
        reason=item.get("reason"),
    )


def noted(edition_id: EditionId, entry: Entry) -> dict[str, dict[str, Any]]:
    """The write that keeps an entry of the audit."""
    item = {
        "PK": f"E#{edition_id}",
        # Two changes may come in one instant: first what comes first, and never one key.
        "SK": f"A#{stamp(entry.at)}#{list(EditionState).index(entry.after)}#{secrets.token_hex(4)}",
        "before": entry.before and entry.before.value,
        "after": entry.after.value,
        "by": entry.by,
        "reason": entry.reason,
    }
    return {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(PK)"}}


def entry_of(item: Item) -> Entry:
    """The audit entry in an item."""
    return Entry(
        at=from_stamp(item["SK"].split("#")[1]),
        before=EditionState(item["before"]) if item["before"] else None,
        after=EditionState(item["after"]),
        by=item["by"],
        reason=item["reason"],
    )


def pressing_item(record: PressingRecord) -> Item:
    """The item of one instant."""
    return {
        "PK": f"E#{record.edition}",
        "SK": f"P#{stamp(record.instant)}",
        "slots": [str(slot) for slot in record.slots],
        "st": record.state.value,
        "touched_at": stamp(record.touched_at),
        "members": record.members,
        "articles": record.articles,
        "reason": record.reason,
    }


def pressing_of(item: Item) -> PressingRecord:
    """The record of one instant in an item."""
    return PressingRecord(
        edition=EditionId.parse(item["PK"].removeprefix("E#")),
        instant=from_stamp(item["SK"].removeprefix("P#")),
        slots=tuple(Slot.parse(slot) for slot in item["slots"]),
        state=PressingState(item["st"]),
        touched_at=from_stamp(item["touched_at"]),
        members=int(item["members"]),
        articles=int(item["articles"]),
        reason=item.get("reason"),
    )
