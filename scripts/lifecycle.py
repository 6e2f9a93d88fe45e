"""Runs Terraform on the synthesized stacks: plan, deploy, destroy.

The state of the payments stack is in an S3 bucket with a lock table, which the state stack
creates. The state stack's own state is a local file: it must exist before the bucket does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from lib.settings import Settings
from lib.settings_loader import load_settings
from scripts import terraform
from scripts.operator_error import OperatorError, run
from scripts.synthesized import OUTPUT, stacks

VERBS = ("plan", "deploy", "destroy")
ABSENT = ("404", "NoSuchBucket", "ResourceNotFoundException")


def main(arguments: Sequence[str]) -> None:
    """Carries out the one verb in ``arguments``.

    Raises:
        OperatorError, SettingsError, TerraformMissingError: with a message for the operator.
    """
    if len(arguments) != 1 or arguments[0] not in VERBS:
        raise OperatorError(f"{' '.join(arguments) or 'nothing'}: say one of {', '.join(VERBS)}.")
    settings = load_settings(os.environ)
    program = terraform.ensure()
    state, payments = _folders(settings)
    match arguments[0]:
        case "plan":
            _plan(program, settings, state, payments)
        case "deploy":
            if not state_exists(settings):
                _terraform(program, state, "apply")
            _terraform(program, payments, "apply")
        case "destroy":
            _destroy(program, settings, payments)


def _plan(program: Path, settings: Settings, state: Path, payments: Path) -> None:
    if state_exists(settings):
        _terraform(program, payments, "plan")
        return
    _terraform(program, state, "plan")
    print(
        f"The state bucket {settings.state_bucket} does not exist: 'make deploy' creates it "
        f"as planned above, then plans {payments.name} and asks before it applies."
    )


def _destroy(program: Path, settings: Settings, payments: Path) -> None:
    if settings.protect:
        raise OperatorError(
            f"{payments.name} is protected: to destroy it and its data, set "
            f'"protect": false in config/{os.environ.get("ENVIRONMENT", "dev")}.json, '
            "run 'make deploy', then 'make destroy' again."
        )
    if not state_exists(settings):
        raise OperatorError(
            f"The state bucket {settings.state_bucket} does not exist in "
            f"{settings.state_bucket_region}: nothing was deployed from this account."
        )
    _terraform(program, payments, "destroy")


def state_exists(settings: Settings) -> bool:
    """Whether both the state bucket and its lock table are there.

    Raises:
        OperatorError: AWS refuses to show them.
    """
    region = settings.state_bucket_region
    try:
        boto3.client("s3", region_name=region).head_bucket(Bucket=settings.state_bucket)
        boto3.client("dynamodb", region_name=region).describe_table(
            TableName=settings.state_lock_table
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ABSENT:
            return False
        raise OperatorError(
            f"AWS refuses to show the state bucket {settings.state_bucket} or the lock table "
            f"{settings.state_lock_table} ({code}): use credentials that may read them; where "
            "another account owns that bucket name, set TERRAFORM_STATE_BUCKET to a free one."
        ) from None
    return True


def _folders(settings: Settings) -> tuple[Path, Path]:
    """Folders of the state stack and of the payments stack of this environment."""
    folders = {stack.name: stack.folder for stack in stacks(OUTPUT)}
    suffix = settings.environment_suffix
    return folders[f"StateStack{suffix}"], folders[f"TapStack{suffix}"]


def _terraform(program: Path, folder: Path, verb: str) -> None:
    """``terraform init``, then ``verb``, which asks before it changes anything."""
    for arguments in (("init", "-input=false"), (verb,)):
        code = subprocess.run([program, f"-chdir={folder}", *arguments]).returncode  # noqa: S603
        if code:
            raise OperatorError(
                f"terraform {arguments[0]} of {folder.name} ended with code {code}: its message "
                "is above; mend the cause and run the same command again."
            )


if __name__ == "__main__":
    run(lambda: main(sys.argv[1:]))
