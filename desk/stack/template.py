"""template.yaml as CloudFormation sees it: translated by SAM, its functions, its expressions.

Nothing is made here (resources.py does) and nothing is run.
"""

import copy
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"

Json = dict[str, Any]

# Where the local stack says it is. moto's account; no function may depend on the region.
REGION = "eu-west-1"
ACCOUNT = "123456789012"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "courant",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()

_PLACE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


class _NoManagedPolicies:
    """SAM asks IAM for the ARNs of named managed policies; the template names none."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def source() -> Json:
    """template.yaml as written. Shared: do not change."""
    parsed: Json = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return parsed


@cache
def translated() -> Json:
    """template.yaml with every AWS::Serverless type turned into what CloudFormation makes.

    About 40 ms, once a process. Shared: do not change.
    """
    document = copy.deepcopy(source())
    # The translator wants code that is uploaded already; nothing here reads it.
    document["Globals"]["Function"]["CodeUri"] = "s3://local/functions"
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        result: Json = transform(document, {}, _NoManagedPolicies())
    return result


def resources_of(kind: str) -> dict[str, Json]:
    """Logical id → resource, of one CloudFormation type."""
    return {
        name: resource
        for name, resource in translated()["Resources"].items()
        if resource["Type"] == kind
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A queue whose messages a function gets."""

    function: str
    queue: str
    """Logical id of the queue."""
    batch_size: int
    partial_failures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One Lambda function of the template. Expressions are unresolved."""

    name: str
    """The folder in functions/: ``deliver``."""
    logical_id: str
    handler: str
    timeout: int
    """Seconds."""
    environment: Json
    statements: tuple[Json, ...]
    """Of its role's inline policies."""
    log_group: str
    """Logical id of its log group."""


@cache
def functions() -> Mapping[str, Function]:
    """Every function by name."""
    roles = resources_of("AWS::IAM::Role")
    found = {}
    for logical_id, resource in resources_of("AWS::Lambda::Function").items():
        properties = resource["Properties"]
        name = str(properties["Handler"]).partition(".")[0]
        role = roles[properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        found[name] = Function(
            name=name,
            logical_id=logical_id,
            handler=properties["Handler"],
            timeout=int(properties["Timeout"]),
            environment=properties.get("Environment", {}).get("Variables", {}),
            statements=tuple(
                statement
                for policy in role.get("Policies", [])
                for statement in policy["PolicyDocument"]["Statement"]
            ),
            log_group=properties.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref", ""),
        )
    return found


@cache
def event_sources() -> tuple[EventSource, ...]:
    """Every queue → function arrow."""
    names = {function.logical_id: function.name for function in functions().values()}
    return tuple(
        EventSource(
            function=names[properties["FunctionName"]["Ref"]],
            queue=properties["EventSourceArn"]["Fn::GetAtt"][0],
            batch_size=int(properties["BatchSize"]),
            partial_failures="ReportBatchItemFailures"
            in properties.get("FunctionResponseTypes", []),
        )
        for properties in (
            resource["Properties"]
            for resource in resources_of("AWS::Lambda::EventSourceMapping").values()
        )
    )


class Resolver:
    """CloudFormation's intrinsic functions, as far as the template uses them.

    ``refs`` and ``attributes`` may grow while resources are made; an expression that asks for one
    that is not there is a KeyError.
    """

    def __init__(self, parameters: Mapping[str, str]) -> None:
        declared = translated()["Parameters"]
        if unknown := parameters.keys() - declared.keys():
            raise KeyError(f"template.yaml has no parameter {', '.join(sorted(unknown))}")
        defaults = {name: str(p["Default"]) for name, p in declared.items() if "Default" in p}
        self.parameters: dict[str, str] = defaults | dict(parameters)
        self.refs: dict[str, str] = {**PSEUDO, **self.parameters}
        self.attributes: dict[tuple[str, str], str] = {}

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is true."""
        return bool(self.value(translated()["Conditions"][condition]))

    def made(self) -> Iterator[tuple[str, Json]]:
        """Logical id and resource of everything whose condition holds."""
        for name, resource in translated()["Resources"].items():
            if "Condition" not in resource or self.holds(resource["Condition"]):
                yield name, resource

    def value(self, expression: Any) -> Any:
        """What an expression comes to."""
        match expression:
            case {"Ref": "AWS::NoValue"}:
                return NO_VALUE
            case {"Ref": name}:
                return self.refs[name]
            case {"Condition": str(name), **rest} if not rest:
                return self.holds(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self.attributes[name, attribute]
            case {"Fn::Sub": str(text)}:
                return _PLACE.sub(lambda place: self._named(place[1]), text)
            case {"Fn::If": [condition, yes, no]}:
                return self.value(yes if self.holds(condition) else no)
            case {"Fn::Equals": [left, right]}:
                return self.value(left) == self.value(right)
            case {"Fn::Not": [inner]}:
                return not self.value(inner)
            case {"Fn::And": parts}:
                return all(self.value(part) for part in parts)
            case {"Fn::Or": parts}:
                return any(self.value(part) for part in parts)
            case {"Fn::Join": [glue, parts]}:
                return glue.join(self.value(part) for part in parts)
            case dict():
                if any(key.startswith("Fn::") for key in expression):
                    raise NotImplementedError(f"{next(iter(expression))} in template.yaml")
                inner_values = {key: self.value(inner) for key, inner in expression.items()}
                return {key: inner for key, inner in inner_values.items() if inner is not NO_VALUE}
            case list():
                values = [self.value(inner) for inner in expression]
                return [inner for inner in values if inner is not NO_VALUE]
            case _:
                return expression

    def _named(self, name: str) -> str:
        resource, dot, attribute = name.partition(".")
        return self.attributes[resource, attribute] if dot else self.refs[name]
