"""A forecast in words: lengths of time, sums of money, and what an editor is told. Pure."""

from __future__ import annotations

from datetime import timedelta

from courant.editions.model import LONGEST
from desk.forecast import Forecast


def describe(expected: Forecast) -> tuple[str, ...]:
    """A forecast in a few sentences: how long, the quota if it matters, and the cost."""
    if not expected.members:
        return ("Nobody is to be mailed.",)
    said = [f"It takes {length(expected.duration)}, at {number(expected.pace)} mails a second."]
    if not expected.fits_today:
        said.append(
            f"Of today's quota {expected.quota_left:,} mails are left, so it is spread over "
            f"{expected.days} days."
        )
    elif expected.quota_left is not None:
        after = expected.quota_left - expected.members
        said.append(f"Of today's quota {max(after, 0):,} mails are left after it.")
    said += too_long(expected)
    said.append(
        f"SES asks {money(expected.cost.ses)} ({money(expected.cost.ses_essentials)} on its "
        f"Essentials plan), everything else {money(expected.cost.beside)}."
    )
    return tuple(said)


def too_long(expected: Forecast) -> tuple[str, ...]:
    """That an edition can't take as long as this, where it would."""
    if expected.duration <= LONGEST and expected.days <= LONGEST.days:
        return ()
    lacks = "the daily quota" if expected.days > LONGEST.days else "the rate"
    most = f"That is too long: an edition may take {LONGEST.days} days, then it pauses for good."
    return (f"{most} Raise {lacks} first.",)


def length(span: timedelta) -> str:
    """A length of time in its two largest units: ``1 h 43 min``, ``2 days 3 h``."""
    seconds = span.total_seconds()
    if seconds < 60:
        return "under a minute"
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if minutes >= 24 * 60:
        days, rest = divmod(hours, 24)
        return f"{days} day{'' if days == 1 else 's'}" + (f" {rest} h" if rest else "")
    if minutes >= 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h" + (f" {rest} min" if rest else "")
    return f"{minutes} min"


def money(dollars: float) -> str:
    """A sum: cents where they matter, ``under $0.01`` for less than one."""
    if 0 < dollars < 0.01:
        return "under $0.01"
    return f"${dollars:,.2f}" if dollars < 100 else f"${dollars:,.0f}"


def number(value: float) -> str:
    """A count or a rate, with a digit behind the point only where it says something."""
    if 0 < value < 0.05:
        return "under 0.1"
    if value < 10 and round(value, 1) != round(value):
        return f"{value:.1f}"
    return f"{value:,.0f}"
