"""Programs of the system are found, installed where that is allowed, or asked for in a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts import system_packages
from scripts.system_packages import CHROMIUM, FOR_TESTS, PackageMissingError, ensure, find


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it; the folder of its programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(system_packages, "FOLDERS", str(tmp_path / "sbin"))
    return tmp_path


def program(path: Path, script: str = "") -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def apt_get(machine: Path, exit_code: int = 0) -> Path:
    """An apt-get that notes what it is asked; the file of its notes."""
    notes = machine / "notes"
    program(machine / "apt-get", f'echo "$@" >> {notes}\necho "no luck"\nexit {exit_code}')
    return notes


def test_nothing_is_installed_where_all_is_there(machine: Path) -> None:
    notes = apt_get(machine)
    program(machine / "openssl")
    program(machine / "sbin" / "pgbouncer")

    ensure()

    assert not notes.exists()


def test_root_installs_what_is_missing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    notes = apt_get(machine)
    program(machine / "openssl")

    ensure()

    assert notes.read_text().splitlines() == [
        "update --quiet",
        "install --yes --quiet --no-install-recommends pgbouncer",
    ]


def test_the_tests_need_a_browser_too(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    notes = apt_get(machine)
    program(machine / "openssl")
    program(machine / "pgbouncer")

    ensure(FOR_TESTS)

    assert notes.read_text().splitlines()[1:] == [
        "install --yes --quiet --no-install-recommends chromium"
    ]


@pytest.mark.parametrize("name", CHROMIUM[:3])
def test_any_chromium_will_do(machine: Path, name: str) -> None:
    notes = apt_get(machine)
    for each in ("openssl", "pgbouncer", name):
        program(machine / each)

    ensure(FOR_TESTS)

    assert not notes.exists()
    assert find(*CHROMIUM) == str(machine / name)


def test_it_says_why_it_could_not(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    apt_get(machine, exit_code=100)

    with pytest.raises(PackageMissingError, match="apt-get update --quiet failed: no luck"):
        ensure()


def test_others_are_told_the_command(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    notes = apt_get(machine)

    with pytest.raises(PackageMissingError, match=r"\(sudo apt-get install pgbouncer openssl\)"):
        ensure()
    assert not notes.exists()


def test_without_apt_get_homebrew_is_named(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(PackageMissingError, match=r"\(brew install pgbouncer openssl\)"):
        ensure()
