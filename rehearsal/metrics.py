"""What CloudWatch is told of the time that a wait has skipped (docs/rehearsal.md, "CloudWatch")."""

from __future__ import annotations

from datetime import datetime, timedelta

from rehearsal.sampler import Sampler
from rehearsal.site import Stage
from rehearsal.world import RehearsedWorld

_MINUTE = timedelta(minutes=1)
_LONGEST = 60
"""Minutes back for which samples are made: nobody asks for older ones."""


class Metrics:
    """Publishes each task's lag, and the API's requests at the rate that was seen lately.

    In a skipped minute nobody paid: it is counted as if the clients had gone on as before.
    """

    def __init__(self, stage: Stage, world: RehearsedWorld, sampler: Sampler) -> None:
        self._stage, self._world, self._sampler = stage, world, sampler

    def tell(self, seconds: float) -> None:
        """Of the last ``seconds``."""
        account, now = self._stage.account, self._world.clock.now()
        for arn in self._world.running_tasks():
            lag = self._stage.dms.lag(arn)
            if lag is not None:
                account.publish_lag(arn, lag, now - _MINUTE / 2, now)
        if minutes := min(int(seconds // 60), _LONGEST):
            self._count([now - back * _MINUTE for back in range(minutes)])

    def _count(self, minutes: list[datetime]) -> None:
        account = self._stage.account
        rate = 0.0 if self._world.is_silent else self._sampler.api_rate
        percent = account.aws_percent
        # At 100 percent there is no canary: the stage itself leads to AWS.
        canary = round(60 * rate * percent / 100) if percent < 100 else 0
        account.count_requests(*minutes, stage=round(60 * rate) - canary, canary=canary)
