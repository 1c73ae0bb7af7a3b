"""How the small world begins: an edition that is sent, one chunk, one reader."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from courant.clock import stamp
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts
from courant.delivery.evidence import Evidence
from courant.delivery.ledger import DeliveryState, Ledger
from courant.editions.model import (
    Edition,
    EditionState,
    PressingRecord,
    PressingState,
)
from courant.editions.store import EditionStore
from courant.subscribers import items
from tests.model.facts import (
    CHUNK,
    EDITION,
    OTHER,
    READER,
    SLOT,
    START,
)
from tests.model.machine import Mail, Word

if TYPE_CHECKING:
    from tests.model.world import World


def found(world: World) -> None:
    edition = Edition(
        id=EDITION,
        state=EditionState.SENDING,
        started_at=START,
        closes_at=START,
        by_hand=False,
        epoch="1",
        moved_at=START,
        policy=world.policy,
    )
    EditionStore(cast("Any", world.content)).create(edition)
    EditionStore(cast("Any", world.content)).add_pressing(
        PressingRecord(
            edition=EDITION,
            instant=START,
            slots=(SLOT,),
            state=PressingState.PRESSED,
            touched_at=START,
            members=1 + world.two,
        )
    )
    chunk = Chunk(
        edition=EDITION,
        id=CHUNK,
        state=ChunkState.OPEN,
        instant=START,
        pressing=0,
        slot=SLOT,
        range="a",
        cut_at=START,
        cursor="",
        members=1 + world.two,
        counts=Counts(),
        fence=0,
        lease_until=None,
        nudged_at=START,
        epoch="1",
    )
    ChunkStore(cast("Any", world.ledger)).create(chunk)
    for sid in (READER, OTHER)[: 1 + world.two]:
        world.subscribers.put_item(
            Item={
                **items.membership_key(EDITION.newsletter, SLOT, sid),
                "email": f"{sid[:2]}@example.com",
                "active_from": stamp(START - timedelta(days=1)),
            }
        )
    if world.two:
        # Whether SES's events come can be told only by the digests of others.
        ledger = Ledger(cast("Any", world.ledger))
        ledger.claim(
            EDITION, OTHER, attempt="other", chunk=CHUNK, lease=START, now=START, auto=True
        )
        ledger.record(EDITION, OTHER, "other", DeliveryState.SENT, START)
        if world.heard:
            Evidence(cast("Any", world.ledger)).note(EDITION, OTHER, "Send", attempt="other")


def try_in_vain(world: World, doubt: DeliveryState, out: str | None) -> None:
    """An earlier attempt of which nobody can say what became."""
    ledger, attempt = Ledger(cast("Any", world.ledger)), world.new_id()
    if row := world.row():
        ledger.settle(EDITION, row, DeliveryState.RETRY, START, "again")
        world.change(reopened=world.facts.reopened + 1)
    ledger.claim(
        EDITION, READER, attempt=attempt, chunk=CHUNK, lease=START, now=world.now(), auto=True
    )
    if out:
        world.change(mails=(Mail(1, Word.LATE, out == "reject"),), silences=1)
        world.notice()
    if doubt is not DeliveryState.CLAIMED:
        ledger.record(EDITION, READER, attempt, doubt, world.now())
    world.change(cut=True)


def agree(world: World) -> None:
    """The chunk is walked, and what was unresolved a minute ago was to be tried again."""
    chunks = ChunkStore(cast("Any", world.ledger))
    chunk = chunks.take(EDITION, CHUNK, START, START)
    assert chunk is not None
    chunks.release(chunk, ChunkState.SETTLING, Counts())
    world.content.update_item(
        Key={"PK": f"N#{EDITION.newsletter}", "SK": "E#2026-11-22#daily"},
        UpdateExpression="SET resend_before = :then",
        ExpressionAttributeValues={":then": stamp(START)},
    )
    world.change(consented=1)
