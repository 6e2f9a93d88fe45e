"""The addresses of everything a stack makes, as committed; ``python -m`` writes them anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENVIRONMENTS = ("dev", "prod")
"""Those whose addresses are kept: `rehearsal` is never deployed."""
FOLDER = Path(__file__).resolve().parent.parent / "unit" / "infra" / "construct_ids"


def addresses(document: Mapping[str, Any]) -> list[str]:
    """Every resource, data source and output of a synthesized stack, sorted."""
    resources = (f"{type}.{id}" for type, ids in document.get("resource", {}).items() for id in ids)
    data = (f"data.{type}.{id}" for type, ids in document.get("data", {}).items() for id in ids)
    outputs = (f"output.{name}" for name in document.get("output", {}))
    return sorted([*resources, *data, *outputs])


def main() -> None:
    """Writes one file for each of ``ENVIRONMENTS``."""
    from cdktf import Testing

    from lib.settings_loader import load_settings
    from lib.tap_stack import TapStack

    FOLDER.mkdir(exist_ok=True)
    for environment in ENVIRONMENTS:
        settings = load_settings({"ENVIRONMENT": environment})
        stack = TapStack(Testing.app(), f"TapStack{environment}", settings=settings)
        lines = addresses(json.loads(Testing.synth(stack)))
        (FOLDER / f"{environment}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
