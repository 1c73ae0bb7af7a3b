"""Which rights a call needs, and whether statements give them."""

import pytest

from desk.stack.permissions import Access, accesses, allowed, unused

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
FROM = (("ses:FromAddress", "morning@news.example.org"),)


def statement(
    action: str | list[str], resource: str | list[str], **more: object
) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("dynamodb", "Query", {"TableName": "ledger"}, [("dynamodb:Query", TABLE)]),
        (
            "dynamodb",
            "Query",
            {"TableName": "ledger", "IndexName": "due"},
            [("dynamodb:Query", f"{TABLE}/index/due")],
        ),
        (
            "dynamodb",
            "BatchWriteItem",
            {"RequestItems": {"ledger": []}},
            [("dynamodb:BatchWriteItem", TABLE)],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "ledger"}},
                    {"ConditionCheck": {"TableName": "ledger"}},
                ]
            },
            [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)],
        ),
        (
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/chunks"},
            [("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:chunks")],
        ),
        (
            "s3",
            "HeadObject",
            {"Bucket": "news", "Key": "editions/a"},
            [
                ("s3:GetObject", "arn:aws:s3:::news/editions/a"),
                ("s3:ListBucket", "arn:aws:s3:::news"),
            ],
        ),
        # Whoever shows pages takes "denied" for missing.
        (
            "s3",
            "GetObject",
            {"Bucket": "news", "Key": "web/a"},
            [("s3:GetObject", "arn:aws:s3:::news/web/a")],
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            {"SecretId": "arn:x"},
            [("secretsmanager:GetSecretValue", "arn:x")],
        ),
        ("kms", "Decrypt", {}, [("kms:Decrypt", "*")]),
    ],
)
def test_a_call_needs_these_rights(
    service: str, operation: str, params: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    found = accesses(service, operation, params)

    assert [(access.action, access.resource) for access in found] == expected


def test_a_raw_mail_needs_both_actions_on_identity_and_configuration_set() -> None:
    params = {
        "FromEmailAddress": "Morning <morning@news.example.org>",
        "ConfigurationSetName": "digests",
        "Content": {"Raw": {"Data": b""}},
    }

    found = accesses("sesv2", "SendEmail", params)

    ses = "arn:aws:ses:eu-west-1:123456789012:"
    assert set(found) == {
        Access(action, f"{ses}{resource}", FROM)
        for action in ("ses:SendEmail", "ses:SendRawEmail")
        for resource in ("identity/news.example.org", "configuration-set/digests")
    }


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (Access("dynamodb:GetItem", TABLE), True),
        (Access("dynamodb:PutItem", TABLE), False),
        (Access("dynamodb:GetItem", f"{TABLE}/index/due"), False),
        (Access("s3:GetObject", "arn:aws:s3:::news/editions/a/b"), True),
        (Access("s3:GetObject", "arn:aws:s3:::news/requests/a"), False),
        (Access("ses:SendEmail", "identity", FROM), True),
        (Access("ses:SendEmail", "identity", (("ses:FromAddress", "a@example.com"),)), False),
        (Access("ses:SendEmail", "identity"), False),
    ],
)
def test_a_role_may_what_its_statements_say(access: Access, expected: bool) -> None:
    statements = [
        statement("dynamodb:GetItem", TABLE),
        statement("s3:GetObject", "arn:aws:s3:::news/editions/*"),
        statement(
            ["ses:SendEmail"],
            ["identity"],
            Condition={"StringLike": {"ses:FromAddress": "*@news.example.org"}},
        ),
    ]

    assert allowed(statements, access) is expected


def test_a_right_nobody_used_is_named() -> None:
    statements = [statement(["dynamodb:GetItem", "dynamodb:PutItem"], [TABLE, "other"])]

    left = unused(statements, [Access("dynamodb:GetItem", TABLE)])

    assert left == (
        ("dynamodb:GetItem", "other"),
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:PutItem", "other"),
    )
