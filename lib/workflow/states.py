"""Small builders for the states the workflow is made of.

Every Task they make has a time limit, retries and a catch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

State = dict[str, Any]

EXECUTION = {
    "name.$": "$$.Execution.Name",
    "arn.$": "$$.Execution.Id",
    "started.$": "$$.Execution.StartTime",
}
"""The ``execution`` of every function's event, from the context object."""

# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
# ("Handle transient Lambda service exceptions")
_LAMBDA_TRANSIENT: State = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
# Operations are idempotent, so an error nobody named is worth a few more attempts too.
_ANY_ERROR: State = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 5,
    "BackoffRate": 2,
    "MaxAttempts": 3,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
_PENDING: State = {"IntervalSeconds": 15, "BackoffRate": 1, "MaxAttempts": 40}
"""For errors that mean "not yet": every 15 s for 10 minutes."""
# While writes are held a second counts, and so does a stalled call: one more attempt, at once.
_HELD: State = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 1,
    "BackoffRate": 1,
    "MaxAttempts": 1,
}
_PAUSED: State = {
    "ErrorEquals": ["MigrationPaused"],
    "IntervalSeconds": 60,
    "BackoffRate": 1,
    "MaxAttempts": 1440,
}
"""The operator's ``pause``: the step is asked again every minute, for a day."""

# States.ALL does not cover the second:
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_EVERY_ERROR = (["States.ALL"], ["States.DataLimitExceeded"])


def catch(then: str, *, keep_in: str) -> list[State]:
    """Whatever goes wrong: keep the error under ``keep_in`` and go to ``then``."""
    # States.ALL must come last and alone.
    return [
        {"ErrorEquals": errors, "ResultPath": keep_in, "Next": then}
        for errors in reversed(_EVERY_ERROR)
    ]


def invoke(
    function_arn: str,
    payload: Mapping[str, Any],
    *,
    result: str,
    answer: Sequence[str],
    then: str | None,
    catch: Sequence[State],
    seconds: int,
    pending: Sequence[str] = (),
    final: Sequence[str] = (),
    pausable: bool = False,
    held: bool = False,
) -> State:
    """Call a function and keep the fields ``answer`` of what it returns under ``result``.

    ``then`` None ends a child of a Map, whose errors the Map takes care of: ``catch`` is empty.
    ``seconds``: the Task's time limit. ``pending``: errors that mean "ask again"; ``final``:
    errors that no retry can cure. ``pausable``: the operator may hold the workflow before it.
    ``held``: writes wait meanwhile, so it gets one quick retry and no patience.
    """
    retry = [_HELD] if held else [_LAMBDA_TRANSIENT, _ANY_ERROR]
    if pausable:
        retry.insert(0, _PAUSED)
    if pending:
        retry.insert(0, {"ErrorEquals": list(pending), **_PENDING})
    if final:
        retry.insert(0, {"ErrorEquals": list(final), "MaxAttempts": 0})
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload": dict(payload)},
        "ResultSelector": {f"{field}.$": f"$.Payload.{field}" for field in answer},
        "ResultPath": result,
        "TimeoutSeconds": seconds,
        "Retry": retry,
        **({"Catch": list(catch)} if catch else {}),
        **({"Next": then} if then else {"End": True}),
    }


def await_token(
    function_arn: str,
    payload: Mapping[str, Any],
    *,
    result: str,
    then: str,
    catch: Sequence[State],
    seconds: int,
    final: Sequence[str] = (),
) -> State:
    """Have a function ask somebody, and wait up to ``seconds`` for the answer.

    The function is given the task token; whoever sends it back decides, with SendTaskSuccess
    (its output goes to ``result``) or SendTaskFailure. Silence is States.Timeout.
    """
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": function_arn,
            "Payload": {**payload, "execution": EXECUTION, "token.$": "$$.Task.Token"},
        },
        "ResultPath": result,
        "TimeoutSeconds": seconds,
        "Retry": [
            {"ErrorEquals": [*final, "States.Timeout"], "MaxAttempts": 0},
            _LAMBDA_TRANSIENT,
            _ANY_ERROR,
        ],
        "Catch": list(catch),
        "Next": then,
    }


def publish(topic_arn: str, *, subject: str, message: Mapping[str, str], then: str) -> State:
    """Publish to the topic; if that stays impossible, go on to ``then`` all the same.

    ``message``: {"Message": text} or {"Message.$": path or intrinsic function}.
    """
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": topic_arn, "Subject": subject, **message},
        "ResultPath": None,
        "TimeoutSeconds": 60,
        "Retry": [_ANY_ERROR],
        "Catch": catch(then, keep_in="$.notify_error"),
        "Next": then,
    }
