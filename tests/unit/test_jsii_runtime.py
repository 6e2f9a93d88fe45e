"""Importing ``lib`` makes jsii start fast, and changes nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib import jsii_runtime

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "imaginary_provider"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package whose ``__init__`` must not run, with one module beside it."""
    folder = tmp_path / PACKAGE
    (folder / "_jsii").mkdir(parents=True)
    (folder / "_jsii" / "__init__.py").write_text("")
    (folder / "__init__.py").write_text("LOADED = True\n")
    (folder / "queue.py").write_text("NAME = 'queue'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def test_only_the_named_module_of_a_provider_is_imported(package: Path) -> None:
    jsii_runtime._register_lazily(PACKAGE)

    import imaginary_provider.queue as queue  # type: ignore[import-not-found]

    assert queue.NAME == "queue"
    assert not hasattr(sys.modules[PACKAGE], "LOADED")


def test_a_release_that_is_built_differently_is_imported_as_usual(package: Path) -> None:
    (package / "_jsii" / "__init__.py").unlink()

    jsii_runtime._register_lazily(PACKAGE)

    assert PACKAGE not in sys.modules
    import imaginary_provider

    assert imaginary_provider.LOADED is True


def test_an_imported_package_is_left_alone(package: Path) -> None:
    import imaginary_provider

    jsii_runtime._register_lazily(PACKAGE)

    assert sys.modules[PACKAGE] is imaginary_provider
    assert imaginary_provider.LOADED is True


def test_a_package_that_is_not_installed_is_no_error() -> None:
    jsii_runtime._register_lazily("no_such_package_anywhere")

    assert "no_such_package_anywhere" not in sys.modules


def test_node_of_the_wheel_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JSII_NODE", raising=False)

    jsii_runtime._use_bundled_node()

    version = subprocess.run(
        [os.environ["JSII_NODE"], "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("v24.")


def test_a_node_the_caller_names_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSII_NODE", "/opt/node/bin/node")

    jsii_runtime._use_bundled_node()

    assert os.environ["JSII_NODE"] == "/opt/node/bin/node"


def test_one_resource_loads_one_service_module() -> None:
    script = (
        "import lib, sys\n"
        "from cdktf_cdktf_provider_aws.sns_topic import SnsTopic\n"
        "parts = [m.split('.') for m in sys.modules]\n"
        "print(sorted({p[1] for p in parts if p[0] == 'cdktf_cdktf_provider_aws' and p[1:]}))\n"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "['_jsii', 'sns_topic']"
