"""When an edition is to stop by itself because of what its readers' mail servers say. Pure.

SES reviews a sender at 5 % bounces or 0.1 % complaints, and bars one at 10 % or 0.5 %; then nobody
gets anything any more. So an edition that goes to a bad list is paused while it is small.
"""

from dataclasses import dataclass

from courant.schedule import EditionId

BOUNCES, COMPLAINTS = 0.05, 0.001
# Fewer are an accident: at a true rate of 2 % bounces or 0.01 % complaints, not one edition in a
# hundred has so many when they reach the limit (tests/test_brake.py computes it).
BOUNCES_MIN, COMPLAINTS_MIN = 10, 3
# Rates are of no fewer mails than these, once so many were sent.
FIRST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What SES told of an edition's mails so far, counted.

    ``bounced`` is for good, ``soft_bounced`` a full mailbox and the like. ``suppressed`` were never
    tried: SES had the address on the account's list. ``rejected`` SES dropped itself (a virus).
    ``dup_suspected``: of one digest, two attempts were heard of. Repeated events may count twice;
    what is certain stands on the rows of the ledger.
    """

    delivered: int = 0
    bounced: int = 0
    soft_bounced: int = 0
    suppressed: int = 0
    complained: int = 0
    delayed: int = 0
    rejected: int = 0
    dup_suspected: int = 0

    @property
    def answered(self) -> int:
        """Mails of which the fate is known."""
        return self.delivered + self.bounced + self.soft_bounced + self.suppressed + self.rejected


def brake(edition: EditionId, sent: int, heard: Heard) -> str | None:
    """Why the edition is to be paused, and how to go on, in a sentence or two; None if all is well.

    ``sent`` is what SES has accepted so far. News comes later than that, so rates are taken of the
    mails that SES was heard of; but not of a few that bounced at once, while many are on their way.
    """
    # Without a single delivery SES's events are cut short, and only ``sent`` is known.
    mails = max(heard.answered, min(sent, FIRST)) if heard.delivered else sent
    for count, minimum, limit, verb in (
        (heard.bounced, BOUNCES_MIN, BOUNCES, "bounced for good"),
        (heard.complained, COMPLAINTS_MIN, COMPLAINTS, "were marked as spam"),
    ):
        if count >= minimum and count >= limit * mails:
            return (
                f"{count:,} of {mails:,} mails {verb} ({_percent(count / mails)}; SES puts a sender"
                f" under review at {_percent(limit)}). See where these addresses come from, then"
                f" cancel, or go on with: courant editions resume {edition}"
            )
    return None


def _percent(rate: float) -> str:
    return f"{rate * 100:.1f}".removesuffix(".0") + " %"
