"""Synthesizes as ``python tap.py`` does, then shows what was written."""

from __future__ import annotations

import subprocess
import sys
import time

from rich.console import Console

from scripts import terraform
from scripts.summary import show
from scripts.synthesized import ROOT, stacks


def main() -> int:
    """Exit code of ``tap.py``; where that is 0 the table is printed."""
    started = time.perf_counter()
    code = subprocess.run([sys.executable, "tap.py"], cwd=ROOT).returncode
    if code:
        return code
    show(stacks(), time.perf_counter() - started, Console())
    try:
        terraform.ensure()
    except terraform.TerraformMissingError as error:
        # Synthesis needs no Terraform; the next command does.
        print(error, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
