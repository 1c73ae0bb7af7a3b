"""``courant plan``: how long an edition of some size takes, what it costs, what to raise first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from desk.commands import terminal
from desk.commands.terminal import AsJson
from desk.cost import UNITS
from desk.forecast import Forecast, forecast
from desk.forecast_words import length, money, number, too_long

EXAMPLES = terminal.epilog(
    "courant plan --subscribers 1000000 --rate 200",
    "courant plan --subscribers 100000 --rate 14 --daily-quota 50000",
    "courant plan --subscribers 5000000 --rate 1000 --concurrency 20",
    more="Arithmetic alone: nothing is asked of AWS. The rate (mails a second) and the quota "
    "(mails a day) are what AWS lets your account send: see Amazon SES, Account dashboard, or "
    "type: aws sesv2 get-account. Prices are AWS's list prices in us-east-1. docs/scale.md says "
    "how the numbers come about.",
)


def plan(
    *,
    subscribers: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=10**9, help="How many readers the edition goes to."),
    ],
    rate: Annotated[
        float,
        typer.Option(
            metavar="N", min=0.1, max=10**6, help="Mails a second that AWS lets you send."
        ),
    ],
    daily_quota: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Mails a day that AWS lets you send. Default: no end."
        ),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=2,
            max=1000,
            help="How many send side by side at most: the stack's DeliverConcurrency.",
        ),
    ] = 10,
    no_delivery_events: Annotated[
        bool,
        typer.Option(
            "--no-delivery-events",
            help="The bill of a stack that does not ask SES which mails were delivered.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """How long an edition takes, what it costs, and what to raise first."""
    units = UNITS.without_delivery_events() if no_delivery_events else UNITS
    expected = forecast(
        subscribers, rate, daily_quota=daily_quota, concurrency=concurrency, units=units
    )
    if as_json:
        terminal.show(_as_json(expected))
        return
    if not expected.members:
        terminal.say("Nobody is to be mailed.")
        return
    terminal.table(("", ""), _facts(expected))
    terminal.say()
    terminal.table(("bill", "quantity", "unit", "$"), _bill(expected), numbers=1)
    terminal.say()
    columns = ("what can run out", "used", "of", "unit", "enough for mails/s")
    terminal.table(columns, _ends(expected))
    terminal.say()
    for sentence in _advice(expected):
        terminal.say(sentence)


def _facts(expected: Forecast) -> list[tuple[str, str]]:
    days = f", for it takes the quota of {expected.days} days" if not expected.fits_today else ""
    writes, reads = number(expected.write_units), number(expected.read_units)
    pace, rate, bill = number(expected.pace), number(expected.rate), expected.cost
    ses = f"{money(bill.ses)} for SES ({money(bill.ses_essentials)} on its Essentials plan)"
    return [
        ("subscribers", f"{expected.members:,}"),
        ("duration", f"{length(expected.duration)}{days}"),
        ("pace", f"{pace} mails/s; of the {rate} that AWS allows a fifth is left free"),
        ("side by side", f"{expected.workers} Lambda invocations; {expected.chunks} chunks"),
        ("database", f"{writes} units written and {reads} read a second (DynamoDB)"),
        ("cost", f"{ses}, {money(bill.beside)} for everything else"),
    ]


def _bill(expected: Forecast) -> list[tuple[str, str, str, str]]:
    bill = expected.cost
    mails = f"{expected.members:,}"
    rows = [
        ("SES, by the mail", mails, "mails", money(bill.ses)),
        ("SES, Essentials plan instead", mails, "mails", money(bill.ses_essentials)),
    ]
    rows += [
        (line.name, number(line.quantity), line.unit, money(line.dollars)) for line in bill.lines
    ]
    share = f"{bill.share:.1%} of SES by the mail"
    return [*rows, ("everything but SES", share, "", money(bill.beside))]


def _ends(expected: Forecast) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            limit.name,
            number(limit.used),
            number(limit.limit),
            limit.unit,
            "" if limit.ceiling is None else number(limit.ceiling),
        )
        for limit in expected.limits
    ]


def _advice(expected: Forecast) -> list[str]:
    first, *others = expected.limits
    ends = [one for one in others if one.ceiling and not one.waits]
    then = min(ends, key=lambda one: one.ceiling or 0)
    return [
        *too_long(expected),
        f"Raise first: {first.name}. {first.mend[0].upper()}{first.mend[1:]}.",
        f"Next is {then.name}, enough for {number(then.ceiling or 0)} mails a second.",
    ]


def _as_json(expected: Forecast) -> dict[str, Any]:
    bill = expected.cost
    return {
        "subscribers": expected.members,
        "rate": expected.rate,
        "pace": expected.pace,
        "seconds": expected.duration.total_seconds(),
        "sending_seconds": expected.sending.total_seconds(),
        "days": expected.days,
        "too_long": bool(too_long(expected)),
        "quota_left": expected.quota_left,
        "invocations": expected.workers,
        "chunks": expected.chunks,
        "write_units_per_second": expected.write_units,
        "read_units_per_second": expected.read_units,
        "cost": {
            "ses": bill.ses,
            "ses_essentials": bill.ses_essentials,
            "beside": bill.beside,
            "share": bill.share,
            "lines": [asdict(line) for line in bill.lines],
        },
        "limits": [
            {**asdict(limit), "use": limit.use, "binds": limit.binds} for limit in expected.limits
        ],
        "raise_first": expected.first.name,
    }
