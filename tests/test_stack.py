"""The local stack itself, with handlers of the test's own in place of the real ones."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from courant import clock as courant_clock
from courant import settings
from desk.stack import Call, Killed, NotQuietError, Stack
from tests.conftest import HandClock

Handler = Callable[[dict[str, Any], Any], Any]
Install = Callable[[str, Handler], ModuleType]

RAW = (
    b"From: morning@news.example.org\r\nTo: ann@example.org\r\n"
    b"Subject: =?utf-8?q?=E2=82=AC?=\r\n\r\nx\r\n"
)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install("gather", handler)``: that function now runs this handler."""

    def put(name: str, handler: Handler) -> ModuleType:
        module = ModuleType(f"{name}.handler")
        module.handler = handler  # type: ignore[attr-defined]  # a module made by hand
        module.wire = cache(lambda: object())  # type: ignore[attr-defined]  # as above
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setitem(sys.modules, f"{name}.handler", module)
        return module

    return put


def bodies(event: dict[str, Any]) -> list[str]:
    return [record["body"] for record in event["Records"]]


def handed_back(*records: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records]}


def send_mail(**more: Any) -> Any:
    return boto3.client("sesv2").send_email(
        FromEmailAddress="Morning <morning@news.example.org>",
        Destination={"ToAddresses": ["ann@example.org"]},
        Content={"Raw": {"Data": RAW}},
        **more,
    )


# ── resources ─────────────────────────────────────────────────────────────────────────────────


def test_tables_are_the_templates(stack: Stack) -> None:
    content = stack.table("content")

    assert [key["AttributeName"] for key in content.key_schema] == ["PK", "SK"]
    assert [index["IndexName"] for index in content.global_secondary_indexes] == ["due"]
    assert {stack.table(name).name for name in ("subscribers", "ledger")} == {
        stack.outputs()["SubscribersTable"],
        stack.outputs()["LedgerTable"],
    }


def test_secrets_are_generated_as_the_template_asks(stack: Stack) -> None:
    secrets = boto3.client("secretsmanager")

    values = [
        secrets.get_secret_value(SecretId=stack.outputs()[name])["SecretString"]
        for name in ("TokenSecret", "AddressSecret")
    ]

    assert all(len(value) == 64 and value.isalnum() for value in values)
    assert values[0] != values[1]


@pytest.mark.parametrize("name", ["Gather", "Compose", "Deliver", "Feedback", "Web", "Letters"])
def test_every_settings_class_can_be_read(stack: Stack, name: str) -> None:
    read: Any = settings.read(getattr(settings, name), stack.environment(name.lower()))

    assert read


def test_the_site_and_the_open_ports_are_the_local_ones(clock: courant_clock.Clock) -> None:
    with Stack(clock, site_url="http://127.0.0.1:8000", open_ports=(8001, 8002)) as stack:
        gather, deliver = stack.environment("gather"), stack.environment("deliver")

    assert gather["OPEN_PORTS"] == "8001,8002"
    assert gather["CONTACT_URL"] == deliver["SITE_URL"] == "http://127.0.0.1:8000"
    assert stack.outputs()["SiteUrl"] == "http://127.0.0.1:8000"


def test_a_stack_begins_empty_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.invalid")
    before, session = dict(os.environ), boto3.DEFAULT_SESSION

    for _ in range(2):
        with Stack() as stack:
            assert stack.table("content").scan()["Count"] == 0
            stack.table("content").put_item(Item={"PK": "a", "SK": "b"})
            assert "AWS_ENDPOINT_URL" not in os.environ

    assert dict(os.environ) == before
    assert boto3.DEFAULT_SESSION is session


def test_a_stack_that_could_not_start_leaves_no_trace() -> None:
    before = dict(os.environ)
    stack = Stack()
    stack._parameters["Nonsense"] = "1"

    with pytest.raises(KeyError, match="Nonsense"):
        stack.__enter__()

    assert dict(os.environ) == before


# ── functions ─────────────────────────────────────────────────────────────────────────────────


