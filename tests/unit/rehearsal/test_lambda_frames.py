"""Messages arrive as they were sent, whole or not at all."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.lambda_runtime.door import answered
from rehearsal.lambda_runtime.frames import packed, receive, send
from rehearsal.lambda_runtime.function import FunctionFailed

scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(st.lists(documents, max_size=4))
def test_they_arrive_in_order(messages: list[Any]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in messages:
            send(ours, message)
        assert [receive(theirs) for _ in messages] == messages


@given(documents, st.data())
def test_half_a_message_is_none(message: Any, data: st.DataObject) -> None:
    whole = packed(message)
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(EOFError):
            receive(theirs)


def test_a_silent_peer_is_not_waited_for_beyond_the_limit() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(0.001)
        with pytest.raises(TimeoutError):
            receive(theirs)


@given(st.binary() | documents.map(lambda document: json.dumps(document).encode()))
def test_whatever_a_caller_writes_is_answered(line: bytes) -> None:
    def invoke(name: str, event: Any) -> Any:
        raise AssertionError(f"{line!r} calls {name!r}")

    assert answered(line, invoke)["error_type"] == "InvalidRequestContentException"


@given(st.text(), documents)
def test_a_call_is_answered_with_its_result_or_its_error(name: str, event: Any) -> None:
    line = json.dumps({"function": name, "event": event}).encode()
    assert answered(line, lambda *call: list(call)) == {"result": [name, event]}

    def fail(name: str, event: Any) -> Any:
        raise FunctionFailed("Kind", name)

    assert answered(line, fail) == {"error_type": "Kind", "message": name}
