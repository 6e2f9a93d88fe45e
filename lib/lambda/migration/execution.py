"""Which execution of the state machine a function works for."""

import re
from dataclasses import dataclass
from typing import Any

from migration.errors import InvalidRequest

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html ("name");
# the characters that are also safe in an S3 key.
_NAME = re.compile(r"[0-9A-Za-z_-]{1,80}")


@dataclass(frozen=True)
class Execution:
    """An execution's name, its ARN and when it started (ISO 8601); the last two may be empty."""

    name: str
    arn: str = ""
    started: str = ""

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Execution":
        """The execution an event names.

        Raises:
            InvalidRequest: it names none, or not by a possible name.
        """
        given: Any = event.get("execution")
        name = given.get("name") if isinstance(given, dict) else None
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidRequest(
                f"execution.name is {name!r}; it must be the name of an execution (up to 80 "
                'letters, digits, - and _), as in {"execution": {"name": "migration-1"}}'
            )
        return cls(name, given.get("arn") or "", given.get("started") or "")
