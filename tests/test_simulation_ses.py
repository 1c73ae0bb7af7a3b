"""What the simulator's SES answers is what the real Mailer makes of SES's own answers."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
    SSLError,
)

from courant.delivery.mailer import Accepted, Mailer, NotSent, Outcome, Refused, Unknown
from desk.stack import Call, Stack
from tests.simulation.seams import HALTS

URL = "https://email.eu-west-1.amazonaws.com"


def refusal(code: str, status: int, message: str = "") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]  # as much of it as is read
        },
        "SendEmail",
    )


def sent(stack: Stack, error: Exception | None) -> Outcome:
    """The Mailer's word of one mail, to which SES answers with an error or takes it."""

    def say(call: Call) -> None:
        if error is not None and call.operation == "SendEmail":
            raise error

    stack.calls.before = say
    with stack.calls.of("deliver"):
        raw = b"From: a@news.example.org\r\nTo: b@example.com\r\n\r\nnews"
        return Mailer("digests").send(raw, "b@example.com", "a@news.example.org", {"att": "1"})


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ReadTimeoutError(endpoint_url=URL), Unknown("ReadTimeoutError")),
        (SSLError(endpoint_url=URL, error=OSError("broken off")), Unknown("SSLError")),
        (ConnectionClosedError(endpoint_url=URL), Unknown("ConnectionClosedError")),
        (refusal("InternalServiceErrorException", 500), Unknown("InternalServiceErrorException")),
        (refusal("TooManyRequestsException", 429), NotSent("TooManyRequestsException")),
        (
            refusal("LimitExceededException", 400, "Daily message quota exceeded."),
            NotSent("quota", halted=True),
        ),
        (ConnectTimeoutError(endpoint_url=URL), NotSent("ConnectTimeoutError")),
        (refusal("MessageRejected", 400, "Address is on a list"), Refused("MessageRejected")),
        *((refusal(code, 400), NotSent(code, halted=True)) for code in HALTS),
    ],
    ids=lambda value: getattr(value, "reason", ""),
)
def test_each_answer_that_the_simulator_gives_is_what_the_mailer_says(
    stack: Stack, error: Exception, outcome: Outcome
) -> None:
    assert sent(stack, error) == outcome


def test_a_mail_that_ses_takes_is_accepted_with_its_id(stack: Stack) -> None:
    outcome = sent(stack, None)

    assert isinstance(outcome, Accepted)
    assert outcome.message_id == stack.mails()[0].message_id
