"""Reads what synthesis wrote: everything of a migration that a rehearsal runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rehearsal.lambda_runtime.function import Function
from scripts.synthesized import Stack, stacks

Arguments = Mapping[str, Any]


class SynthesisUnreadable(ValueError):
    """The folder does not hold the synthesized migration; the message says what is missing."""


@dataclass(frozen=True)
class ReplicationTask:
    """A DMS task. ``address``: of the resource; ``source`` and ``target``: of its endpoints.

    ``settings`` and ``mappings``: the documents that DMS is given. ``slot``: the replication slot
    that its source endpoint names; None: DMS makes its own.
    """

    name: str
    address: str
    migration_type: str
    settings: dict[str, Any]
    mappings: dict[str, Any]
    source: str
    target: str
    slot: str | None


@dataclass(frozen=True)
class Target:
    """What a rule invokes, with references: the function's ARN, and how its event is made."""

    arn: str
    input_paths: Mapping[str, str]
    input_template: str


@dataclass(frozen=True)
class Rule:
    """An EventBridge rule; ``pattern`` is JSON with references."""

    name: str
    pattern: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Authorizer:
    """What API Gateway is told of the authorizer. ``function``: its name; ``expression``: what a
    token must match before the function is asked; ``cache_seconds``: 0 asks it every time."""

    function: str
    expression: str
    cache_seconds: int


@dataclass(frozen=True)
class Synthesized:
    """The payments stack of one environment. What it gives has Terraform's references in it."""

    stack: Stack

    @classmethod
    def read(cls, folder: Path) -> Synthesized:
        """From the folder of ``manifest.json``.

        Raises:
            SynthesisUnreadable: it holds no migration.
        """
        try:
            found = [each for each in stacks(folder) if "aws_sfn_state_machine" in _types(each)]
        except (OSError, ValueError, KeyError) as error:
            raise SynthesisUnreadable(f"{folder} holds no synthesized stack: {error}") from error
        if len(found) != 1:
            raise SynthesisUnreadable(
                f"{folder} holds {len(found)} stacks with a state machine; one is needed"
            )
        return cls(found[0])

    @property
    def file(self) -> Path:
        """The synthesized JSON."""
        return self.stack.file

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the JSON, in hex."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    @cached_property
    def bundles(self) -> dict[str, str]:
        """File name → SHA-256 in hex, of every zip that a function or its layer is made of."""
        zips = {path for each in self.functions for path in (each.code, *each.layers)}
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(zips)}

    def named(self, type: str) -> Mapping[str, Arguments]:
        """Terraform name → arguments, of every resource of ``type``."""
        found: Mapping[str, Arguments] = self.stack.content["resource"].get(type, {})
        return found

    def each(self, type: str) -> Iterator[tuple[str, Arguments]]:
        """Address and arguments of every resource of ``type``."""
        for name, arguments in self.named(type).items():
            yield f"{type}.{name}", arguments

    def only(self, type: str) -> tuple[str, Arguments]:
        """Address and arguments of the one resource of ``type``.

        Raises:
            SynthesisUnreadable: there is none, or another.
        """
        found = list(self.each(type))
        if len(found) != 1:
            raise SynthesisUnreadable(f"{self.file} has {len(found)} of {type}; one is needed")
        return found[0]

    def argument(self, address: str, name: str) -> Any:
        """An argument of the resource at ``address``; None: it has none of that name."""
        type, _, resource = address.rpartition(".")
        return self.named(type).get(resource, {}).get(name)

    @property
    def region(self) -> str:
        """Where it would be deployed."""
        return str(self.stack.content["provider"]["aws"][0]["region"])

    @property
    def definition(self) -> str:
        """The state machine's definition, JSON with references."""
        return str(self.only("aws_sfn_state_machine")[1]["definition"])

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function; their variables have references."""
        return tuple(self._function(each) for each in self.named("aws_lambda_function").values())

    def _function(self, declared: Arguments) -> Function:
        layers = (address_of(reference) for reference in declared.get("layers", ()))
        return Function(
            name=declared["function_name"],
            handler=declared["handler"],
            code=self.stack.folder / declared["filename"],
            layers=tuple(self.stack.folder / self.argument(each, "filename") for each in layers),
            timeout=declared["timeout"],
            memory_mb=declared["memory_size"],
            environment=declared["environment"]["variables"],
        )

    def variable(self, name: str) -> str:
        """The value that every function which is given the variable ``name`` is given.

        Raises:
            SynthesisUnreadable: no function has it, or they are given different values.
        """
        found = {each.environment[name] for each in self.functions if name in each.environment}
        if len(found) != 1:
            raise SynthesisUnreadable(f"{self.file} gives {name} {len(found)} values, not one")
        return found.pop()

    @cached_property
    def pooler(self) -> Mapping[str, str]:
        """The variables that the pooler's container is given."""
        _, declared = self.only("aws_ecs_task_definition")
        [container] = json.loads(declared["container_definitions"])
        return {each["name"]: each["value"] for each in container["environment"]}

    @cached_property
    def tasks(self) -> tuple[ReplicationTask, ...]:
        """Every DMS task."""
        return tuple(
            self._task(address, declared)
            for address, declared in self.each("aws_dms_replication_task")
        )

    def _task(self, address: str, declared: Arguments) -> ReplicationTask:
        source = address_of(declared["source_endpoint_arn"])
        return ReplicationTask(
            name=declared["replication_task_id"],
            address=address,
            migration_type=declared["migration_type"],
            settings=json.loads(declared["replication_task_settings"]),
            mappings=json.loads(declared["table_mappings"]),
            source=source,
            target=address_of(declared["target_endpoint_arn"]),
            slot=(self.argument(source, "postgres_settings") or {}).get("slot_name"),
        )

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Every EventBridge rule with its targets."""
        targets = list(self.named("aws_cloudwatch_event_target").values())
        return tuple(
            Rule(
                name=rule["name"],
                pattern=rule["event_pattern"],
                targets=tuple(
                    _target(each) for each in targets if address_of(each["rule"]) == address
                ),
            )
            for address, rule in self.each("aws_cloudwatch_event_rule")
        )

    @cached_property
    def authorizer(self) -> Authorizer:
        """The API's authorizer."""
        _, declared = self.only("aws_api_gateway_authorizer")
        return Authorizer(
            function=self.argument(address_of(declared["authorizer_uri"]), "function_name"),
            expression=declared["identity_validation_expression"],
            cache_seconds=declared["authorizer_result_ttl_in_seconds"],
        )


def _types(stack: Stack) -> Mapping[str, Any]:
    found: Mapping[str, Any] = stack.content.get("resource", {})
    return found


def _target(declared: Arguments) -> Target:
    transformer = declared["input_transformer"]
    return Target(declared["arn"], transformer["input_paths"], transformer["input_template"])


def address_of(reference: str) -> str:
    """``${aws_x.Name.arn}`` → ``aws_x.Name``."""
    return reference.removeprefix("${").removesuffix("}").rpartition(".")[0]
