"""Puts bundles where Terraform finds them: beside the stack's JSON."""

from __future__ import annotations

import os
from pathlib import Path

from cdktf import App, TerraformStack
from constructs import Construct

from lib.functions.bundle import Bundle

FOLDER = "assets"


def write_asset(scope: Construct, bundle: Bundle) -> str:
    """Writes ``bundle`` below the stack's folder and returns its path relative to the JSON.

    cdktf's TerraformAsset is not used: its hash is not the one Lambda returns, so functions would
    be deployed for ever (hashicorp/terraform-cdk#883).
    """
    app = App.of(scope)
    stack = app.manifest.for_stack(TerraformStack.of(scope))
    folder = Path(app.outdir) / stack.working_directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / bundle.file_name
    # Whole or not at all, also when two syntheses run at once.
    part = target.with_suffix(f".{os.getpid()}")
    part.write_bytes(bundle.content)
    part.replace(target)
    return f"{FOLDER}/{bundle.file_name}"
