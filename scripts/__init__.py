"""What a developer or an operator runs: from the Makefile, or as ``python -m scripts.NAME``.

``lib/lambda`` is the root of the Lambda code's own imports, here as in AWS.
"""

import sys
from pathlib import Path

_LAMBDA = str(Path(__file__).resolve().parent.parent / "lib" / "lambda")
if _LAMBDA not in sys.path:
    sys.path.append(_LAMBDA)
