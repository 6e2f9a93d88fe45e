"""AWS on this machine, for the director and for the processes that it starts."""

from __future__ import annotations

import os
from types import TracebackType

import pytest
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_api import state_manager

from migration.clients import client
from rehearsal.aws import SimulatedAws
from rehearsal.interpreter import MOTO_CONFIG

_TASKS = "ecs::task"


class Simulation:
    """moto twice over the same resources: in this process, where boto3 reaches nothing else, and
    as a server for other processes. It takes a second to enter: keep it for many rehearsals, and
    ``reset`` it between them.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._patch = pytest.MonkeyPatch()
        # No role of a rehearsal has permissions.
        self._server = SimulatedAws(managed_policies=False)
        self._mock = mock_aws(config=MOTO_CONFIG)

    def __enter__(self) -> Simulation:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            self._patch.delenv(name)
        self._patch.setenv("AWS_DEFAULT_REGION", self._region)
        self._server.__enter__()
        self._mock.start()
        # A look at a task would move moto's on to its next status.
        state_manager.set_transition(_TASKS, {"progression": "manual", "times": 10**9})
        client.cache_clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        client.cache_clear()
        state_manager.unset_transition(_TASKS)
        self._mock.stop()
        self._server.__exit__(kind, error, trace)
        self._patch.undo()

    def reset(self) -> None:
        """An account without resources."""
        BackendDict.reset()
        reset_model_data()
        self._server.forget()

    def environment(self) -> dict[str, str]:
        """The variables that point another process here."""
        # Lambda sets both, and boto3 reads the second only.
        region = {"AWS_REGION": self._region, "AWS_DEFAULT_REGION": self._region}
        return self._server.environment() | region

    @property
    def refused(self) -> list[str]:
        """Calls of other processes that moto has no answer for, or failed at."""
        return [*self._server.unimplemented, *self._server.crashed]
