"""template.yaml against the code: handlers, settings, queues, rights, what is shipped."""

import dataclasses
import importlib
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from courant import settings
from desk.stack import resources
from desk.stack.permissions import as_list
from desk.stack.template import (
    ROOT,
    Function,
    Resolver,
    event_sources,
    functions,
    resources_of,
    source,
    translated,
)

NAMES = ("heartbeat", "gather", "compose", "deliver", "feedback", "publish", "web", "letters")
QUEUES = ("Feeds", "Editions", "Chunks", "Events", "Letters")
# Set for every function, and read by Python itself rather than by settings.py.
OF_THE_RUNTIME = {"PYTHONTZPATH"}


def inner(function: Function) -> Iterator[tuple[str, Any]]:
    for statement in function.statements:
        if statement["Effect"] != "Allow":
            continue
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield action, resource


def properties(logical_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = translated()["Resources"][logical_id]["Properties"]
    return found


def requirement_name(line: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", line)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def pinned() -> dict[str, str]:
    """Name → its lines in functions/requirements.txt."""
    text = (ROOT / "functions" / "requirements.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    return {requirement_name(block): block for block in blocks}


def test_the_template_has_the_eight_functions() -> None:
    assert sorted(functions()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_handler_resolves_to_a_handler_and_its_wire(name: str) -> None:
    function = functions()[name]

    module = importlib.import_module(f"{name}.handler")

    assert function.handler == f"{name}.handler.handler"
    assert callable(module.handler)
    assert callable(module.wire.cache_clear)


@pytest.mark.parametrize("name", NAMES)
def test_the_environment_is_what_the_settings_class_reads(name: str) -> None:
    fields = dataclasses.fields(getattr(settings, name.title()))

    variables = set(functions()[name].environment) - OF_THE_RUNTIME

    assert variables == {field.name.upper() for field in fields}


@pytest.mark.parametrize("name", NAMES)
def test_every_function_has_a_log_group_that_forgets(name: str) -> None:
    logs = properties(functions()[name].log_group)

    assert logs["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("queue", QUEUES)
def test_every_queue_gives_up_into_a_dead_letter_queue_that_raises_an_alarm(queue: str) -> None:
    redrive = properties(f"{queue}Queue")["RedrivePolicy"]

    [dead, _] = redrive["deadLetterTargetArn"]["Fn::GetAtt"]
    alarmed = [
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in resources_of("AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Properties"]["Dimensions"]
    ]

    assert redrive["maxReceiveCount"] == 5
    assert alarmed.count(dead) == 1


def test_every_queue_is_one_of_five_or_dead() -> None:
    assert set(resources_of("AWS::SQS::Queue")) == {
        f"{queue}{kind}Queue" for queue in QUEUES for kind in ("", "Dead")
    }


def test_no_message_comes_back_while_its_function_may_still_run() -> None:
    for event_source in event_sources():
        visibility = properties(event_source.queue)["VisibilityTimeout"]

        assert visibility >= 6 * functions()[event_source.function].timeout, event_source


def test_every_queue_has_one_function_that_reports_partial_failures() -> None:
    assert sorted(event_source.queue for event_source in event_sources()) == sorted(
        f"{queue}Queue" for queue in QUEUES
    )
    assert all(event_source.partial_failures for event_source in event_sources())


def test_deliver_may_nudge_itself_without_end() -> None:
    assert properties("DeliverFunction")["RecursiveLoop"] == "Allow"
    assert properties("DeliverFunctionChunks")["ScalingConfig"]["MaximumConcurrency"]


def test_the_local_stack_knows_every_type() -> None:
    lists = (
        set(resources.MADE_BY_MOTO),
        set(resources.MADE_HERE),
        set(resources.PLAYED),
        set(resources.LEFT_OUT),
    )
    types = {resource["Type"] for resource in translated()["Resources"].values()}

    known = set().union(*lists)

    assert types - known == set(), "put it in one of the lists of desk/stack/resources.py"
    assert known - types == set(), "no longer in template.yaml"
    assert sum(len(each) for each in lists) == len(known), "a type is in two lists"


@pytest.mark.parametrize("name", NAMES)
def test_rights_name_their_actions_and_resources(name: str) -> None:
    # In a bucket the rights are on a folder; SES knows nothing smaller than the account for
    # GetAccount; everything else is one resource.
    folder = re.compile(r"^\$\{Bucket\.Arn\}/[a-z]+/\*$")

    for action, resource in inner(functions()[name]):
        text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource

        assert "*" not in action
        assert "*" not in text or folder.match(text) or action == "ses:GetAccount", action


def test_gather_cannot_read_subscribers_and_web_cannot_list_them() -> None:
    table = {"Fn::GetAtt": ["SubscribersTable", "Arn"]}
    rights = {name: list(inner(functions()[name])) for name in NAMES}

    web = {action for action, resource in rights["web"] if resource == table}

    assert table not in [resource for _, resource in rights["gather"]]
    assert not web & {"dynamodb:Query", "dynamodb:Scan"}


def test_web_reads_only_pages_of_the_bucket() -> None:
    s3 = [(action, place) for action, place in inner(functions()["web"]) if action[:3] == "s3:"]

    assert s3 == [("s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/web/*"})]


def test_deliver_cannot_write_content() -> None:
    table = {"Fn::GetAtt": ["ContentTable", "Arn"]}

    actions = {action for action, place in inner(functions()["deliver"]) if place == table}

    assert actions == {"dynamodb:GetItem"}


@pytest.mark.parametrize("name", ["deliver", "letters"])
def test_mail_goes_out_only_from_the_stacks_own_domain(name: str) -> None:
    [send] = [s for s in functions()[name].statements if "ses:SendEmail" in as_list(s["Action"])]

    assert send["Condition"] == {
        "StringLike": {"ses:FromAddress": {"Fn::Sub": "*@${SenderDomain}"}}
    }
    assert len(send["Resource"]) == 2


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("gather", "FeedsQueue"),
        ("compose", "EditionsQueue"),
        ("deliver", "ChunksQueue"),
        ("feedback", "EventsQueue"),
        ("letters", "LettersQueue"),
    ],
)
def test_a_queues_reader_reads_no_other_queue(name: str, queue: str) -> None:
    # SAM gives every queue reader AWSLambdaSQSQueueExecutionRole, which names no queue.
    [denied] = [s for s in functions()[name].statements if s["Effect"] == "Deny"]

    assert denied["Action"] == ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    assert denied["NotResource"] == {"Fn::GetAtt": [queue, "Arn"]}


def test_only_deliver_and_letters_may_send_mail() -> None:
    senders = {
        name
        for name in NAMES
        for action, _ in inner(functions()[name])
        if action.startswith("ses:Send")
    }

    assert senders == {"deliver", "letters"}


@pytest.mark.parametrize(
    "name",
    ["SubscribersTable", "ContentTable", "LedgerTable", "Bucket", "TokenSecret", "AddressSecret"],
)
def test_data_outlives_the_stack(name: str) -> None:
    resource = translated()["Resources"][name]

    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_subscribers_can_be_restored_and_not_dropped() -> None:
    table = properties("SubscribersTable")

    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_readers_are_not_tracked() -> None:
    for name, resource in resources_of("AWS::SES::ConfigurationSet").items():
        assert "TrackingOptions" not in resource["Properties"], name
    for name, resource in resources_of("AWS::SES::ConfigurationSetEventDestination").items():
        text = json.dumps(resource["Properties"]["EventDestination"]["MatchingEventTypes"])

        assert "DELIVERY" in text, name
        assert not {"OPEN", "CLICK"} & set(re.findall("[A-Z_]+", text)), name


@pytest.mark.parametrize(
    ("parameters", "told"),
    [({}, True), ({"DeliveryEvents": "yes"}, True), ({"DeliveryEvents": "no"}, False)],
)
def test_deliveries_are_told_unless_they_are_not_wanted_and_bad_news_always(
    parameters: dict[str, str], told: bool
) -> None:
    resolver = Resolver({"SenderDomain": "news.example.org", **parameters})
    bad_news = ["REJECT", "BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "RENDERING_FAILURE"]

    for name in ("DigestsEvents", "LettersEvents"):
        types = resolver.value(properties(name)["EventDestination"]["MatchingEventTypes"])

        # Sends are never told: they come for every mail, and say less than deliveries.
        assert sorted(types) == sorted([*bad_news, "DELIVERY"] if told else bad_news), name


def test_the_outputs_name_what_people_work_with() -> None:
    wanted = {
        *(f"{table}Table" for table in ("Content", "Subscribers", "Ledger")),
        *(f"{queue}Queue" for queue in QUEUES),
        *("Bucket", "PublishFunction", "TokenSecret", "AddressSecret", "TopicArn"),
        *("SiteUrl", "SenderDomain", "Epoch"),
    }

    assert wanted <= set(translated()["Outputs"])


@pytest.mark.parametrize(
    ("parameters", "url"),
    [
        ({}, "https://SiteApi.execute-api.eu-west-1.amazonaws.com"),
        (
            {"SiteDomain": "read.example.org", "SiteCertificateArn": "arn:aws:acm:…"},
            "https://read.example.org",
        ),
    ],
)
def test_the_site_is_at_its_own_domain_or_the_apis(parameters: dict[str, str], url: str) -> None:
    resolver = Resolver({"SenderDomain": "news.example.org", **parameters})
    resolver.refs["SiteApi"] = "SiteApi"

    site_url = resolver.value(functions()["deliver"].environment["SITE_URL"])

    assert site_url == url
    assert resolver.value(functions()["gather"].environment["CONTACT_URL"]) == url
    assert resolver.value(functions()["letters"].environment["SITE_URL"]) == url
    assert resolver.value(functions()["compose"].environment["SITE_URL"]) == url
    # The API is made of the web function, which can't be told the API's address.
    own = url if parameters else ""
    assert resolver.value(functions()["web"].environment["SITE_URL"]) == own
    assert resolver.value(translated()["Outputs"]["SiteUrl"]["Value"]) == url


def test_one_build_serves_every_function() -> None:
    made = [r for r in source()["Resources"].values() if r["Type"].endswith("Serverless::Function")]

    assert source()["Globals"]["Function"]["CodeUri"] == "functions/"
    assert not [r for r in made if {"CodeUri", "Runtime", "Architectures"} & set(r["Properties"])]


def test_no_folder_in_functions_shadows_a_module() -> None:
    # They are imported ahead of the standard library and of what is installed.
    folders = {
        path.name
        for path in (ROOT / "functions").iterdir()
        if path.is_dir() and not path.name.startswith(("_", "."))
    }
    shipped = {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if {requirement_name(owner) for owner in owners} & set(pinned())
    }

    assert not folders & set(sys.stdlib_module_names)
    assert not folders & shipped
    assert not folders & {"boto3", "botocore", "s3transfer", "jmespath", "dateutil"}


def test_every_dependency_is_pinned_with_its_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    lines = pinned()

    assert {requirement_name(each) for each in project["dependencies"]} <= set(lines)
    for name, block in lines.items():
        assert re.match(r"^[a-z0-9._-]+==\S+ \\\n\s+--hash=sha256:[0-9a-f]{64}", block), name


def test_a_pin_is_one_that_pyproject_allows() -> None:
    requirements = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    for each in map(requirements.Requirement, project["dependencies"]):
        version = pinned()[requirement_name(each.name)].split("==")[1].split()[0]

        assert each.specifier.contains(version), f"{each}: run `make requirements`"


def test_the_runtimes_own_packages_are_not_shipped() -> None:
    assert not {"boto3", "botocore", "s3transfer"} & set(pinned())


def test_requirements_name_no_host() -> None:
    text = (ROOT / "functions" / "requirements.txt").read_text(encoding="utf-8")

    assert not re.search(r"https?:|--(extra-)?index|--find-links|--trusted", text)
