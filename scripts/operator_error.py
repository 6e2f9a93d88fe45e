"""Turns what an operator can mend into one sentence and exit code 1, without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from lib.settings import SettingsError
from scripts.terraform import TerraformMissingError


class OperatorError(RuntimeError):
    """The command cannot be carried out; the message says why and what to do."""


def run(command: Callable[[], None]) -> None:
    """Runs ``command``; exits with a sentence where settings, AWS or Terraform stand in the way."""
    try:
        command()
    except (OperatorError, SettingsError, TerraformMissingError) as error:
        sys.exit(str(error))
    except ClientError as error:
        # The code only: a validation message may repeat the value that was sent.
        code = error.response.get("Error", {}).get("Code", "unknown")
        sys.exit(
            f"AWS refused {error.operation_name} with {code}: check that ENVIRONMENT and the "
            "region are the deployed ones and that the credentials in use may do this."
        )
    except BotoCoreError as error:
        sys.exit(
            f"AWS cannot be asked ({error}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, for the account to use."
        )
