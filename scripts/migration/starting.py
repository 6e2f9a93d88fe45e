"""``start``: an execution that knows who started it, unless another holds the environment."""

from __future__ import annotations

import json

from lib.workflow.definition import PHASES
from migration import checkpoints, clock, lock, request
from scripts.migration.deployment import Deployment
from scripts.operator_error import OperatorError


def start(deployment: Deployment, stop_after: str | None) -> str:
    """Start an execution named after the time, and return its name.

    The lock is looked at first, for a clear word at once; the execution takes it by itself.

    Raises:
        InvalidRequest: ``stop_after`` names a phase that cannot be the last.
        OperatorError: another execution holds the lock, or there is no machine.
    """
    given = {"started_by": deployment.caller}
    if stop_after:
        given["stop_after"] = stop_after
    request.of(given, list(PHASES))
    _check_lock(deployment)
    name = f"migration-{clock.now():%Y%m%dT%H%M%SZ}"
    states = deployment.states
    try:
        states.start_execution(
            stateMachineArn=deployment.machine_arn, name=name, input=json.dumps(given)
        )
    except states.exceptions.StateMachineDoesNotExist:
        raise OperatorError(
            f"Nothing was started, because there is no state machine {deployment.machine_arn}: set "
            "ENVIRONMENT and credentials to the deployed ones, or deploy it ('make deploy')."
        ) from None
    return name


def _check_lock(deployment: Deployment) -> None:
    stored = checkpoints.read(deployment.bucket, lock.KEY)
    if stored is None:
        return
    holder, since = stored[0]["execution"], stored[0]["since"]
    raise OperatorError(
        f"Nothing was started, because {holder} has been migrating this environment since {since}: "
        f"wait until it ends ('pipenv run migration status {holder} --watch'), or take it back "
        f"('pipenv run migration rollback {holder}')."
    )
