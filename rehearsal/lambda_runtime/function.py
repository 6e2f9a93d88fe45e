"""A Lambda function as it is deployed, and how an invocation of it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Function:
    """One function of the synthesized JSON.

    ``handler``: module.function. ``code`` and ``layers``: zip files, as they would be uploaded.
    ``timeout`` in seconds, ``memory_mb`` in megabytes. ``environment``: the declared variables,
    with their references resolved.
    """

    name: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    timeout: int
    memory_mb: int
    environment: Mapping[str, str]


class FunctionFailed(Exception):
    """An invocation failed, as Lambda tells it: the class, message and trace of what the code
    raised, or an ``error_type`` of Lambda's own: Runtime.ExitError when its process died,
    Sandbox.Timedout, Runtime.ImportModuleError, ResourceNotFoundException … (Lambda developer
    guide, "Troubleshoot invocation issues in Lambda")."""

    def __init__(self, error_type: str, message: str, trace: Sequence[str] = ()) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.message = message
        self.trace = list(trace)
