"""Terraform is found, or fetched and checked; a wrong archive leaves nothing behind."""

from __future__ import annotations

import functools
import hashlib
import io
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts import terraform
from scripts.terraform import TerraformMissingError, ensure, fetch, find


def program(version: str) -> bytes:
    return f'#!/bin/sh\necho \'{{"terraform_version": "{version}"}}\'\n'.encode()


def archive(member: str = "terraform") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        content.writestr("LICENSE.txt", "licence")
        content.writestr(member, program(terraform.VERSION))
    return buffer.getvalue()


def install(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "terraform"
    path.write_bytes(program(version))
    path.chmod(0o755)
    return path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is the test's."""


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[str]:
    """Address of a local release site that has the archive for linux_amd64 only."""
    site = tmp_path / "site"
    folder = site / terraform.VERSION
    folder.mkdir(parents=True)
    (folder / f"terraform_{terraform.VERSION}_linux_amd64.zip").write_bytes(archive())
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local archive's sum is the pinned one."""
    digest = hashlib.sha256(archive()).hexdigest()
    monkeypatch.setitem(terraform.SHA256, "linux_amd64", digest)


@pytest.fixture
def no_terraform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Terraform; returns where it would be installed."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin:/usr/bin")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    return tmp_path / "environment" / "bin"


def test_the_pinned_release_is_installed_and_runs(
    releases: str, pinned: None, tmp_path: Path
) -> None:
    installed = fetch(tmp_path / "bin", releases=releases, system="linux_amd64")

    answer = subprocess.run([installed], capture_output=True, text=True, check=True)
    assert terraform.VERSION in answer.stdout
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["terraform"]


def test_a_wrong_checksum_installs_nothing(releases: str, tmp_path: Path) -> None:
    with pytest.raises(TerraformMissingError) as refused:
        fetch(tmp_path / "bin", releases=releases, system="linux_amd64")

    assert hashlib.sha256(archive()).hexdigest() in str(refused.value)
    assert terraform.SHA256["linux_amd64"] in str(refused.value)
    assert "nothing was installed; install Terraform 1.11.4" in str(refused.value)
    assert list((tmp_path / "bin").iterdir()) == []


def test_a_wrong_checksum_leaves_the_old_program(releases: str, tmp_path: Path) -> None:
    old = install(tmp_path / "bin", "1.2.3")

    with pytest.raises(TerraformMissingError):
        fetch(tmp_path / "bin", releases=releases, system="linux_amd64")

    assert old.read_bytes() == program("1.2.3")


@pytest.mark.parametrize("system", ["linux_arm64", "darwin_amd64"])
def test_a_failed_download_says_what_to_install(releases: str, tmp_path: Path, system: str) -> None:
    with pytest.raises(
        TerraformMissingError, match=r"could not be fetched .*File not found.*: install"
    ):
        fetch(tmp_path / "bin", releases=releases, system=system)

    assert list((tmp_path / "bin").iterdir()) == []


def test_no_network_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(TerraformMissingError, match=r"refused.*: install Terraform 1\.11\.4"):
        fetch(tmp_path / "bin", releases="http://127.0.0.1:1", system="linux_amd64")


def test_a_system_without_a_pinned_sum_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(TerraformMissingError, match=r"'plan9_mips'.*install Terraform"):
        fetch(tmp_path / "bin", system="plan9_mips")

    assert not (tmp_path / "bin").exists()


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("Linux", "x86_64", "linux_amd64"), ("Darwin", "arm64", "darwin_arm64")],
)
def test_the_system_is_named_as_the_release_names_it(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, expected: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)

    assert terraform.this_system() == expected
    assert len(terraform.SHA256[expected]) == 64


@pytest.mark.parametrize("version", ["1.11.0", "1.12.2", "2.0.0-beta1"])
def test_a_terraform_on_path_is_used(no_terraform: Path, tmp_path: Path, version: str) -> None:
    there = install(tmp_path / "path", version)

    assert ensure() == there


@pytest.mark.parametrize("version", ["1.10.5", "0.15.0", "garbage"])
def test_one_that_is_too_old_is_passed_over(
    no_terraform: Path, tmp_path: Path, version: str
) -> None:
    install(tmp_path / "path", version)
    beside = install(no_terraform, terraform.VERSION)

    assert find() == beside


def test_without_any_the_release_is_fetched_beside_python(
    no_terraform: Path, releases: str, pinned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform, "this_system", lambda: "linux_amd64")
    monkeypatch.setattr(terraform.fetch, "__kwdefaults__", {"releases": releases, "system": None})

    assert ensure() == no_terraform / "terraform"
    assert find() == no_terraform / "terraform"