def test_a_handler_runs_in_its_functions_environment_and_deadline(
    stack: Stack, clock: Any, install: Install
) -> None:
    seen: dict[str, Any] = {}

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        seen["event"] = event
        seen["before"] = context.get_remaining_time_in_millis()
        clock.advance(seconds=100)
        seen["after"] = context.get_remaining_time_in_millis()
        seen["environment"] = dict(os.environ)
        return {"at": courant_clock.stamp(courant_clock.now())}

    install("gather", handler)

    reply = stack.invoke("gather", {"Records": ()})

    assert seen["event"] == {"Records": []}
    assert (seen["before"], seen["after"]) == (180_000, 80_000)
    assert seen["environment"].items() >= stack.environment("gather").items()
    assert "CONTENT_TABLE" not in os.environ
    assert reply == {"at": "2026-11-22T06:01:40.000000Z"}


def test_what_a_handler_raises_comes_through(stack: Stack, install: Install) -> None:
    def handler(_event: dict[str, Any], _context: Any) -> None:
        raise LookupError("nobody")

    install("publish", handler)

    with pytest.raises(LookupError, match="nobody"):
        stack.invoke("publish", {})


def test_handlers_are_wired_anew_for_each_stack(clock: Any, install: Install) -> None:
    module = install("web", lambda _event, _context: id(module.wire()))

    wired = []
    for _ in range(2):
        with Stack(clock) as stack:
            stack.invoke("web", {})
            wired.append(module.wire.cache_info().misses)

    assert wired == [1, 1]
    assert module.wire.cache_info().currsize == 0


def test_a_tick_is_what_the_scheduler_sends(stack: Stack, install: Install) -> None:
    install("heartbeat", lambda event, _context: event)

    event = stack.tick()

    assert event["source"] == "aws.scheduler"
    assert event["time"] == "2026-11-22T06:00:00Z"


def test_a_form_reaches_the_site_as_api_gateway_hands_it_over(
    stack: Stack, install: Install
) -> None:
    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps(event),
        }

    install("web", handler)

    response = stack.request(
        "POST",
        "https://news.example.org/u/abc?x=1",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=b"List-Unsubscribe=One-Click",
    )

    event = json.loads(response.text)
    assert response.status == 200
    assert response.headers == {"content-type": "application/json"}
    assert (event["rawPath"], event["rawQueryString"]) == ("/u/abc", "x=1")
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["isBase64Encoded"] is True


# ── queues ────────────────────────────────────────────────────────────────────────────────────


def test_messages_are_handed_over_in_batches_until_all_is_quiet(
    stack: Stack, install: Install
) -> None:
    batches: list[list[str]] = []
    install("letters", lambda event, _context: batches.append(bodies(event)))
    for n in range(7):
        stack.queue("letters").send({"feed": str(n)})

    pumped = stack.pump()

    assert sorted(body for batch in batches for body in batch) == [
        json.dumps({"feed": str(n)}) for n in range(7)
    ]
    assert max(len(batch) for batch in batches) == 5
    assert pumped.invocations == {"letters": len(batches)}
    assert (pumped.failures, pumped.dead) == ((), ())
    assert stack.queue("letters").messages() == ()


def test_only_the_messages_handed_back_come_again(stack: Stack, install: Install) -> None:
    tries: list[str] = []

    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        first_time = [r for r in event["Records"] if r["body"] == "bad" and "bad" not in tries]
        tries.extend(bodies(event))
        return handed_back(*first_time)

    install("letters", handler)
    for body in ("good", "bad"):
        stack.queue("letters").send(body)

    pumped = stack.pump()

    assert sorted(tries) == ["bad", "bad", "good"]
    assert [failure.body for failure in pumped.failures] == ["bad"]
    assert pumped.dead == ()


def test_a_message_that_fails_five_times_is_reported_dead(stack: Stack, install: Install) -> None:
    tries: list[str] = []

    def handler(event: dict[str, Any], _context: Any) -> None:
        tries.extend(bodies(event))
        raise LookupError("gone")

    install("compose", handler)
    stack.queue("editions").send("bad")

    pumped = stack.pump()

    assert tries == ["bad"] * 5
    assert [(dead.function, dead.body, dead.reason) for dead in pumped.dead] == [
        ("compose", "bad", "LookupError: gone")
    ]
    assert stack.queue("editions").dead() == ("bad",)
    assert stack.pump().dead == ()


