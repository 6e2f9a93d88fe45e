"""A function together with the process that makes its containers."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.functions.runtime import RUNTIME
from rehearsal.lambda_runtime.forks import Code, ForkServer
from rehearsal.lambda_runtime.function import Function

_ACCOUNT = "123456789012"
"""moto's account for callers without credentials of their own."""
COMMON = {
    "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
    # Not Lambda's: what the developer keeps in ~/.aws decides nothing.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""What Lambda tells every function (Lambda developer guide, "Defined runtime environment
variables"), without its extensions and traces."""


@dataclass(frozen=True)
class Deployed:
    """``function`` made ready to run: its zips are the folders of ``code``.

    ``aws``: variables that say where AWS is, and who calls. ``logs``: a folder.
    """

    function: Function
    code: Code
    forks: ForkServer
    aws: Mapping[str, str]
    logs: Path

    @property
    def arn(self) -> str:
        """The function's."""
        return f"arn:aws:lambda:{self._region}:{_ACCOUNT}:function:{self.function.name}"

    def fork(self) -> tuple[int, socket.socket]:
        """A new container."""
        return self.forks.fork(
            self.function.handler, self.environment(), self.logs / f"{self.function.name}.log"
        )

    def environment(self) -> dict[str, str]:
        """The environment of its containers."""
        name = self.function.name
        return {
            **COMMON,
            **self.aws,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": name,
            "LAMBDA_TASK_ROOT": str(self.code.folder),
            "LAMBDA_RUNTIME_DIR": str(self.code.packages),
            "_HANDLER": self.function.handler,
            **self.function.environment,
        }

    @property
    def _region(self) -> str:
        return self.aws["AWS_REGION"]
