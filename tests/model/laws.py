"""The laws of the promise, as the small world can see them broken."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from courant.delivery.ledger import FINAL, Delivery, DeliveryState
from courant.editions.model import (
    SENDS,
    Edition,
    EditionState,
)
from courant.newsletter import Policy
from tests.model.facts import (
    ENDS,
    LEAVE_WITHIN,
    PAUSE_WITHIN,
    Violation,
)
from tests.model.machine import Row

if TYPE_CHECKING:
    from tests.model.world import World


def check_claim(world: World, began: datetime) -> None:
    edition, now = world.edition(), world.now()
    late = edition.moved_at < began or edition.moved_at + PAUSE_WITHIN < now
    if edition.state not in SENDS and late:
        raise Violation(f"claims although the edition is {edition.state}")
    gone = world.facts.gone_at
    if gone and (gone < began or gone + LEAVE_WITHIN < now):
        raise Violation("claims although the reader has left")


def check_twice(world: World) -> None:
    allowed = 1 + world.facts.consented
    if world.policy is Policy.AUTO:
        allowed += world.facts.silences
    if len(world.facts.mails) > allowed:
        raise Violation(f"SES took {len(world.facts.mails)} mails")


def check(world: World) -> None:
    """The laws that hold at any time."""
    facts, row, edition = world.facts, world.row(), world.edition()
    state = Row(row.state.value) if row else Row.NONE
    kept = [mail for mail in facts.mails if not mail.rejected]
    own = 2 if world.policy is Policy.AUTO else 0
    if facts.reopened > facts.consented + own:
        raise Violation("tried again without leave")
    if world.policy is Policy.AUTO and not world.heard and facts.reopened > facts.consented:
        raise Violation("tried again although no events come")
    if state is Row.SENT and not facts.mails:
        raise Violation("SENT, and SES has nothing")
    if state is Row.UNRESOLVED and not facts.cut:
        raise Violation("UNRESOLVED, and nothing is in doubt")
    if state is Row.FAILED and not facts.refused and not any(m.rejected for m in facts.mails):
        raise Violation("FAILED, and nobody refused it")
    if state in {Row.FAILED, Row.SKIPPED} and kept:
        raise Violation(f"{state}, and SES has it")
    if edition.state in ENDS or (edition.state is EditionState.CANCELLED and world.ended()):
        _check_end(world, edition, row)


def _check_end(world: World, edition: Edition, row: Delivery | None) -> None:
    chunk = world.chunk()
    unresolved = row is not None and row.state is DeliveryState.UNRESOLVED
    if chunk.counts.total != chunk.members:
        raise Violation(f"over, and it does not add up: {chunk.counts} of {chunk.members}")
    if row is None and not chunk.counts.cancelled:
        raise Violation("over, and a reader was forgotten")
    if row is not None and row.state not in FINAL:
        raise Violation(f"over, and a reader is {row.state}")
    if unresolved != bool(chunk.counts.unresolved):
        raise Violation("over, and the unresolved are not counted")
    if edition.state is EditionState.SENT and unresolved:
        raise Violation("SENT, and one is unresolved")
