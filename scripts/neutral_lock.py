"""Takes the addresses of package sources out of a Pipfile.lock.

Where packages come from is each machine's own configuration; the hashes say which they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def neutral(lock: str) -> str:
    """The lock file's text without sources and without the ``index`` of each package."""
    content = json.loads(lock)
    content["_meta"]["sources"] = []
    for section in ("default", "develop"):
        for package in content[section].values():
            package.pop("index", None)
    return json.dumps(content, indent=4, sort_keys=True) + "\n"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(neutral(path.read_text(encoding="utf-8")), encoding="utf-8")
