"""One SESv2 SendEmail, one attempt, and what its answer means.

boto3's default client sends a mail up to three times when an answer is late; this one never does.
Make a fresh Mailer an invocation: pooled connections die in a frozen sandbox, and a reset on one of
them looks like a mail whose fate is unknown.

Which errors say "surely not sent" follows the table in docs/delivery.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    ProxyConnectionError,
    SSLError,
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """SES has it."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """SES will not take this mail for this address; trying again changes nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not sent. ``halted``: nor will any other mail be, until someone mends something."""

    reason: str
    halted: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been sent: a late or lost answer, or a server error."""

    reason: str


Outcome = Accepted | Refused | NotSent | Unknown

_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})
_HALTED = frozenset(
    {
        "AccessDeniedException",
        "AccountSuspendedException",
        "ConfigurationSetDoesNotExistException",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "LimitExceededException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "SendingPausedException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_REFUSED = frozenset({"MessageRejected", "BadRequestException", "ValidationException"})
# MessageRejected also says this; then it is the sender that is wrong, not the reader.
_UNVERIFIED = "not verified"
# A used-up day comes under the codes of being too fast; only the text tells them apart.
# Source: SES Developer Guide, "Errors related to sending quotas".
_QUOTA = "daily message quota exceeded"


class Mailer:
    """Sends raw messages through one configuration set."""

    def __init__(self, configuration_set: str, connections: int = 10) -> None:
        self._configuration_set = configuration_set
        self._ses: Any = boto3.client(
            "sesv2",
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=3,
                read_timeout=10,
                max_pool_connections=connections,
            ),
        )

    def send(self, raw: bytes, to: str, sender: str, tags: Mapping[str, str]) -> Outcome:
        """Hand one message to SES.

        Args:
            raw: the whole MIME message.
            to: the one envelope recipient.
            sender: the From address (the identity that the role may use).
            tags: SES message tags; names and values of ``[A-Za-z0-9_-]``, 256 at most.
        """
        try:
            answer = self._ses.send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": [to]},
                Content={"Raw": {"Data": raw}},
                ConfigurationSetName=self._configuration_set,
                EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
            )
        except ClientError as error:
            return judge(error, to)
        except (
            ConnectTimeoutError,
            EndpointConnectionError,
            NoCredentialsError,
            ProxyConnectionError,
        ) as error:
            return NotSent(type(error).__name__)
        except ParamValidationError as error:
            return Refused(type(error).__name__)
        except (HTTPClientError, SSLError) as error:
            # Read timeouts, resets, TLS that broke off, answers cut short: the request may have
            # arrived whole.
            return Unknown(type(error).__name__)
        return Accepted(str(answer["MessageId"]))


def judge(error: ClientError, to: str = "") -> Outcome:
    """What an error answer of SES says about the mail to ``to``."""
    code = str(error.response["Error"].get("Code", ""))
    message = str(error.response["Error"].get("Message", ""))
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if _QUOTA in message.lower():
        return NotSent("quota", halted=True)
    if code in _THROTTLED or status == 429:
        return NotSent(code)
    if status >= 500:
        return Unknown(code)
    if code in _HALTED or status in {401, 403}:
        return NotSent(code, halted=True)
    if code in _REFUSED:
        # In the sandbox a reader may be the one who is not verified; SES lists who is meant.
        if _UNVERIFIED in message and not (to and to in message):
            return NotSent(code, halted=True)
        return Refused(code)
    return Unknown(code)
