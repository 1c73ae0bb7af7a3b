"""Makes the template's resources in moto: what its CloudFormation can, and by hand what it can't.

moto skips types it does not know without a word, so every type is in one of the three lists here;
tests/test_template.py fails on a type that is in none.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3

from desk.stack.template import ACCOUNT, REGION, Json, Resolver, translated

MADE_BY_MOTO: Final = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    }
)

# Not resources in moto, but read from the template by the local stack itself.
PLAYED: Final[Mapping[str, str]] = {
    "AWS::IAM::Role": "permissions.py checks every call against the role's statements",
    "AWS::Lambda::EventSourceMapping": "queues.py hands messages to functions",
    "AWS::Lambda::Function": "functions.py runs the handler in this process",
}

LEFT_OUT: Final[Mapping[str, str]] = {
    "AWS::ApiGatewayV2::Api": "requests come through Stack.request",
    "AWS::ApiGatewayV2::ApiMapping": "the local site has no name of its own",
    "AWS::ApiGatewayV2::DomainName": "the local site has no name of its own",
    "AWS::ApiGatewayV2::Stage": "it only throttles",
    "AWS::CloudWatch::Alarm": "Stack.pump reports what lands in a dead-letter queue",
    "AWS::Lambda::EventInvokeConfig": "nothing is invoked asynchronously here",
    "AWS::Lambda::Permission": "nothing outside this process invokes a function",
    "AWS::Logs::LogGroup": "handlers log to stderr",
    "AWS::S3::BucketPolicy": "it only refuses plain HTTP; moto would take its Deny for all",
    "AWS::SES::ConfigurationSetEventDestination": "moto makes no SES events; Stack.put_event does",
    "AWS::SNS::TopicPolicy": "moto lets everybody publish",
    "AWS::SQS::QueuePolicy": "moto lets every topic send",
    "AWS::Scheduler::Schedule": "Stack.tick is the minute",
}


def make(resolver: Resolver) -> None:
    """Make everything whose condition holds; Refs and attributes land in ``resolver``.

    Call inside moto's mock. Names are new each time, as CloudFormation's are.
    """
    wanted = dict(resolver.made())
    for logical_id, resource in wanted.items():
        if resource["Type"] in LEFT_OUT or resource["Type"] in PLAYED:
            resolver.refs[logical_id] = logical_id
    _make_by_moto(
        {name: body for name, body in wanted.items() if body["Type"] in MADE_BY_MOTO}, resolver
    )
    for logical_id, resource in wanted.items():
        if maker := MADE_HERE.get(resource["Type"]):
            maker(logical_id, resource.get("Properties", {}), resolver)


def _make_by_moto(resources: Mapping[str, Json], resolver: Resolver) -> None:
    template = translated()
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=PSEUDO_STACK,
        TemplateBody=json.dumps(
            {
                "Parameters": template["Parameters"],
                "Conditions": template["Conditions"],
                "Resources": {
                    # moto has no use for these, and refuses some.
                    name: {k: v for k, v in body.items() if not k.endswith("Policy")}
                    for name, body in resources.items()
                },
            }
        ),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in resolver.parameters.items()
        ],
    )
    made = cloudformation.describe_stack_resources(StackName=PSEUDO_STACK)["StackResources"]
    for resource in made:
        logical_id, physical_id = resource["LogicalResourceId"], resource["PhysicalResourceId"]
        resolver.refs[logical_id] = physical_id
        for attribute, value in _attributes(resource["ResourceType"], physical_id).items():
            resolver.attributes[logical_id, attribute] = value
    if missing := resources.keys() - {resource["LogicalResourceId"] for resource in made}:
        raise RuntimeError(f"moto did not make {', '.join(sorted(missing))}")


PSEUDO_STACK: Final = "courant"


def _attributes(kind: str, physical_id: str) -> dict[str, str]:
    match kind:
        case "AWS::DynamoDB::Table":
            return {"Arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{physical_id}"}
        case "AWS::S3::Bucket":
            return {"Arn": f"arn:aws:s3:::{physical_id}"}
        case "AWS::SQS::Queue":
            name = physical_id.rpartition("/")[2]
            return {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "QueueName": name}
        case _:
            return {}


def _secret(logical_id: str, properties: Json, resolver: Resolver) -> None:
    secrets = boto3.client("secretsmanager")
    value = secrets.get_random_password(**properties["GenerateSecretString"])["RandomPassword"]
    made = secrets.create_secret(Name=logical_id, SecretString=value)
    resolver.refs[logical_id] = made["ARN"]


def _identity(logical_id: str, properties: Json, resolver: Resolver) -> None:
    name = resolver.value(properties["EmailIdentity"])
    boto3.client("sesv2").create_email_identity(EmailIdentity=name)
    resolver.refs[logical_id] = name
    for n in (1, 2, 3):
        resolver.attributes[logical_id, f"DkimDNSTokenName{n}"] = f"local{n}._domainkey.{name}"
        resolver.attributes[logical_id, f"DkimDNSTokenValue{n}"] = f"local{n}.dkim.example"


def _configuration_set(logical_id: str, properties: Json, resolver: Resolver) -> None:
    boto3.client("sesv2").create_configuration_set(
        ConfigurationSetName=logical_id, **resolver.value(properties)
    )
    resolver.refs[logical_id] = logical_id


def _subscription(logical_id: str, properties: Json, resolver: Resolver) -> None:
    subscription = resolver.value(properties)
    made = boto3.client("sns").subscribe(
        TopicArn=subscription["TopicArn"],
        Protocol=subscription["Protocol"],
        Endpoint=subscription["Endpoint"],
        Attributes={
            "RawMessageDelivery": str(subscription.get("RawMessageDelivery", False)).lower()
        },
        ReturnSubscriptionArn=True,
    )
    resolver.refs[logical_id] = made["SubscriptionArn"]


Maker = Callable[[str, dict[str, Any], Resolver], None]

MADE_HERE: Final[Mapping[str, Maker]] = {
    "AWS::SES::ConfigurationSet": _configuration_set,
    "AWS::SES::EmailIdentity": _identity,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SecretsManager::Secret": _secret,
}
