"""What SES says of the account."""

from typing import Any

import boto3
import pytest

from courant.delivery.account import AccountReader
from courant.delivery.allowance import Account
from desk.stack import Stack
from desk.stack.calls import Calls
from tests.conftest import HandClock


class Answers:
    """A sesv2 client that says only this."""

    def __init__(self, **answer: Any) -> None:
        self._answer = answer

    def get_account(self) -> dict[str, Any]:
        return self._answer


def test_an_account_in_production(stack: Stack) -> None:
    stack.calls.account["SendQuota"] |= {"SentLast24Hours": 8_699.5, "MaxSendRate": 14.0}

    assert AccountReader().read() == Account(
        max_rate=14.0,
        daily_quota=50_000,
        sent_24h=8_700,
        sending=True,
        production=True,
        enforcement="HEALTHY",
    )


def test_every_stack_has_an_account_of_its_own() -> None:
    Calls().account["SendQuota"]["MaxSendRate"] = 1.0

    assert Calls().account["SendQuota"]["MaxSendRate"] == 14.0


def test_an_account_without_a_quota() -> None:
    ses = Answers(SendQuota={"Max24HourSend": -1.0, "MaxSendRate": 500.0, "SentLast24Hours": 12.0})

    account = AccountReader(ses).read()

    assert (account.daily_quota, account.left, account.max_rate) == (None, None, 500.0)


@pytest.mark.parametrize("field", ["SendingEnabled", "ProductionAccessEnabled"])
def test_what_ses_denies_is_denied(field: str) -> None:
    account = AccountReader(Answers(**{field: False})).read()

    assert (account.sending, account.production) == (
        field != "SendingEnabled",
        field != "ProductionAccessEnabled",
    )


def test_an_answer_with_nothing_in_it_is_the_slowest_account() -> None:
    account = AccountReader(Answers()).read()

    assert (account.max_rate, account.daily_quota, account.sent_24h) == (1.0, None, 0)
    assert (account.sending, account.production, account.enforcement) == (True, True, "HEALTHY")


def test_the_client_is_made_when_it_is_used_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make(service: str, **_: Any) -> Answers:
        made.append(service)
        return Answers(EnforcementStatus="PROBATION")

    monkeypatch.setattr(boto3, "client", make)
    reader = AccountReader()
    assert made == []

    assert reader.read().enforcement == reader.read().enforcement == "PROBATION"
    assert made == ["sesv2"]


def test_the_local_account_counts_its_mails_for_a_day(stack: Stack, clock: HandClock) -> None:
    ses = boto3.client("sesv2")
    ses.create_email_identity(EmailIdentity="news.example.org")
    with stack.calls.of("deliver"):
        ses.send_email(
            FromEmailAddress="morning@news.example.org",
            Destination={"ToAddresses": ["ann@example.org"]},
            Content={"Raw": {"Data": b"Subject: hello\r\n\r\nhello"}},
        )
    assert AccountReader().read().sent_24h == 1

    clock.advance(hours=24, seconds=1)

    assert AccountReader().read().sent_24h == 0
