"""What the JSON's event rules deliver to, and where an event goes that a function failed at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migration.clients import client
from rehearsal.account.references import References
from rehearsal.account.watchdog import Delivery
from rehearsal.synthesized import Synthesized


def dead_letter_queues(
    synthesized: Synthesized, references: References, urls: Mapping[str, str]
) -> dict[str, str]:
    """Function → URL of its dead letter queue. ``urls``: ARN → URL of every queue."""
    found = {
        declared["function_name"]: declared["dead_letter_config"]["target_arn"]
        for _, declared in synthesized.each("aws_lambda_function")
        if "dead_letter_config" in declared
    }
    return {name: urls[references.text(arn)] for name, arn in found.items()}


def deliveries(
    synthesized: Synthesized, references: References, queues: Mapping[str, str]
) -> Iterator[Delivery]:
    """Every target of every rule. ``queues``: as :func:`dead_letter_queues` answers."""
    for rule in synthesized.rules:
        pattern = json.loads(references.text(rule.pattern))
        for target in rule.targets:
            function = references.text(target.arn).rpartition(":")[2]
            yield Delivery(
                pattern=pattern,
                function=function,
                input_paths=target.input_paths,
                input_template=target.input_template,
                dead_letter=_sender(queues[function]) if function in queues else None,
            )


def _sender(queue: str) -> Callable[[Any, str], None]:
    def send(event: Any, why: str) -> None:
        client("sqs").send_message(
            QueueUrl=queue,
            MessageBody=json.dumps(event),
            MessageAttributes={"ErrorMessage": {"DataType": "String", "StringValue": why}},
        )

    return send
