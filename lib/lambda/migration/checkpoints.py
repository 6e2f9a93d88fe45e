"""Objects in the checkpoint bucket: JSON, written only if nobody else wrote meanwhile, and text.

S3 refuses a conditional request with 412 when the condition does not hold and with 409 when
another request to the same key was under way:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from migration import clients

_CONDITION_FAILED = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


def read(bucket: str, key: str) -> tuple[dict[str, Any], str] | None:
    """The object and its ETag; None when there is none."""
    try:
        answer = clients.client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    return json.load(answer["Body"]), answer["ETag"]


def write(bucket: str, key: str, document: dict[str, Any]) -> None:
    """Write the object, whatever was there."""
    _put(bucket, key, document)


def write_text(bucket: str, key: str, text: str, content_type: str) -> None:
    """Write ``text`` as it is, whatever was there."""
    clients.client("s3").put_object(
        Bucket=bucket, Key=key, Body=text.encode(), ContentType=content_type
    )


def create(bucket: str, key: str, document: dict[str, Any]) -> bool:
    """Write the object if there is none; False, and no change, if there is one."""
    return _condition_held(lambda: _put(bucket, key, document, IfNoneMatch="*"))


def replace(bucket: str, key: str, document: dict[str, Any], etag: str) -> bool:
    """Write the object if it still is the one with this ETag; False, and no change, if not."""
    return _condition_held(lambda: _put(bucket, key, document, IfMatch=etag))


def delete(bucket: str, key: str, etag: str) -> bool:
    """Delete the object if it still is the one with this ETag; False, and no change, if not."""
    return _condition_held(
        lambda: clients.client("s3").delete_object(Bucket=bucket, Key=key, IfMatch=etag)
    )


def _put(bucket: str, key: str, document: dict[str, Any], **condition: str) -> None:
    body = json.dumps(document, indent=2, sort_keys=True).encode()
    clients.client("s3").put_object(
        Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition
    )


def _condition_held(request: Callable[[], object]) -> bool:
    try:
        request()
    except ClientError as error:
        if error.response["Error"]["Code"] in _CONDITION_FAILED:
            return False
        raise
    return True
