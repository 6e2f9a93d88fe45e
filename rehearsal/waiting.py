"""Waiting for something that another process does, where nothing tells that it is done."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Until ``condition`` holds.

    Raises:
        TimeoutError: not within ``seconds``.
    """
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"Not within {seconds:.0f} s: what was waited for did not happen.")
        time.sleep(0.005)
