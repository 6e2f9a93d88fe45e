"""Nothing of a rehearsal is left running or on disk, however it ends.

Everything is in one folder, and every process names it. The folder goes with its rehearsal; if
the director is killed (SIGKILL), a guardian process ends what it left; if that was killed too, the
next rehearsal does. Rehearsals side by side have folders, and locks, of their own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from rehearsal import sweep

VARIABLE = "REHEARSAL_FOLDER"
"""Names the folder to every child, so that it can be found again."""
_ROOM = 4 * 1024**3
_GRACE_SECONDS = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or a signal that asks to end. ``exit_code`` is what a shell would say of it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Scratch:
    """A folder, and the child processes and clean-ups that go with it, as a context manager.

    At the end the clean-ups run, last first, and then every process of the folder is ended and the
    folder removed. The first Ctrl-C (SIGINT), SIGTERM or SIGHUP raises :class:`Interrupted` where
    the main thread is, or at the end where the end has begun; the second skips the clean-ups that
    are left: what they would have ended is killed.

    ``parent`` holds the folder; by default a place in memory where there is one with room, else
    where temporary files are kept.
    """

    folder: Path

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent or Path(roomy_memory() or tempfile.gettempdir())
        self._clean_ups: list[Callable[[], object]] = []
        self._presses: list[int] = []
        self._is_ending = False
        self._handlers: dict[int, Any] = {}
        self.interrupted = threading.Event()
        """Set by the first Ctrl-C, for threads that wait."""

    def __enter__(self) -> Self:
        sweep.sweep(self._parent)
        self.folder = Path(tempfile.mkdtemp(prefix=sweep.PREFIX, dir=self._parent))
        try:
            self._begin()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def _begin(self) -> None:
        if os.geteuid() == 0:
            # Servers run as another account then, and must find their way to their own folders.
            self.folder.chmod(0o711)
        self._lock = _locked(self.folder)
        # In a session of its own: a Ctrl-C on the terminal is not for it.
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(sweep.__file__).resolve(), self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/",
        )  # fmt: skip
        self._variable = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(self.folder)
        # Only the main thread may say what signals do.
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                # Under nohup a lost terminal is to be ignored.
                if (before := signal.getsignal(number)) is not signal.SIG_IGN:
                    self._handlers[number] = before
                    signal.signal(number, self._pressed)

    def start(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
        """Starts a child process, which a Ctrl-C on the terminal does not reach; see ``adopt``.

        ``options`` are subprocess.Popen's.
        """
        return self.adopt(subprocess.Popen(command, **{"start_new_session": True} | options))

    def adopt(self, process: subprocess.Popen[Any]) -> subprocess.Popen[Any]:
        """Has ``process`` ended at the end: asked to (SIGTERM), and killed 5 s later."""
        self.callback(lambda: _end(process))
        return process

    def callback(self, clean_up: Callable[..., object], *arguments: object) -> None:
        """Has ``clean_up`` called at the end, before those that were given earlier."""
        self._clean_ups.append(lambda: clean_up(*arguments))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._is_ending = True
        failures: list[Exception] = []
        try:
            self._clean(failures)
        except Interrupted:
            pass
        finally:
            self._remove()
        if error is None and self._presses:
            raise Interrupted(self._presses[0])
        if error is None and failures:
            raise failures[0]

    def _clean(self, failures: list[Exception]) -> None:
        """Raises Interrupted on the second Ctrl-C."""
        while self._clean_ups and not self._is_forced:
            try:
                self._clean_ups.pop()()
            except Exception as error:
                failures.append(error)

    def _remove(self) -> None:
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)
        sweep.remove(self.folder)
        os.close(self._lock)
        self._guardian.wait()
        if self._variable is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._variable
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @property
    def _is_forced(self) -> bool:
        return len(self._presses) > 1

    def _pressed(self, number: int, frame: FrameType | None) -> None:
        self._presses.append(number)
        self.interrupted.set()
        if not self._is_ending or self._is_forced:
            raise Interrupted(number)


def roomy_memory() -> str | None:
    """A folder in memory, where there is one with room: files are gone faster than from a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - only the parent of a folder with a random name.
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if roomy and os.access(memory, os.W_OK | os.X_OK) else None


def _locked(folder: Path) -> int:
    """Makes the folder's lock, held from the moment it has its name; not inherited by children."""
    making = folder / "making"
    lock = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    making.rename(folder / sweep.LOCK)
    return lock


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
