"""A deployed stack, found by its CloudFormation outputs: tables, secrets, the publish function.

In AWS, or wherever ``AWS_ENDPOINT_URL`` points (``courant local``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from courant import aws
from courant.errors import ConfigurationError, CourantError, NotFound
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.subscribers.address import AddressKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_OUTPUTS = (
    "ContentTable",
    "SubscribersTable",
    "LedgerTable",
    "PublishFunction",
    "AddressSecret",
    "SenderDomain",
    "SiteUrl",
)
# The template's own default.
_CONCURRENCY = 10
_WHO_ARE_YOU = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class InvocationFailed(CourantError):
    """The publish function broke; whether it did its work is not known."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One stack's outputs and parameters, by name."""

    stack: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def concurrency(self) -> int:
        """How many invocations of deliver may run at once."""
        return int(self.parameters.get("DeliverConcurrency", _CONCURRENCY))

    @property
    def deliveries_told(self) -> bool:
        """Whether SES reports every delivery to this stack."""
        return self.parameters.get("DeliveryEvents", "yes") == "yes"

    @property
    def sender_domain(self) -> str:
        """The domain that every newsletter of this stack is sent from."""
        return self.outputs["SenderDomain"].lower()

    @property
    def content(self) -> Table:
        """Newsletters, feeds, articles, editions."""
        return aws.table(self.outputs["ContentTable"])

    @property
    def subscribers(self) -> Table:
        """Who reads."""
        return aws.table(self.outputs["SubscribersTable"])

    @property
    def ledger(self) -> Table:
        """Deliveries and chunks."""
        return aws.table(self.outputs["LedgerTable"])

    def newsletter(self, newsletter_id: str) -> Newsletter:
        """A newsletter of the stack, as it was last applied; its only one, where no id is given.

        Raises:
            ConfigurationError: no id is given, and it has more than one.
            NotFound: it has none of this id; names those it has.
        """
        store = NewsletterStore(self.content)
        if newsletter_id and (found := store.get(newsletter_id)):
            return found
        applied = store.all()
        if not newsletter_id and len(applied) == 1:
            return applied[0]
        known = ", ".join(one.id for one in applied)
        if not newsletter_id and applied:
            raise ConfigurationError(f"--newsletter: say which; there are {known}")
        raise NotFound(
            f"stack {self.stack!r} has no newsletter {newsletter_id!r}; there are: "
            + (known or "none yet; 'courant apply' puts them there")
        )

    def address_key(self) -> AddressKey:
        """The key under which the subscribers table knows addresses."""
        return AddressKey(aws.secret(self.outputs["AddressSecret"])[0])

    def invoke_publish(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What the publish function answers to an event.

        boto3 may ask more than once; the function does the same request id once.

        Raises:
            InvocationFailed: the function raised or ran out of time.
        """
        reply = aws.client("lambda").invoke(
            FunctionName=self.outputs["PublishFunction"], Payload=json.dumps(event).encode()
        )
        answer: dict[str, Any] = json.loads(reply["Payload"].read())
        if "FunctionError" in reply:
            raise InvocationFailed(
                f"the publish function broke ({answer.get('errorType', 'error')}: "
                f"{answer.get('errorMessage', 'no message')}); its log says more. "
                "Asking again with the same --request-id does nothing twice"
            )
        return answer


def find(stack: str) -> Deployment:
    """The stack of this name.

    Raises:
        ConfigurationError: there is none, or AWS can't be asked; says what to set.
    """
    try:
        answer = aws.client("cloudformation").describe_stacks(StackName=stack)
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise ConfigurationError(
            "no AWS credentials: run 'aws configure' (or 'aws sso login'), set AWS_PROFILE, "
            "or try it all on your own machine with 'courant local'"
        ) from error
    except (NoRegionError, InvalidRegionError) as error:
        raise ConfigurationError(
            f"no usable AWS region ({error}): set AWS_DEFAULT_REGION to the one you "
            "deployed to, such as eu-west-1"
        ) from error
    except ProfileNotFound as error:
        raise ConfigurationError(f"{error}; set AWS_PROFILE to one that exists") from error
    except EndpointConnectionError as error:
        raise ConfigurationError(
            f"nobody answers at {_where()}"
            + ("; is 'courant local' running?" if "AWS_ENDPOINT_URL" in os.environ else "")
        ) from error
    except ClientError as error:
        raise _cannot_describe(stack, error) from error
    [found] = answer["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
    if missing := [name for name in _OUTPUTS if name not in outputs]:
        raise ConfigurationError(
            f"stack {stack!r} at {_where()} is not a finished Courant stack: it has no output "
            f"{', '.join(missing)}. Deploy it again, or name yours with --stack"
        )
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())}
    return Deployment(stack, outputs, parameters)


def _cannot_describe(stack: str, error: ClientError) -> ConfigurationError:
    code = aws.code(error)
    if code == "ValidationError":
        return ConfigurationError(
            f"no stack called {stack!r} at {_where()}: name yours with --stack or COURANT_STACK, "
            "set AWS_DEFAULT_REGION to its region, or deploy one: "
            "'sam build && sam deploy --guided'"
        )
    if code in _WHO_ARE_YOU:
        return ConfigurationError(
            f"AWS does not accept your credentials ({code}): sign in again, "
            "or set AWS_PROFILE to another profile"
        )
    return ConfigurationError(
        f"AWS does not let you look at stack {stack!r} ({code}): "
        f"{error.response.get('Error', {}).get('Message', '')}"
    )


def _where() -> str:
    region = boto3.session.Session().region_name
    return os.environ.get("AWS_ENDPOINT_URL") or f"AWS in {region}"
