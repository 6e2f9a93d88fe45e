"""Which code runs: the zips, with what Lambda has, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from lib.functions.bundle import CODE_ROOT, code_bundle, code_files, zip_bytes
from rehearsal.lambda_runtime.function import Function
from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import MEETS, failure, function, zipped

HANDLERS = (
    "api_authorizer",
    "cutover_handler",
    "data_validator",
    "replication_handler",
    "rollback_handler",
    "traffic_handler",
)


def test_every_handler_of_the_bundle_runs(runtime: Runtime, bundle: Function) -> None:
    runtime.deploy(
        [
            function(
                bundle.code.parent,
                bundle.code,
                name,
                handler=f"{name}.handler",
                layers=bundle.layers,
                environment={
                    "API_SECRET_PARAMETER": "/keys",
                    "TOKEN_MAX_AGE_SECONDS": "300",
                    "CLOCK_SKEW_SECONDS": "30",
                    "KEY_CACHE_SECONDS": "60",
                },
            )
            for name in HANDLERS
        ]
    )
    told = {name: failure(runtime, {"operation": "dance"}, name).message for name in HANDLERS}
    assert "methodArn is None" in told.pop("api_authorizer")
    assert "execution.name" in told.pop("rollback_handler")
    for message in told.values():
        assert message.startswith("operation is 'dance'; it must be one of ")


def test_a_changed_zip_changes_the_answer(runtime: Runtime, bundle: Function, folder: Path) -> None:
    files = code_files(CODE_ROOT)
    files["migration/dispatch.py"] = files["migration/dispatch.py"].replace(
        b"it must be one of", b"planted in the zip"
    )
    changed = folder / "changed.zip"
    for content, expected in ((code_bundle().content, "it must"), (zip_bytes(files), "plante")):
        changed.write_bytes(content)
        handler = "traffic_handler.handler"
        runtime.deploy([function(folder, changed, handler=handler, layers=bundle.layers)])
        assert expected in failure(runtime, {"operation": "dance"}).message


def test_only_the_zips_and_the_runtimes_packages_can_be_imported(
    runtime: Runtime, bundle: Function, folder: Path
) -> None:
    code = """
import sys
def handler(event, context):
    import boto3, botocore, dateutil, jmespath, s3transfer, six, urllib3, pg8000, json
    found = []
    for name in event:
        try:
            __import__(name)
        except ModuleNotFoundError:
            continue
        found.append(name)
    files = [getattr(m, "__file__", None) for m in sys.modules.values()]
    return {"found": found, "path": sys.path, "files": [f for f in files if f]}
"""
    runtime.deploy([function(folder, code, layers=bundle.layers)])
    own = ["lib", "migration", "scripts", "tests", "tap", "rehearsal.record"]
    developers = ["cdktf", "constructs", "pytest", "moto", "psycopg2", "hypothesis", "pip"]
    seen = runtime.invoke("probe", own + developers)
    assert seen["found"] == []
    here, venv = str(Path(__file__).resolve().parents[4]), str(Path(sys.prefix).resolve())
    assert not [path for path in seen["path"] if path.startswith((here, venv)) or not path]
    outside = (f"{here}/rehearsal/", str(runtime.socket.parent))
    standard = {path for path in sys.path if Path(path).name.startswith(("python", "lib-dyn"))}
    allowed = (*outside, *standard)
    assert not [file for file in seen["files"] if not file.startswith(allowed)]


def test_code_comes_before_layers_and_layers_before_all_else(
    runtime: Runtime, folder: Path
) -> None:
    layer = zipped(folder, {"python/mine.py": "origin = 'layer'", "python/json.py": "mine = 1"})
    shadows = function(
        folder,
        zipped(
            folder,
            {
                "mine.py": "origin = 'code'",
                "probe.py": "import sys, mine\n"
                "def handler(event, context): return [mine.origin, sys.path]",
            },
        ),
        layers=(layer,),
    )
    runtime.deploy([shadows])
    origin, path = runtime.invoke("probe", None)
    assert origin == "code"
    assert [(Path(path[0]) / "mine.py").exists(), (Path(path[1]) / "json.py").exists()] == [1, 1]
    assert (Path(path[-1]) / "botocore").exists()
    assert len(path) > 3


def test_a_broken_layer_fails_where_it_is_imported(runtime: Runtime, folder: Path) -> None:
    layer = zipped(folder, {"python/broken/__init__.py": "1/0", "python/six.py": "2/0"})
    fine = function(folder, MEETS, "fine", layers=(layer,))
    runtime.deploy([fine, function(folder, "import broken", layers=(layer,))])
    assert runtime.invoke("fine", None) == 1
    assert failure(runtime).error_type == "ZeroDivisionError"
