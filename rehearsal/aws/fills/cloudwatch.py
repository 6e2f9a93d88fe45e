"""CloudWatch.

Gap closed: PutCompositeAlarm is missing, and a composite alarm was answered without its rule.
AWS refuses a rule that names an alarm it does not know, and so does the fill.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import Alarm
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

# CloudWatch API reference, PutCompositeAlarm: ALARM("name"), OK(name), INSUFFICIENT_DATA(name).
_NAMED = re.compile(r"""\b(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*["']?([^"')]+?)["']?\s*\)""")


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    patch.setattr(CloudWatchResponse, "put_composite_alarm", _put_composite_alarm, raising=False)
    patch.setattr(Alarm, "alarm_rule", property(lambda self: self.rule), raising=False)


def _put_composite_alarm(self: Any) -> ActionResult:
    known = {alarm.name for alarm in self.cloudwatch_backend.describe_alarms()}
    for name in _NAMED.findall(self._get_param("AlarmRule")):
        # A rule may name an alarm by its ARN, which ends in the name.
        if name.rsplit(":", 1)[-1] not in known:
            raise ValidationError(f"Could not find the alarm {name} that AlarmRule names.")
    answer: ActionResult = self.put_metric_alarm()
    return answer
