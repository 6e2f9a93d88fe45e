"""Writes the generated parts of README.md and docs/, each between two marker comments.

python -m scripts.documents           writes them
python -m scripts.documents --check   writes nothing, names the files that are not current
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.validator import cost
from lib.settings import Settings
from scripts import (
    costs,
    diagram,
    scenario_table,
    settings_table,
    workflow_diagram,
    workflow_tables,
)
from scripts.synthesized import ROOT, Stack, stacks

FILES = (
    "README.md",
    "docs/architecture.md",
    "docs/rehearsal.md",
    "docs/runbook/reference.md",
    "docs/settings.md",
    "docs/validation-cost.md",
)
MARKED = re.compile(
    r"(?P<start><!-- generated: (?P<part>[\w ]+) -->\n).*?(?P<end><!-- end of \2 -->)", re.DOTALL
)


class UnknownPartError(LookupError):
    """A document asks for a part that nothing generates."""


def parts(stack: Stack) -> Mapping[str, Callable[[], str]]:
    """Name of a part, as the marker has it → what writes it."""
    return {
        "diagram": lambda: _mermaid(diagram.flowchart(stack)),
        "workflow": lambda: _mermaid(workflow_diagram.flowchart(stack)),
        "states": lambda: workflow_tables.states(Settings()),
        "errors": lambda: workflow_tables.error_table(Settings()),
        "costs": lambda: costs.table(stack),
        "validation cost": cost.table,
        "settings": settings_table.table,
        "scenarios": scenario_table.table,
        "outputs": lambda: _outputs(stack),
    }


def current(text: str, generators: Mapping[str, Callable[[], str]]) -> str:
    """``text`` with every marked part generated anew.

    Raises:
        UnknownPartError: naming the part.
    """

    def renew(match: re.Match[str]) -> str:
        if match["part"] not in generators:
            raise UnknownPartError(f"nothing generates {match['part']!r}: {', '.join(generators)}")
        return f"{match['start']}{generators[match['part']]()}\n{match['end']}"

    return MARKED.sub(renew, text)


def default_stack(folder: Path) -> Stack:
    """The payments stack of the default settings, synthesized into ``folder``."""
    environment = {**os.environ, "ENVIRONMENT": "dev", "CDKTF_OUTDIR": str(folder)}
    subprocess.run([sys.executable, "tap.py"], cwd=ROOT, env=environment, check=True)
    (stack,) = [stack for stack in stacks(folder) if stack.name == "TapStackdev"]
    return stack


def main(arguments: Sequence[str]) -> int:
    """1 when ``--check`` was given and a file is not current, else 0."""
    with tempfile.TemporaryDirectory() as folder:
        generators = parts(default_stack(Path(folder)))
        old = {name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}
        new = {name: current(text, generators) for name, text in old.items()}
    stale = [name for name in FILES if new[name] != old[name]]
    for name in stale:
        if "--check" in arguments:
            print(f"{name} is not current: run 'make docs'", file=sys.stderr)
        else:
            (ROOT / name).write_text(new[name], encoding="utf-8")
            print(f"wrote {name}")
    return int(bool(stale) and "--check" in arguments)


def _mermaid(text: str) -> str:
    return f"```mermaid\n{text}\n```"


def _outputs(stack: Stack) -> str:
    lines = ["| Output | What it is | Sensitive |", "|---|---|---|"]
    for name, output in sorted(stack.content["output"].items()):
        sensitive = "yes" if output.get("sensitive") else ""
        lines.append(f"| `{name}` | {output.get('description', '')} | {sensitive} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