def test_an_unknown_id_handed_back_fails_the_whole_batch(stack: Stack, install: Install) -> None:
    replies: Iterator[Any] = iter([handed_back({"messageId": "unknown"}), {}])
    install("compose", lambda _event, _context: next(replies))
    stack.queue("editions").send("x")

    pumped = stack.pump()

    assert pumped.invocations == {"compose": 2}


def test_a_delayed_message_waits_by_the_stacks_clock(
    stack: Stack, clock: HandClock, install: Install
) -> None:
    seen: list[str] = []
    install("deliver", lambda event, _context: seen.extend(bodies(event)))
    boto3.client("sqs").send_message(
        QueueUrl=stack.queue("chunks").url, MessageBody="later", DelaySeconds=900
    )

    stack.pump()
    clock.advance(seconds=890)
    stack.pump()
    assert seen == []

    clock.advance(seconds=11)
    stack.pump()
    assert seen == ["later"]


def test_a_message_may_be_delivered_twice(stack: Stack, install: Install) -> None:
    seen: list[str] = []
    install("compose", lambda event, _context: seen.extend(bodies(event)))
    stack.queue("editions").send("x")

    stack.pump(duplicate=True)

    assert seen == ["x", "x"]


def test_messages_may_be_lost_and_functions_left_idle(stack: Stack, install: Install) -> None:
    install("compose", lambda _event, _context: None)
    for name in ("editions", "chunks"):
        stack.queue(name).send("x")

    stack.queue("editions").clear()
    pumped = stack.pump(only=["compose"])

    assert pumped.invocations == {}
    assert stack.queue("chunks").messages() == ("x",)


def test_a_circle_of_nudges_is_an_error(stack: Stack, install: Install) -> None:
    install("compose", lambda _event, _context: stack.queue("editions").send("again"))
    stack.queue("editions").send("x")

    with pytest.raises(NotQuietError):
        stack.pump(limit=20)


def test_an_ses_event_waits_in_its_sns_envelope(stack: Stack) -> None:
    stack.put_event({"eventType": "Bounce"})

    [body] = stack.queue("events").messages()
    envelope = json.loads(body)
    assert envelope["Type"] == "Notification"
    assert envelope["TopicArn"] == stack.outputs()["TopicArn"]
    assert json.loads(envelope["Message"]) == {"eventType": "Bounce"}


# ── calls ─────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_is_kept_byte_for_byte_with_its_envelope(stack: Stack, install: Install) -> None:
    install(
        "deliver",
        lambda _event, _context: send_mail(
            ConfigurationSetName="DigestsConfigurationSet",
            EmailTags=[{"Name": "edition", "Value": "e"}],
        )["MessageId"],
    )

    message_id = stack.invoke("deliver", {})

    [mail] = stack.mails()
    assert mail.raw == RAW
    assert mail.to == ("ann@example.org",)
    assert mail.configuration_set == stack.environment("deliver")["CONFIGURATION_SET"]
    assert (mail.tags, mail.message_id) == ({"edition": "e"}, message_id)
    assert mail.sent_at == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def test_ses_refuses_a_sender_outside_the_domain(stack: Stack, install: Install) -> None:
    def handler(_event: dict[str, Any], _context: Any) -> None:
        boto3.client("sesv2").send_email(
            FromEmailAddress="a@example.com",
            Destination={"ToAddresses": ["ann@example.org"]},
            Content={"Raw": {"Data": RAW}},
        )

    install("deliver", handler)

    with pytest.raises(ClientError):
        stack.invoke("deliver", {})

    assert stack.mails() == ()


def test_a_call_can_be_broken_before_or_after_aws_did_it(stack: Stack, install: Install) -> None:
    def handler(_event: dict[str, Any], _context: Any) -> str:
        try:
            send_mail()
        except TimeoutError:
            return "timeout"
        return "sent"

    def refuse(call: Call) -> None:
        if call.operation == "SendEmail":
            raise TimeoutError

    install("deliver", handler)

    stack.calls.before = refuse
    before = stack.invoke("deliver", {}), len(stack.mails())
    stack.calls.before, stack.calls.after = None, refuse
    after = stack.invoke("deliver", {}), len(stack.mails())

    assert before == ("timeout", 0)
    assert after == ("timeout", 1)


