"""Creates the topics and queues, and the operators who read them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from migration.clients import client
from rehearsal.account.references import References
from rehearsal.synthesized import Synthesized

_OPERATORS = "operators"


def create_topics(synthesized: Synthesized, references: References) -> str:
    """Every topic; the URL of the queue that gets what any of them is told."""
    queue: str = client("sqs").create_queue(QueueName=_OPERATORS)["QueueUrl"]
    for address, declared in synthesized.each("aws_sns_topic"):
        topic = client("sns").create_topic(Name=declared["name"])["TopicArn"]
        references.note(address, id=topic, arn=topic)
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=_arn(queue))
    return queue


def create_queues(synthesized: Synthesized, references: References) -> dict[str, str]:
    """Every queue: ARN → URL."""
    urls: dict[str, str] = {}
    for address, declared in synthesized.each("aws_sqs_queue"):
        url = client("sqs").create_queue(QueueName=declared["name"])["QueueUrl"]
        references.note(address, id=url, url=url, arn=_arn(url))
        urls[_arn(url)] = url
    return urls


def taken(queue: str) -> Iterator[str]:
    """The bodies of the messages in a queue, oldest first, taken out of it."""
    sqs = client("sqs")
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            yield message["Body"]
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def told(queue: str) -> list[dict[str, str]]:
    """What SNS put there, each with ``Subject`` and ``Message``; taken out."""
    return [json.loads(body) for body in taken(queue)]


def _arn(queue: str) -> str:
    answer = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    return arn
