"""The gateway between Terraform and moto: replays retries, refuses gaps, remembers both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.test import Client

from rehearsal.aws.gateway import Gateway

CALL = {"amz-sdk-invocation-id": "one-call"}


class Counting:
    """Answers each request with its number and the status it was told."""

    def __init__(self, status: str = "200 OK", body: bytes | None = None) -> None:
        self.status, self.body, self.requests = status, body, 0

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests += 1
        start_response(self.status, [("Content-Type", "text/xml")])
        return [self.body or str(self.requests).encode()]


def test_a_retried_call_is_applied_once_and_answered_alike() -> None:
    moto = Counting()
    client = Client(Gateway(moto))
    answers = [client.post("/", headers=CALL).data for _ in range(3)]
    assert (answers, moto.requests) == ([b"1", b"1", b"1"], 1)


def test_calls_of_other_names_and_of_none_are_applied_each() -> None:
    moto = Counting()
    client = Client(Gateway(moto))
    client.post("/", headers=CALL)
    client.post("/", headers={"amz-sdk-invocation-id": "another"})
    client.post("/")
    client.post("/")
    assert moto.requests == 4


def test_what_is_forgotten_is_applied_again() -> None:
    moto = Counting()
    gateway = Gateway(moto)
    client = Client(gateway)
    client.post("/", headers=CALL)
    gateway.forget()
    assert client.post("/", headers=CALL).data == b"2"


def test_a_refusal_is_not_replayed_so_that_a_retry_may_succeed() -> None:
    moto = Counting("400 Bad Request")
    client = Client(Gateway(moto))
    client.post("/", headers=CALL)
    moto.status = "200 OK"
    assert client.post("/", headers=CALL).status_code == 200


def test_what_moto_lacks_is_answered_501_and_remembered_with_its_name() -> None:
    def moto(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise NotImplementedError("The put_fence action has not been implemented")

    gateway = Gateway(moto)
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=id/20261121/us-east-1/logs/aws4_request, x",
        "X-Amz-Target": "Logs_20140328.PutFence",
    }
    assert Client(gateway).post("/", headers=headers).status_code == 501
    assert gateway.unimplemented == [
        "logs Logs_20140328.PutFence: The put_fence action has not been implemented"
    ]


def test_an_address_without_a_route_counts_as_unimplemented() -> None:
    gateway = Gateway(Counting("404 NOT FOUND", b"<!doctype html>\n<title>404 Not Found</title>"))
    assert Client(gateway).get("/tags/arn?x=1").status_code == 501
    assert gateway.unimplemented == ["unsigned GET /tags/arn?x=1"]


def test_a_resource_that_is_not_there_is_no_gap() -> None:
    gateway = Gateway(Counting("404 NOT FOUND", b"<Error><Code>NoSuchBucket</Code></Error>"))
    assert Client(gateway).get("/bucket").status_code == 404
    assert gateway.unimplemented == []


def test_a_crash_of_moto_is_answered_501_and_remembered_with_its_traceback() -> None:
    def moto(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise KeyError("tgw-attach-1")

    gateway = Gateway(moto)
    assert Client(gateway).post("/").status_code == 501
    assert "KeyError: 'tgw-attach-1'" in gateway.crashed[0]
    assert gateway.unimplemented == []