def test_a_killed_sandbox_leaves_its_message_on_the_queue(stack: Stack, install: Install) -> None:
    deaths = iter([True])

    def handler(_event: dict[str, Any], _context: Any) -> None:
        try:
            send_mail()
        except Exception as error:
            raise AssertionError("a dead sandbox catches nothing") from error

    def die_once(_call: Call) -> None:
        if next(deaths, False):
            raise Killed

    install("deliver", handler)
    stack.queue("chunks").send("x")
    stack.calls.after = die_once

    pumped = stack.pump()

    assert pumped.invocations == {"deliver": 2}
    assert len(stack.mails()) == 2


def test_ses_says_what_the_account_may_do(stack: Stack) -> None:
    stack.calls.account["SendQuota"] = {"MaxSendRate": 3.0}

    account = boto3.client("sesv2").get_account()

    assert account["SendQuota"]["MaxSendRate"] == 3.0


def test_a_call_beyond_the_functions_rights_is_denied(stack: Stack, install: Install) -> None:
    content, subscribers = stack.table("content").name, stack.table("subscribers").name

    def handler(_event: dict[str, Any], _context: Any) -> None:
        boto3.resource("dynamodb").Table(content).get_item(Key={"PK": "a", "SK": "b"})
        boto3.client("dynamodb").scan(TableName=subscribers)

    install("deliver", handler)
    unused = stack.unused()
    stack.invoke("deliver", {})

    account = "arn:aws:dynamodb:eu-west-1:123456789012:table/"
    assert stack.denied() == (f"deliver: dynamodb:Scan on {account}{subscribers}",)
    assert set(unused) - set(stack.unused()) == {f"deliver: dynamodb:GetItem on {account}{content}"}


# ── transactions ──────────────────────────────────────────────────────────────────────────────


def test_a_failed_transaction_changes_nothing(stack: Stack) -> None:
    table = stack.table("subscribers")
    table.put_item(Item={"PK": "a", "SK": "1", "n": 1})
    table.put_item(Item={"PK": "a", "SK": "2", "n": 1})
    dynamodb = boto3.client("dynamodb")

    def key(range_key: str) -> dict[str, Any]:
        return {"PK": {"S": "a"}, "SK": {"S": range_key}}

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": table.name,
                        "Key": key("1"),
                        "UpdateExpression": "SET n = :n",
                        "ExpressionAttributeValues": {":n": {"N": "2"}},
                    }
                },
                {"Delete": {"TableName": table.name, "Key": key("2")}},
                {"Put": {"TableName": table.name, "Item": key("3")}},
                {
                    "Put": {
                        "TableName": table.name,
                        "Item": {"PK": {"S": "b"}, "SK": {"S": "4"}},
                        "ConditionExpression": "attribute_exists(PK)",
                    }
                },
            ]
        )

    assert sorted(table.scan()["Items"], key=lambda item: str(item["SK"])) == [
        {"PK": "a", "SK": "1", "n": 1},
        {"PK": "a", "SK": "2", "n": 1},
    ]


def test_a_transaction_that_holds_changes_everything(stack: Stack) -> None:
    table = stack.table("subscribers")
    table.put_item(Item={"PK": "a", "SK": "1", "n": 1})

    boto3.client("dynamodb").transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": table.name,
                    "Key": {"PK": {"S": "a"}, "SK": {"S": "1"}},
                    "UpdateExpression": "SET n = n + :n",
                    "ExpressionAttributeValues": {":n": {"N": "1"}},
                }
            },
            {"Put": {"TableName": table.name, "Item": {"PK": {"S": "b"}, "SK": {"S": "1"}}}},
        ]
    )

    assert table.scan()["Count"] == 2
    assert table.get_item(Key={"PK": "a", "SK": "1"})["Item"]["n"] == 2


def test_shared_files_are_beside_the_repository(shared: Path) -> None:
    assert shared.name == "shared"
