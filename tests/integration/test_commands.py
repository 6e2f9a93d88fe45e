"""The commands of the README, run in a copy of the repository with the packages installed here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.conftest import ROOT

pytestmark = pytest.mark.integration

INSTALLED = (".venv", "node_modules")
TIMEOUT_SECONDS = 300
STATE, PAYMENTS = "StateStackdev", "TapStackdev"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone has, file dates kept, with links to what ``make`` installed here."""
    clone = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    for name in INSTALLED:
        (clone / name).symlink_to(ROOT / name)
    return clone


@pytest.fixture(scope="module")
def synthesized(clone: Path) -> str:
    """What ``make synth`` printed in the clone."""
    answer = run(clone, "make", "synth")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def run(
    folder: Path, *command: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs ``command`` as in a shell where the clone's environment is activated."""
    foreign = {"ENVIRONMENT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"}
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    path = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=folder,
        env={**inherited, "PATH": path, "COLUMNS": "120", **(variables or {})},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )


def content(clone: Path, stack: str = PAYMENTS) -> dict[str, object]:
    text = (clone / "cdktf.out" / "stacks" / stack / "cdk.tf.json").read_text(encoding="utf-8")
    answer: dict[str, object] = json.loads(text)
    return answer


def test_make_synth_ends_with_what_was_made_and_what_is_next(synthesized: str) -> None:
    for words in (STATE, PAYMENTS, "resources: ", "Lambda bundle", "SHA-256", "Seconds", "JSON"):
        assert words in synthesized
    assert "make plan ENVIRONMENT=dev" in synthesized


def test_repeating_make_synth_installs_nothing_and_writes_the_same(
    clone: Path, synthesized: str
) -> None:
    before = content(clone)

    answer = run(clone, "make", "synth")

    assert answer.returncode == 0
    assert not [word for word in ("pipenv", "npm") if word in answer.stdout + answer.stderr]
    assert content(clone) == before


def test_a_changed_lock_file_is_installed_again(clone: Path, synthesized: str) -> None:
    installs = {"Pipfile.lock": "pipenv sync", "package-lock.json": "npm ci"}
    for lock, command in installs.items():
        assert command not in run(clone, "make", "-n", "synth").stdout
        old = (clone / lock).stat()
        (clone / lock).touch()
        assert command in run(clone, "make", "-n", "synth").stdout
        os.utime(clone / lock, ns=(old.st_atime_ns, old.st_mtime_ns))


@pytest.mark.parametrize("command", [("python", "tap.py"), ("cdktf", "synth")], ids=" ".join)
def test_the_other_ways_to_synthesize_write_the_same(
    clone: Path, synthesized: str, command: Sequence[str]
) -> None:
    before = content(clone)
    shutil.rmtree(clone / "cdktf.out")

    answer = run(clone, *command)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert content(clone)["resource"] == before["resource"]


def test_cdktf_synth_writes_hcl(clone: Path, synthesized: str) -> None:
    answer = run(clone, "cdktf", "synth", "--hcl", "--output", "hcl.out")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    text = (clone / "hcl.out" / "stacks" / PAYMENTS / "cdk.tf").read_text(encoding="utf-8")
    assert 'resource "aws_rds_cluster" ' in text


def test_a_python_that_is_too_old_is_told_before_anything_is_made(
    clone: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copytree(clone / "scripts", bare / "scripts")
    for name in ("Makefile", "Pipfile.lock", "package-lock.json", ".npmrc"):
        shutil.copy2(clone / name, bare / name)
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nif [ \"$1\" = -V ]; then echo 'Python 3.9.2'; fi\nexit 1\n")
    old.chmod(0o755)

    answer = run(bare, "make", "synth", f"PYTHON={old}")

    assert answer.returncode != 0
    assert f"{old} is Python 3.9.2: install Python 3.11 or later" in answer.stderr
    assert not (bare / ".venv").exists()


@pytest.fixture
def aws() -> Iterator[dict[str, str]]:
    """Variables that lead to an empty simulated account."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    server.stop()


@pytest.fixture
def terraform(tmp_path: Path) -> Path:
    """A Terraform that only notes what it is asked."""
    program = tmp_path / "terraform"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = version ]; then echo \'{"terraform_version": "1.11.4"}\'; exit 0; fi\n'
        f'echo "$2 $(basename -- "$1")" >> {tmp_path / "asked"}\n'
    )
    program.chmod(0o755)
    return tmp_path / "asked"


@pytest.mark.parametrize("verb", ["plan", "deploy", "destroy"])
def test_make_synthesizes_first(clone: Path, synthesized: str, verb: str) -> None:
    said = run(clone, "make", "-n", verb).stdout
    assert 0 <= said.find("scripts.synth") < said.find(f"scripts.lifecycle {verb}")


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        ("plan", [f"init {STATE}", f"plan {STATE}"]),
        ("deploy", [f"init {STATE}", f"apply {STATE}", f"init {PAYMENTS}", f"apply {PAYMENTS}"]),
        ("destroy", []),
    ],
)
def test_make_runs_terraform_on_the_synthesized_stacks(
    clone: Path,
    synthesized: str,
    aws: dict[str, str],
    terraform: Path,
    verb: str,
    asked: list[str],
) -> None:
    path = f"{terraform.parent}{os.pathsep}{os.environ['PATH']}"

    # Synthesized already; that `make` would do so is told by the test above.
    answer = run(clone, "make", "-o", "synth", verb, variables={**aws, "PATH": path})

    noted = terraform.read_text().splitlines() if terraform.exists() else []
    assert noted == asked
    assert (answer.returncode == 0) == bool(asked), answer.stderr
    if not asked:
        assert "nothing was deployed from this account" in answer.stderr
