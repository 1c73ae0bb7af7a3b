"""Which IAM actions a call needs, and whether a function's role in the template grants them.

No IAM simulator: it knows the calls handlers make, and an operation it does not know is reported
as denied, so it can't pass unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from desk.stack.template import ACCOUNT, REGION, Json

# DynamoDB authorises a transaction as the writes inside it.
_INSIDE_TRANSACTION = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_S3_ACTIONS = {
    "DeleteObject": "DeleteObject",
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "PutObject": "PutObject",
}


# Pages for everybody. Who reads them takes "denied" for missing, so as not to list the bucket.
_PUBLIC = "web/"


@dataclass(frozen=True, slots=True, order=True)
class Access:
    """One action on one resource; ``context`` holds the condition keys known of the call."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


def accesses(service: str, operation: str, params: Mapping[str, Any]) -> tuple[Access, ...]:
    """What a boto3 call must be allowed to do."""
    match service:
        case "dynamodb":
            return tuple(_dynamodb(operation, params))
        case "sqs" if operation in {"SendMessage", "SendMessageBatch"}:
            queue = str(params["QueueUrl"]).rpartition("/")[2]
            return (Access("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"),)
        case "s3" if operation in _S3_ACTIONS:
            return tuple(_object(operation, params))
        case "s3" if operation in {"ListObjects", "ListObjectsV2"}:
            return (Access("s3:ListBucket", f"arn:aws:s3:::{params['Bucket']}"),)
        case "secretsmanager":
            return (Access(f"secretsmanager:{operation}", params["SecretId"]),)
        case "sesv2" if operation == "SendEmail":
            return tuple(_send_email(params))
        case "sesv2":
            return (Access(f"ses:{operation}", "*"),)
        case _:
            return (Access(f"{service}:{operation}", "*"),)


def _dynamodb(operation: str, params: Mapping[str, Any]) -> Iterator[Access]:
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        for item in params["TransactItems"]:
            [(kind, body)] = item.items()
            yield Access(f"dynamodb:{_INSIDE_TRANSACTION[kind]}", _table(body["TableName"]))
    elif operation in {"BatchGetItem", "BatchWriteItem"}:
        for name in params["RequestItems"]:
            yield Access(f"dynamodb:{operation}", _table(name))
    else:
        resource = _table(params["TableName"])
        if index := params.get("IndexName"):
            resource += f"/index/{index}"
        yield Access(f"dynamodb:{operation}", resource)


def _table(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def _object(operation: str, params: Mapping[str, Any]) -> Iterator[Access]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    yield Access(f"s3:{_S3_ACTIONS[operation]}", f"{bucket}/{params['Key']}")
    if operation in {"GetObject", "HeadObject"} and not params["Key"].startswith(_PUBLIC):
        # Who may not list is told "denied" of an object that is missing.
        yield Access("s3:ListBucket", bucket)


def _send_email(params: Mapping[str, Any]) -> Iterator[Access]:
    sender = parseaddr(params.get("FromEmailAddress", ""))[1]
    domain = sender.rpartition("@")[2].lower()
    prefix = f"arn:aws:ses:{REGION}:{ACCOUNT}:"
    resources = [f"{prefix}identity/{domain}"]
    if name := params.get("ConfigurationSetName"):
        resources.append(f"{prefix}configuration-set/{name}")
    actions = ["ses:SendEmail"]
    if "Raw" in params.get("Content", {}):
        actions.append("ses:SendRawEmail")
    for action in actions:
        for resource in resources:
            yield Access(action, resource, (("ses:FromAddress", sender),))


def allowed(statements: Iterable[Json], access: Access) -> bool:
    """Whether a role with these (resolved) statements may. Denials are for what AWS does itself."""
    return any(
        statement["Effect"] == "Allow"
        and any(_matches(action, access.action) for action in as_list(statement["Action"]))
        and any(_matches(resource, access.resource) for resource in as_list(statement["Resource"]))
        and _conditions_hold(statement.get("Condition", {}), dict(access.context))
        for statement in statements
    )


def unused(statements: Iterable[Json], used: Iterable[Access]) -> tuple[tuple[str, str], ...]:
    """Granted (action, resource) pairs that none of ``used`` needed."""
    used = tuple(used)
    return tuple(
        (action, resource)
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if not any(
            _matches(action, access.action) and _matches(resource, access.resource)
            for access in used
        )
    )


def as_list(value: Any) -> list[Any]:
    """IAM lets a list of one be written without the list."""
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), text) is not None


def _conditions_hold(condition: Mapping[str, Mapping[str, Any]], context: dict[str, str]) -> bool:
    for operator, tests in condition.items():
        for key, wanted in tests.items():
            patterns = as_list(wanted)
            match operator:
                case "StringLike":
                    held = any(_matches(pattern, context.get(key, "")) for pattern in patterns)
                case "StringEquals":
                    held = context.get(key) in patterns
                case _:
                    raise NotImplementedError(f"condition operator {operator} in template.yaml")
            if not held:
                return False
    return True
