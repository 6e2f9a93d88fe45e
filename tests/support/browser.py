"""A headless Chromium, spoken to through its DevTools protocol over a pair of pipes.

Pipes need no package, unlike its web socket, and no port that two runs could want.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any, Literal

from rehearsal.machine import MachineLacks
from scripts.system_packages import CHROMIUM, find

Scheme = Literal["light", "dark"]
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
# DevTools reads its pipe as file 3 and writes to 4; the shell puts ours there.
_START = 'r=$1 w=$2; shift 2; exec "$@" 3</dev/fd/$r 4>/dev/fd/$w'
_FIRST_FREE = 10


@dataclass
class Browser:
    """One page, told what to show and asked what it shows."""

    to: IO[bytes]
    answers: IO[bytes]
    session: str | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A DevTools command; its result.

        Raises:
            RuntimeError: what Chromium has against it, or that it ended.
        """
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        self.to.write(json.dumps(command).encode() + b"\0")
        self.to.flush()
        while (answer := self._read()).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        read = bytearray()
        while (one := self.answers.read(1)) != b"\0":
            if not one:
                raise RuntimeError("Chromium ended")
            read += one
        answer: dict[str, Any] = json.loads(read)
        return answer

    def show(self, page: Path, width: int, scheme: Scheme = "light", media: str = "screen") -> None:
        """Open ``page`` in a window of this width, and as high as the page is."""
        self.call(
            "Emulation.setEmulatedMedia",
            media=media,
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self._size(width, 900)
        address = page.resolve().as_uri()
        self.call("Page.navigate", url=address)
        while self.evaluate("document.readyState + location.href") != f"complete{address}":
            pass
        self._size(width, int(self.evaluate("document.documentElement.scrollHeight")))

    def _size(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def screenshot(self, file: Path) -> None:
        """What is shown, as PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A Chromium that keeps what it keeps in ``folder``, and is gone afterwards."""
    program = find(*CHROMIUM)
    if program is None:
        raise MachineLacks("Chromium is missing: run `make test` as root, or install it.")
    ours_in, ours_out = _pipe(), _pipe()
    command = [
        "sh", "-c", _START, "sh", str(ours_in[0]), str(ours_out[1]),
        program, *_FLAGS, f"--user-data-dir={folder}", "about:blank",
    ]  # fmt: skip
    environment = os.environ | {"HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    process = subprocess.Popen(
        command, pass_fds=(ours_in[0], ours_out[1]), env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(ours_in[0])
    os.close(ours_out[1])
    with os.fdopen(ours_in[1], "wb") as to, os.fdopen(ours_out[0], "rb") as answers:
        try:
            browser = Browser(to, answers)
            browser.session = _attach(browser)
            yield browser
            browser.session = None
            browser.call("Browser.close")
            process.wait(timeout=30)
        finally:
            process.kill()
            process.wait(timeout=30)


def _pipe() -> tuple[int, int]:
    """Two ends whose numbers are none of those that DevTools wants."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def _attach(browser: Browser) -> str:
    targets = browser.call("Target.getTargets")["targetInfos"]
    page = next(target["targetId"] for target in targets if target["type"] == "page")
    attached = browser.call("Target.attachToTarget", targetId=page, flatten=True)
    return str(attached["sessionId"])
