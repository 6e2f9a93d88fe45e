"""Removes what a rehearsal left that could not end by itself: its processes, and its folder.

A rehearsal's folder has a file ``lock``, which its director holds (flock) as long as it lives,
however it dies. A process belongs to a folder if its command line or its environment names it.
Run as a program, this is a rehearsal's guardian: it waits for the lock of one folder and removes
what is left. Only the standard library is imported, so it starts in no time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "rehearsal-"
LOCK = "lock"
_GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.02
# A folder without a lock is one that is just being made, or whose maker died in between.
_MAKING_SECONDS = 600.0


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Holds the folder's lock: whether it was free, or with ``wait`` as soon as it is.

    False where the folder or its lock is gone.
    """
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield (folder / LOCK).exists()
    except BlockingIOError:
        yield False
    finally:
        os.close(lock)


def sweep(parent: Path) -> list[Path]:
    """Removes what dead rehearsals of this account left below ``parent``; their folders."""
    return [folder for folder in sorted(parent.glob(f"{PREFIX}*")) if _swept(folder)]


def _swept(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    if status.st_uid != os.geteuid() or folder.is_symlink() or not folder.is_dir():
        return False
    if not (folder / LOCK).exists():
        if time.time() - status.st_mtime < _MAKING_SECONDS:
            return False
        remove(folder)
        return True
    with locked(folder, wait=False) as is_stale:
        if is_stale:
            remove(folder)
        return is_stale


def remove(folder: Path) -> None:
    """Ends every process of ``folder`` but this one, then removes it, its lock last."""
    end_processes(folder)
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.name == LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def end_processes(folder: Path) -> None:
    """Ends every process of ``folder`` but this one and its guardian.

    PostgreSQL servers get the signal for an immediate shutdown (SIGQUIT), upon which they give
    their shared memory back; everything else, and a server that is still there 10 s later, is
    killed: all it wrote is in the folder.
    """
    servers = _postmasters(folder)
    for pid in processes(folder):
        _signal(pid, signal.SIGQUIT if pid in servers else signal.SIGKILL)
    ends = time.monotonic() + _GRACE_SECONDS
    while left := processes(folder):
        if time.monotonic() > ends:
            for pid in left:
                _signal(pid, signal.SIGKILL)
            return
        time.sleep(_POLL_SECONDS)


def processes(folder: Path) -> list[int]:
    """Every process that names ``folder``, but this one and the folder's guardian."""
    name = os.fsencode(folder)
    guardian = os.fsencode(Path(__file__).resolve())
    return [
        pid for pid, words in _words() if name in words and guardian not in words
        and pid != os.getpid()
    ]  # fmt: skip


def _words() -> Iterator[tuple[int, bytes]]:
    """Of every process of the machine what it was started with: words and environment."""
    proc = Path("/proc")
    if (proc / "self" / "cmdline").exists():
        for entry in proc.iterdir():
            if entry.name.isdigit():
                yield int(entry.name), _read(entry / "cmdline") + b"\0" + _read(entry / "environ")
        return
    # macOS has no /proc; there -E adds the environment.
    command = ["/bin/ps", "-axEww", "-o", "pid=", "-o", "command="]
    listed = subprocess.run(command, capture_output=True, check=False).stdout
    for line in listed.splitlines():
        number, _, words = line.strip().partition(b" ")
        if number.isdigit():
            yield int(number), words


def _read(file: Path) -> bytes:
    """Its bytes; none where the process is gone, or another account's."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _postmasters(folder: Path) -> set[int]:
    found = set()
    for file in folder.rglob("postmaster.pid"):
        with suppress(OSError, ValueError, IndexError):
            found.add(int(file.read_text(encoding="ascii").splitlines()[0]))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def guard(folder: Path) -> None:
    """Waits until nobody holds the folder's lock, then removes what is left of it."""
    with locked(folder, wait=True) as is_left:
        if is_left:
            remove(folder)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guard(Path(sys.argv[1]))
