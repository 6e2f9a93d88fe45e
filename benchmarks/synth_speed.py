"""``python tap.py`` against importing one resource of the AWS provider as it is installed.

Both run in fresh processes, one after the other, so that a busy machine slows both; the medians'
ratio is printed and compared with the target of issue 2. The first pair only warms the disk.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from lib.jsii_runtime import prepare
from scripts.synthesized import ROOT

TARGET = 0.35
"""Issue 2, "Speed": tap.py takes at most this share of the plain import's time."""
RUNS = 5
SYNTH = ("tap.py",)
IMPORT = ("-c", "import cdktf_cdktf_provider_aws.vpc")


def main() -> int:
    """Prints both medians in seconds and their ratio; 1 when the ratio misses the target."""
    prepare()  # the plain import must find the same Node as tap.py does
    with tempfile.TemporaryDirectory() as output:
        environment = os.environ | {"CDKTF_OUTDIR": output}
        pairs = [(_seconds(SYNTH, environment), _seconds(IMPORT, environment)) for _ in _rounds()]
    synth, plain = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
    ratio = synth / plain
    print(f"python tap.py                                    {synth:6.2f} s")
    print(f"python {IMPORT[0]} '{IMPORT[1]}'  {plain:6.2f} s")
    print(f"ratio {ratio:.2f} (target at most {TARGET}; medians of {RUNS} interleaved runs)")
    return int(ratio > TARGET)


def _rounds() -> range:
    return range(RUNS + 1)


def _seconds(arguments: Sequence[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True)  # noqa: S603
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
