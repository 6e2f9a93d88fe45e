"""Tells when what the source held at some moment must have reached the target."""

from __future__ import annotations

from typing import Any, Protocol


class Watermark(Protocol):
    """``mark`` returns a token for now; ``passed`` says whether everything the source committed
    before that token has been applied on the target. ``confirmations``: how many tokens in a row
    must pass with the same difference before it is real. ``describe``: a token, for the report.
    """

    confirmations: int

    def mark(self) -> Any: ...
    def passed(self, token: Any) -> bool: ...
    def describe(self, token: Any) -> str: ...
