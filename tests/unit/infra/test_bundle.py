"""Bundles are the same bytes on every machine and clone, and hold only what Lambda needs."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from lib.functions import dependencies
from lib.functions.bundle import CODE_ROOT, Bundle, code_bundle, code_files, zip_bytes
from lib.functions.dependencies import DependencyError, closure, dependency_bundle


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small code root."""
    root = tmp_path / "code"
    (root / "migration").mkdir(parents=True)
    (root / "handler.py").write_text("def handler(event, context): ...\n")
    (root / "migration" / "__init__.py").write_text("")
    (root / "migration" / "ca.pem").write_text("certificate\n")
    return root


def packed(root: Path) -> bytes:
    return zip_bytes(code_files(root))


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_the_same_files_give_the_same_bytes_after_touch_and_chmod(tree: Path) -> None:
    before = packed(tree)
    os.utime(tree / "handler.py", (1_000_000_000, 1_000_000_000))
    (tree / "handler.py").chmod(0o755)
    (tree / "migration").chmod(0o700)
    assert packed(tree) == before


def test_a_clone_gives_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere" / "clone"
    clone.mkdir(parents=True)
    # In another order: a directory lists its files as they were made.
    for path in sorted(tree.rglob("*"), reverse=True):
        if path.is_file():
            copy = clone / path.relative_to(tree)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)
    assert packed(clone) == packed(tree)


@pytest.mark.parametrize(
    "litter",
    ["__pycache__/handler.cpython-312.pyc", ".mypy_cache/x.json", "handler.py~", ".hidden.py"],
)
def test_what_work_leaves_behind_is_not_packed(tree: Path, litter: str) -> None:
    before = packed(tree)
    (tree / litter).parent.mkdir(exist_ok=True)
    (tree / litter).write_text("litter")
    assert packed(tree) == before


def test_a_changed_line_gives_another_hash_and_file_name(tree: Path) -> None:
    before = Bundle("code", packed(tree))
    (tree / "handler.py").write_text("def handler(event, context): return 1\n")
    after = Bundle("code", packed(tree))
    assert before.hash != after.hash
    assert before.file_name != after.file_name


def test_the_hash_is_the_base64_sha256_that_lambda_returns() -> None:
    bundle = code_bundle()
    assert base64.b64decode(bundle.hash) == hashlib.sha256(bundle.content).digest()


def test_members_are_sorted_stored_dated_and_readable(tree: Path) -> None:
    members = zipfile.ZipFile(io.BytesIO(packed(tree))).infolist()
    assert [m.filename for m in members] == [
        "handler.py",
        "migration/__init__.py",
        "migration/ca.pem",
    ]
    for member in members:
        assert member.compress_type == zipfile.ZIP_STORED
        assert member.date_time == (1980, 1, 1, 0, 0, 0)
        assert member.external_attr >> 16 == 0o100644


def test_no_code_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=str(tmp_path)):
        code_bundle(tmp_path)


def test_the_functions_bundle_has_every_handler_and_module() -> None:
    sources = {path.relative_to(CODE_ROOT).as_posix() for path in CODE_ROOT.rglob("*.py")}
    assert sources <= set(names(code_bundle().content))


def test_the_functions_bundle_takes_the_authority_of_the_source_along(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("the authority")
    bundle = code_bundle(source_ca=tmp_path / "ca.pem")
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
        assert archive.read("certificates/source.pem") == b"the authority"
    assert set(names(bundle.content)) - set(names(code_bundle().content)) == {
        "certificates/source.pem"
    }


def test_the_layer_resolves_what_is_required_and_what_that_requires() -> None:
    found = {each.name.lower().replace("_", "-") for each in closure(dependencies.REQUIRED)}
    assert found == {
        "asn1crypto",
        "aws-lambda-powertools",
        "jmespath",
        "pg8000",
        "python-dateutil",
        "scramp",
        "six",
        "typing-extensions",
    }


def test_the_layer_holds_nothing_that_the_installer_wrote() -> None:
    for name in names(dependency_bundle().content):
        assert name.startswith("python/")
        assert ".." not in name
        assert not name.endswith((".pyc", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json"))


def test_the_handlers_import_from_code_and_layer_alone(tmp_path: Path) -> None:
    """As in Lambda: boto3 comes with the runtime, the rest from the two bundles."""
    for bundle in (code_bundle(), dependency_bundle()):
        zipfile.ZipFile(io.BytesIO(bundle.content)).extractall(tmp_path)
    script = (
        "import sys, types\n"
        "for name in ('boto3', 'botocore', 'botocore.config', 'botocore.exceptions'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "sys.modules['botocore.config'].Config = dict\n"
        "for name in ('BotoCoreError', 'ClientError'):\n"
        "    setattr(sys.modules['botocore.exceptions'], name, type(name, (Exception,), {}))\n"
        "import api_authorizer, data_validator, replication_handler, rollback_handler\n"
        "import pg8000.native\n"
        "print(pg8000.native.__file__)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{tmp_path / 'python'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert str(tmp_path) in ran.stdout


def installed(site: Path, name: str, metadata: str = "", wheel: str = "py3-none-any") -> Path:
    """A distribution in ``site`` with one module, recorded as pip does."""
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}"
    )
    (folder / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {wheel}\n")
    (site / f"{name}.py").write_text("x = 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    (folder / "RECORD").write_text(
        f"{name}.py,sha256={digest},6\n__pycache__/{name}.cpython-312.pyc,,\n"
        f"../../../bin/{name},sha256=abc,3\n{folder.name}/RECORD,,\n"
    )
    return folder


def test_a_file_changed_after_installation_is_refused(tmp_path: Path) -> None:
    found = PathDistribution(installed(tmp_path, "alpha"))
    assert dict(dependencies._files(found)) == {"alpha.py": b"x = 1\n"}
    (tmp_path / "alpha.py").write_text("x = 2\n")
    with pytest.raises(DependencyError, match=r"alpha\.py of alpha 1\.0 was changed"):
        dict(dependencies._files(found))


def test_a_compiled_distribution_is_refused(tmp_path: Path) -> None:
    found = PathDistribution(installed(tmp_path, "beta", wheel="cp311-cp311-linux_x86_64"))
    with pytest.raises(DependencyError, match=r"beta 1\.0 is not pure Python"):
        dict(dependencies._files(found))


def test_a_requirement_that_depends_on_this_machine_is_refused(tmp_path: Path) -> None:
    marker = 'Requires-Dist: tomli; python_version < "3.11"\n'
    found = PathDistribution(installed(tmp_path, "gamma", metadata=marker))
    with pytest.raises(DependencyError, match="tomli"):
        closure(["gamma"], lambda name: found)


def test_extras_are_not_followed(tmp_path: Path) -> None:
    extra = "Requires-Dist: boto3; extra == 'aws-sdk'\n"
    found = PathDistribution(installed(tmp_path, "delta", metadata=extra))
    assert closure(["delta"], lambda name: found) == [found]


def test_a_missing_distribution_says_how_to_install_it() -> None:
    with pytest.raises(DependencyError, match=r"no-such-thing is not installed.*make synth"):
        closure(["no-such-thing"])
