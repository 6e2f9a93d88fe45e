"""What an invocation ends with when the function does not answer."""

from __future__ import annotations


class FunctionFailed(Exception):
    """The function's code raised, or its process died.

    ``error_type``, ``message`` and ``trace`` are those that Lambda reports: the raised class's
    name, or ``Runtime.ExitError`` of a process that died, or ``Sandbox.Timedout``.
    """

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        self.error_type, self.message, self.trace = error_type, message, trace or []
        super().__init__(f"{error_type}: {message}")
