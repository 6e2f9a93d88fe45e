"""A rehearsal's folder and processes are gone, whatever ends its director."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rehearsal import sweep
from rehearsal.tidy import Scratch
from rehearsal.waiting import until
from scripts.synthesized import ROOT

BEGIN = """
import signal, subprocess, sys, time
from pathlib import Path
from rehearsal.tidy import Interrupted, Scratch

def say(*words):
    print(*words, flush=True)

def wait():
    # Not signal.pause(): a signal just before it would not end it.
    while True:
        time.sleep(0.05)
"""
# One child that heeds a signal and one that does not; both sleep until they are ended.
BUSY = """
with Scratch(Path(sys.argv[1])) as scratch:
    (scratch.folder / "a file").write_text("x" * 100_000)
    scratch.start(["sleep", "600"])
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); "
    child = subprocess.Popen([sys.executable, "-c", deaf + "time.sleep(600)"], stdout=-1)
    child.stdout.readline()
    scratch.callback(say, "cleaned")
"""
READY = """
    say(scratch.folder)
"""
WAIT = f"""{READY}
    wait()
"""


@contextmanager
def director(script: str, parent: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A director that runs ``script``, in a process group of its own, and the folder it has."""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + textwrap.dedent(script), str(parent)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=ROOT, env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'lib/lambda'}"},
        start_new_session=True,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    with process.stdin, process.stdout, process.stderr:
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()
            process.wait()


def told(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Once it has ended: its exit code, and the rest of what it wrote."""
    assert process.stdout and process.stderr
    output, errors = process.stdout.read(), process.stderr.read()
    return process.wait(60), output, errors


def is_gone(folder: Path) -> bool:
    return not folder.exists() and not sweep.processes(folder)


def test_a_rehearsal_that_ends_leaves_nothing(tmp_path: Path) -> None:
    with director(BUSY + READY, tmp_path) as (process, folder):
        ended = told(process)
    assert ended == (0, "cleaned\n", "")
    assert is_gone(folder)
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    script = BUSY + READY + "    raise LookupError('told')\n"
    with director(script, tmp_path) as (process, folder):
        code, output, errors = told(process)
    assert (code, output) == (1, "cleaned\n")
    assert errors.rstrip().endswith("LookupError: told")
    assert is_gone(folder)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals, code: int) -> None:
    script = (
        "try:"
        + textwrap.indent(BUSY + WAIT, "    ")
        + "except Interrupted as error:\n    sys.exit(error.exit_code)\n"
    )
    with director(script, tmp_path) as (process, folder):
        process.send_signal(number)
        ended = told(process)
    assert ended == (code, "cleaned\n", "")
    assert is_gone(folder)


SLOW_END = """
    scratch.callback(say, "not reached by the second Ctrl-C")
    scratch.callback(lambda: (say("cleaning"), time.sleep(600)))
"""


def test_the_second_ctrl_c_skips_the_clean_ups_and_leaves_nothing(tmp_path: Path) -> None:
    with director(BUSY + SLOW_END + WAIT, tmp_path) as (process, folder):
        process.send_signal(signal.SIGINT)
        assert process.stdout and process.stdout.readline() == "cleaning\n"
        process.send_signal(signal.SIGINT)
        code, output, errors = told(process)
    assert (code, output) == (1, "")
    assert errors.rstrip().endswith("Interrupted: SIGINT")
    assert is_gone(folder)


def test_a_ctrl_c_at_the_end_lets_it_end_in_order(tmp_path: Path) -> None:
    slow_end = "    scratch.callback(lambda: (say('cleaning'), sys.stdin.readline()))\n"
    with director(BUSY + slow_end + READY, tmp_path) as (process, folder):
        assert process.stdout and process.stdout.readline() == "cleaning\n"
        process.send_signal(signal.SIGINT)
        assert process.stdin
        process.stdin.write("go on\n")
        process.stdin.flush()
        _, output, errors = told(process)
    assert output == "cleaned\n"
    assert errors.rstrip().endswith("Interrupted: SIGINT")
    assert is_gone(folder)


def test_a_clean_up_that_fails_does_not_keep_the_others(tmp_path: Path) -> None:
    done: list[str] = []

    def failing() -> None:
        raise OSError("told")

    with pytest.raises(OSError, match="told"), Scratch(tmp_path) as scratch:
        scratch.callback(done.append, "first")
        scratch.callback(failing)
        scratch.callback(done.append, "last")
    assert done == ["last", "first"]
    assert is_gone(scratch.folder)


def test_its_guardian_tidies_after_a_director_that_was_killed(tmp_path: Path) -> None:
    with director(BUSY + WAIT, tmp_path) as (process, folder):
        left = sweep.processes(folder)
        # The whole group, as a CI runner does.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert len(left) >= 2
    until(lambda: is_gone(folder))


def test_the_next_rehearsal_tidies_where_the_guardian_was_killed_too(tmp_path: Path) -> None:
    with director(BUSY + WAIT, tmp_path) as (process, folder):
        for pid in guardians(folder):
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
    assert sweep.processes(folder)
    with Scratch(tmp_path) as scratch:
        assert is_gone(folder)
        assert scratch.folder.exists()


def guardians(folder: Path) -> list[int]:
    guardian = str(sweep.__file__).encode()
    return [
        pid for pid, words in sweep._words()
        if guardian in words and str(folder).encode() in words
    ]  # fmt: skip


def test_two_side_by_side_do_not_touch_each_other(tmp_path: Path) -> None:
    with (
        director(BUSY + WAIT, tmp_path) as (first, one),
        director(BUSY + WAIT, tmp_path) as (second, other),
    ):
        processes = set(sweep.processes(other))
        first.kill()
        first.wait()
        until(lambda: is_gone(one))
        with Scratch(tmp_path):
            pass
        assert second.poll() is None
        assert (other / "a file").exists()
        assert set(sweep.processes(other)) == processes


@pytest.mark.parametrize("ending", [lambda p: p.terminate(), lambda p: p.kill()])
def test_a_postgresql_server_gives_its_shared_memory_back(
    tmp_path: Path, ending: Callable[[subprocess.Popen[str]], None]
) -> None:
    """The director dies, in order or not, before it could stop its server."""
    script = """
    from rehearsal import postgres
    with Scratch() as scratch:
        server = postgres.start(16, scratch.folder)
        say(scratch.folder)
        say((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        wait()
    """
    with director(script, tmp_path) as (process, folder):
        assert process.stdout
        maps = Path("/proc", process.stdout.readline().strip(), "maps")
        lines = maps.read_text().splitlines() if maps.exists() else []
        memory = {
            Path(words[-1]) for line in lines if "/PostgreSQL." in (words := line.split())[-1]
        }
        ending(process)
        process.wait()
    until(lambda: is_gone(folder))
    assert not [file for file in memory if file.exists()]


def test_a_folder_that_is_being_made_is_left_alone_and_a_forgotten_one_is_not(
    tmp_path: Path,
) -> None:
    made, forgotten = tmp_path / "rehearsal-made", tmp_path / "rehearsal-forgotten"
    made.mkdir()
    forgotten.mkdir()
    (forgotten / "file").touch()
    os.utime(forgotten, (0, 0))
    (tmp_path / "rehearsal-link").symlink_to(tmp_path)
    assert sweep.sweep(tmp_path) == [forgotten]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rehearsal-link", "rehearsal-made"]


def test_another_accounts_folder_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "rehearsal-theirs"
    theirs.mkdir()
    (theirs / sweep.LOCK).touch()
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    assert sweep.sweep(tmp_path) == []
