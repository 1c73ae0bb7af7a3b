"""Finds out what sending an edition would do: asks the tables, and SES about the account."""

from __future__ import annotations

from datetime import datetime

from botocore.exceptions import ClientError

from courant import aws
from courant.delivery.account import AccountReader
from courant.delivery.allowance import Account
from courant.delivery.chunks import ChunkStore
from courant.editions.model import RESTARTABLE
from courant.editions.store import EditionStore
from courant.newsletter import Newsletter
from courant.schedule import EditionId
from courant.subscribers.lists import MemberLists
from desk import census
from desk.commands import terminal
from desk.cost import UNITS
from desk.deployment import Deployment
from desk.edition_totals import Totals
from desk.outlook import Outlook, outlook


def look_ahead(
    deployed: Deployment,
    newsletter: Newsletter,
    edition: EditionId,
    now: datetime,
    *,
    spread: bool,
) -> Outlook | None:
    """What sending would do; None where it would do nothing, as the edition was started before."""
    editions = EditionStore(deployed.content)
    present = editions.get(edition)
    if present is not None and present.state not in RESTARTABLE:
        return None
    with terminal.progress() as bar:
        readers = census.take(
            MemberLists(deployed.subscribers),
            newsletter,
            edition.cadence,
            now,
            lambda ranges, total: bar.track(ranges, total, description="Counting readers"),
        )
    account, unknown = _account()
    return outlook(
        edition,
        readers,
        account,
        concurrency=deployed.concurrency,
        promised=_promised(deployed, editions),
        spread=spread,
        units=UNITS if deployed.deliveries_told else UNITS.without_delivery_events(),
        unknown=unknown,
    )


def _promised(deployed: Deployment, editions: EditionStore) -> int:
    """Mails that the editions which are running still need."""
    chunks = ChunkStore(deployed.ledger)
    return sum(Totals.of(chunks.of_edition(other.id)).waiting for other in editions.open())


def _account() -> tuple[Account | None, str | None]:
    """What SES says of the account to whoever runs this; or why it does not."""
    try:
        return AccountReader().read(), None
    except ClientError as error:
        return None, (
            f"How long it takes and whether the daily quota is enough can't be told: SES refused "
            f"GetAccount ({aws.code(error)}). It is the stack that sends, so this changes nothing "
            "else; ses:GetAccount among your own rights makes it known."
        )
