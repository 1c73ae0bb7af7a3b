"""What sending an edition would do: to whom, how long, within which quota, at what cost. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from courant.delivery import allowance
from courant.delivery.allowance import Account
from courant.schedule import EditionId
from desk.census import Census
from desk.cost import UNITS, Units
from desk.forecast import Forecast, forecast
from desk.forecast_words import describe

# Readers' own zones and hours make hundreds of slots; the largest of them tell enough.
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known before an edition is sent.

    ``account`` and ``expected`` are None where AWS does not tell about the account, for ``unknown``
    reasons. ``promised``: mails that other running editions still need.
    """

    edition: EditionId
    census: Census
    account: Account | None
    expected: Forecast | None
    promised: int
    spread: bool
    unknown: str | None = None

    @property
    def refusal(self) -> str | None:
        """Why it must not be sent like this, and what to do; None if it may."""
        if self.account is None:
            return None
        members = self.census.members
        allowed = allowance.refusal(
            members, self.account, attended=True, spread=self.spread, promised=self.promised
        )
        if allowed is None:
            return None
        over_days = allowance.refusal(
            members, self.account, attended=True, spread=True, promised=self.promised
        )
        return over_days or self._too_small(self.account)

    @property
    def warning(self) -> str | None:
        """What to know of the account, though it may send."""
        if self.account is None:
            return self.unknown
        # A sandbox, until an editor says that these readers' addresses are verified.
        pauses = allowance.refusal(self.census.members, self.account, spread=True)
        if pauses and not self.refusal:
            return f"It will pause before its first mail. {pauses}"
        return allowance.warning(self.account)

    def _too_small(self, account: Account) -> str:
        left, room = account.left or 0, account.room or 0
        said = (
            f"The daily quota is too small: {self.census.members:,} mails are needed, and of "
            f"{account.daily_quota:,} a day {left:,} are left, {left - room:,} of which are kept "
            "for letters"
        )
        if self.promised:
            said += f" and {self.promised:,} belong to editions that are running"
        days = f" over {self.expected.days} days" if self.expected else ""
        return (
            f"{said}. Send it{days} with --spread, or ask AWS for a higher quota (Service Quotas, "
            "Amazon SES)."
        )


def outlook(
    edition: EditionId,
    census: Census,
    account: Account | None,
    *,
    concurrency: int,
    promised: int,
    spread: bool,
    units: Units = UNITS,
    unknown: str | None = None,
) -> Outlook:
    """What sending to these readers on this account would do."""
    expected = None
    if account is not None:
        expected = forecast(
            census.members,
            account.max_rate,
            daily_quota=account.daily_quota,
            # What others are promised is as good as sent.
            sent_24h=account.sent_24h + promised,
            concurrency=concurrency,
            slots=max(len(census.slots), 1),
            units=units,
        )
    return Outlook(
        edition=edition,
        census=census,
        account=account,
        expected=expected,
        promised=promised,
        spread=spread,
        unknown=unknown,
    )


def audience(census: Census) -> Iterable[tuple[str, str, str]]:
    """Rows for people: what (``slot`` or ``locale``), which, how many; the largest ones."""
    named = {str(slot): count for slot, count in census.slots.items()}
    for kind, counts in (("slot", named), ("locale", census.locales)):
        yield from ((kind, name, f"{count:,}") for name, count in _largest(kind, counts))


def sentences(seen: Outlook) -> tuple[str, ...]:
    """What is to be expected, in sentences."""
    said = describe(seen.expected) if seen.expected else ()
    return (*said, *filter(None, [seen.warning]))


def as_json(seen: Outlook) -> dict[str, Any]:
    """The same for programs."""
    shown: dict[str, Any] = {
        "readers": seen.census.members,
        "slots": {str(slot): count for slot, count in seen.census.slots.items()},
        "locales": dict(seen.census.locales),
        "refusal": seen.refusal,
        "warning": seen.warning,
    }
    if (account := seen.account) is not None:
        shown["account"] = {
            "rate": account.max_rate,
            "daily_quota": account.daily_quota,
            "sent_24h": account.sent_24h,
            "left": account.left,
            "promised": seen.promised,
        }
    if (expected := seen.expected) is not None:
        shown["expected"] = {
            "seconds": expected.duration.total_seconds(),
            "pace": expected.pace,
            "days": expected.days,
            "cost": {"ses": expected.cost.ses, "beside": expected.cost.beside},
        }
    return shown


def _largest(kind: str, counts: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    shown = list(counts.items())[:_SHOWN]
    yield from shown
    if more := len(counts) - len(shown):
        yield f"{more} more {kind}s", sum(counts.values()) - sum(count for _, count in shown)
