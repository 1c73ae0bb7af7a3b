"""What SES lets the account do, and whether an edition may start on that.

Pure. An edition too big for the day's quota is refused before its first mail, with the sum; half an
edition sent today and half of it whenever the quota comes free is an editor's choice, not ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from courant.editions.model import LONGEST

# Of the daily quota: kept for letters, and for what others send with this account.
KEPT_BACK = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What SES says the account may do.

    ``max_rate`` in mails a second; ``daily_quota`` in mails a (rolling) day, None if unlimited;
    ``production`` is False in the sandbox; ``enforcement`` is HEALTHY, PROBATION or SHUTDOWN.
    Source: SESv2 GetAccount.
    """

    max_rate: float
    daily_quota: int | None
    sent_24h: int
    sending: bool
    production: bool
    enforcement: str

    @property
    def left(self) -> int | None:
        """Mails left of the quota now; None if unlimited."""
        return None if self.daily_quota is None else max(self.daily_quota - self.sent_24h, 0)

    @property
    def room(self) -> int | None:
        """Mails that an edition may count on when it starts; None if unlimited."""
        return self.left_above(KEPT_BACK)

    def left_above(self, kept_back: float) -> int | None:
        """Mails left above a part of the daily quota (0 to 1) that is not to be touched."""
        if self.daily_quota is None or self.left is None:
            return None
        return max(self.left - math.ceil(self.daily_quota * kept_back), 0)


def refusal(
    members: int,
    account: Account,
    *,
    spread: bool = False,
    attended: bool = False,
    promised: int = 0,
) -> str | None:
    """Why an edition for so many may not start on this account, with the mend; None if it may.

    Args:
        members: mails it needs.
        account: as SES tells it now.
        spread: an editor agreed that a small quota spreads it over days.
        attended: an editor started or resumed it, and so knows whom a sandbox's mails reach.
        promised: mails that other running editions still need.
    """
    if account.enforcement == "SHUTDOWN":
        return (
            "AWS has shut down this account's sending because of bounces, complaints or content."
            " Answer its case (SES console, Reputation metrics), and resume when the account is"
            " healthy again."
        )
    if not account.sending:
        return (
            "Sending is switched off for this AWS account. Switch it on"
            " (`aws sesv2 put-account-sending-attributes --sending-enabled`), then resume."
        )
    if not account.production and not attended:
        return (
            "The SES account is in the sandbox, where mail reaches verified addresses only,"
            f" {_many(account.daily_quota)} a day. Request production access in the SES console;"
            f" or, if {_readers(members)} verified, resume."
        )
    room = account.room
    if room is None or members + promised <= room:
        return None
    if spread and _days(members, promised, account) <= LONGEST.days:
        return None
    return _too_many(members, promised, room, account)


def warning(account: Account) -> str | None:
    """What an editor should know of an account that may send; None if there is nothing."""
    if account.enforcement != "HEALTHY":
        return (
            f"SES says this account's standing is {account.enforcement}: too many bounces or"
            " complaints, and AWS may stop it. See Reputation metrics in the SES console."
        )
    if not account.production:
        return "The SES account is in the sandbox: mail reaches verified addresses only."
    return None


def _too_many(members: int, promised: int, room: int, account: Account) -> str:
    quota, left = account.daily_quota or 0, account.left or 0
    said = (
        f"It needs {_many(members)} mails; today's quota leaves {_many(left)} of {_many(quota)},"
        f" of which {_many(left - room)} are kept for letters"
    )
    if promised:
        said += f" and {_many(promised)} belong to editions that are running"
    raise_it = "ask AWS for a higher quota (Service Quotas, Amazon SES)"
    days = _days(members, promised, account)
    if days == math.inf:
        return f"{said}. Resume when it is higher: {raise_it}."
    if days > LONGEST.days:
        return (
            f"{said}. Spread over days it would take {days:,}, and {LONGEST.days} are the most;"
            f" {raise_it}, and resume when you have it."
        )
    tomorrow = " or resume tomorrow," if members <= _a_day(account) else ""
    return (
        f"{said}. Resume with --spread to send it over {days} days, as the quota comes free,"
        f"{tomorrow} or {raise_it}."
    )


def _a_day(account: Account) -> int:
    return math.floor((account.daily_quota or 0) * (1 - KEPT_BACK))


def _days(members: int, promised: int, account: Account) -> float:
    """How many days it takes: what there is room for goes out now, a day's worth every day then."""
    now = max((account.room or 0) - promised, 0)
    a_day = _a_day(account)
    return 1 + math.ceil((members - now) / a_day) if a_day > 0 else math.inf


def _readers(members: int) -> str:
    return "its one reader is" if members == 1 else f"all of its {_many(members)} readers are"


def _many(mails: int | None) -> str:
    return "any number" if mails is None else f"{mails:,}"
