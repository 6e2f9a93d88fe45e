"""Validation, in the Prepare phase: a plan, a child execution for each of its parts, a summary.

The verdict is the summary's alone, and it counts what lies in the checkpoint bucket: a part without
a result makes it inconclusive (design, invariant I6). So whatever becomes of the Map, the summary
follows it.
"""

from __future__ import annotations

from lib.workflow.effects import Effect
from lib.workflow.operation import operation
from lib.workflow.phase import Context
from lib.workflow.states import EXECUTION, State, catch, invoke

FUNCTION = "data_validator"
MOST_PARTS = 4000
"""Parts that are read, at most; migration.validator.stages refuses a plan of more."""
_ANSWER = ("verdict", "tables", "rows", "report", "text", "repairable")
# What the steps after it count on: nothing is moved unless every part was read and was equal.
_NOTHING_READ = {"compared": "nothing", "validated": "nothing"}


def validation(context: Context, then: str) -> dict[str, State]:
    """From a quiet replication to a verdict; a match goes on to ``then``."""
    states: dict[str, State] = {
        "PlanValidation": operation(
            context,
            FUNCTION,
            "plan",
            answer=["tables", "parts", "bucket", "key"],
            then="ValidateData",
            pausable=False,
        ),
        "ValidateData": _map(context),
        "SummariseValidation": operation(
            context,
            FUNCTION,
            "summarise",
            details={"map.$": "$.map"},
            result="$.validation",
            answer=_ANSWER,
            then="CheckValidationResult",
            pausable=False,
        ),
        "CheckValidationResult": _check(context, then),
    }
    if context.timings.validation_repair_limit:
        states["RepairData"] = operation(
            context,
            FUNCTION,
            "repair",
            result="$.repair",
            answer=["repaired", "refused"],
            # Only the parts that were repaired are read again: the others have their results.
            then="ValidateData",
            pausable=False,
        )
    return states


def validation_effects(context: Context) -> dict[str, Effect]:
    """What the states do to the world. Nobody writes to the target while it is repaired."""
    effects = {
        "PlanValidation": Effect(sets=_NOTHING_READ),
        "ValidateData": Effect(sets={"compared": "all"}, in_part={"compared": "some"}),
        "SummariseValidation": Effect(copies={"validated": "compared"}),
        "CheckValidationResult": Effect(first={"validated": "all"}),
    }
    if context.timings.validation_repair_limit:
        effects["RepairData"] = Effect(needs={"target": "closed"}, sets=_NOTHING_READ)
    return effects


def validation_visits(context: Context) -> dict[str, int]:
    """A repair leads back to the Map, once."""
    again = ("ValidateData", "SummariseValidation", "CheckValidationResult")
    return dict.fromkeys(again, 2) if context.timings.validation_repair_limit else {}


def _map(context: Context) -> State:
    """A Distributed Map over the plan's parts, whose children are executions of their own.

    STANDARD: an EXPRESS child ends after five minutes, and a part may take fifteen. Its results
    go to the bucket, and a child answers only its number: without a ResultWriter a Map's output
    is limited to 256 KiB (Step Functions developer guide, "ResultWriter"); more would fail it,
    which the summary outlives.
    """
    return {
        "Type": "Map",
        "Label": "ValidateData",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON", "MaxItems": MOST_PARTS},
            "Parameters": {"Bucket.$": "$.plan.bucket", "Key.$": "$.plan.key"},
        },
        # The parent's execution: a child's own context names the child.
        "ItemSelector": {"part.$": "$$.Map.Item.Value", "execution": EXECUTION},
        "MaxConcurrency": context.timings.validation_concurrency,
        # Every other part is read all the same, so that the report is whole. It passes nothing: a
        # part whose child failed has no result, and SummariseValidation says inconclusive.
        "ToleratedFailurePercentage": 100.0,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "CompareSegment",
            "States": {"CompareSegment": _compare(context)},
        },
        # So that the summary finds both, whether it failed or not.
        "ResultSelector": {"Error": "", "Cause": ""},
        "ResultPath": "$.map",
        "Catch": catch("SummariseValidation", keep_in="$.map"),
        "Next": "SummariseValidation",
    }


def _compare(context: Context) -> State:
    return invoke(
        context.functions[FUNCTION],
        {"operation": "compare", "execution.$": "$.execution", "part.$": "$.part"},
        result="$",
        answer=["part"],
        then=None,
        catch=(),
        seconds=context.task_seconds(FUNCTION),
        final=["InvalidRequest"],
    )


def _check(context: Context, then: str) -> State:
    choices: list[State] = [
        {"Variable": "$.validation.verdict", "StringEquals": "match", "Next": then}
    ]
    if context.timings.validation_repair_limit:
        # Once: after a repair nothing counts as repairable.
        choices.append(
            {
                "And": [
                    {"Variable": "$.validation.verdict", "StringEquals": "mismatch"},
                    {"Variable": "$.validation.repairable", "BooleanEquals": True},
                ],
                "Next": "RepairData",
            }
        )
    # Mismatch, inconclusive, and whatever else: only a match goes on.
    return {"Type": "Choice", "Choices": choices, "Default": "ExecuteRollback"}
