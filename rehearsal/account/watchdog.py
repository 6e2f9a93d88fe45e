"""EventBridge and Lambda's asynchronous invocation: what happens when an execution has ended."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Invoke = Callable[[str, Any], Any]

# Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation": two
# more attempts, a minute after the first and two minutes after the second.
RETRIES_AFTER = (60.0, 120.0)
# A text in quotes, in which a value stands as it is, or a value that stands alone, as JSON.
_PLACE = re.compile(r'"(?:[^"\\]|\\.)*"|<(\w+)>')
_NAME = re.compile(r"<(\w+)>")


class UnsupportedPattern(ValueError):
    """An event pattern says something that this stand-in does not know."""


@dataclass(frozen=True)
class Delivery:
    """A rule's target with every reference resolved. ``dead_letter``: told of an event, and of why
    it failed each time, when there are no attempts left; None: it is dropped, as Lambda does."""

    pattern: Mapping[str, Any]
    function: str
    input_paths: Mapping[str, str]
    input_template: str
    dead_letter: Callable[[Any, str], None] | None = None


class Watchdog:
    """Gives events to the targets whose rule they match.

    ``invoke``: runs a function by name. ``wait``: called with the seconds before each retry.
    """

    def __init__(
        self, deliveries: list[Delivery], invoke: Invoke, wait: Callable[[float], None]
    ) -> None:
        self._deliveries = deliveries
        self._invoke = invoke
        self._wait = wait
        self._running: list[threading.Thread] = []

    def see(self, event: Mapping[str, Any]) -> None:
        """Start every function that a rule wants to be told of ``event``; does not wait for it."""
        for delivery in self._deliveries:
            if not matches(delivery.pattern, event):
                continue
            given = transformed(delivery.input_template, delivery.input_paths, event)
            thread = threading.Thread(target=self._deliver, args=(delivery, given), daemon=True)
            self._running.append(thread)
            thread.start()

    def settle(self, seconds: float = 120.0) -> None:
        """Wait until every function that was started has answered, or has no attempts left.

        Raises:
            TimeoutError: one of them takes longer than ``seconds``.
        """
        for thread in self._running:
            thread.join(seconds)
            if thread.is_alive():
                raise TimeoutError(f"a function of the watchdog still runs after {seconds:.0f} s")
        self._running.clear()

    def _deliver(self, delivery: Delivery, given: Any) -> None:
        why = ""
        for pause in (0.0, *RETRIES_AFTER):
            if pause:
                self._wait(pause)
            try:
                self._invoke(delivery.function, given)
                return
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
        if delivery.dead_letter:
            delivery.dead_letter(given, why)


def status_change(execution: str, machine: str, status: str) -> dict[str, Any]:
    """What Step Functions tells EventBridge when an execution ends; both are ARNs.

    Source: Step Functions developer guide, "Automating Step Functions event delivery with
    EventBridge".
    """
    region, account = execution.split(":")[3:5]
    return {
        "version": "0",
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "account": account,
        "region": region,
        "resources": [execution],
        "detail": {
            "executionArn": execution,
            "stateMachineArn": machine,
            "name": execution.rpartition(":")[2],
            "status": status,
        },
    }


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event has, for every field of the pattern, one of the values that it lists.

    Raises:
        UnsupportedPattern: the pattern compares otherwise than by value (``{"prefix": …}``).
    """
    found = []
    for name, wanted in pattern.items():
        value = event.get(name) if isinstance(event, Mapping) else None
        if isinstance(wanted, Mapping):
            found.append(matches(wanted, value))
            continue
        if any(isinstance(each, Mapping | list) for each in wanted):
            raise UnsupportedPattern(f"{name}: {json.dumps(wanted)}")
        found.append(value in wanted)
    return all(found)


def transformed(template: str, paths: Mapping[str, str], event: Mapping[str, Any]) -> Any:
    """The input that an input transformer makes of an event.

    Source: EventBridge user guide, "Amazon EventBridge input transformation".

    Raises:
        LookupError: the event has no such path, or the template a name without a path.
    """
    values = {name: _at(path, event) for name, path in paths.items()}

    def put(match: re.Match[str]) -> str:
        if match[1]:
            return json.dumps(values[match[1]])
        return _NAME.sub(lambda inner: json.dumps(str(values[inner[1]]))[1:-1], match[0])

    return json.loads(_PLACE.sub(put, template))


def _at(path: str, event: Mapping[str, Any]) -> Any:
    value: Any = event
    for name in path.removeprefix("$").split(".")[1:]:
        value = value[name]
    return value
