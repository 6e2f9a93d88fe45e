"""Five bugs of the product, planted in a copy of what was synthesized, and what shows each.

A rehearsal of the copy must fail, and its report must say why.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib.functions.bundle import Bundle, zip_bytes

Definition = dict[str, Any]


@dataclass(frozen=True)
class Edit:
    """A change of one text in one file of the functions' bundle; it must be there once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A planted bug.

    ``scenario``: the one that shows it. ``breaks``: invariants whose verdict must be that they did
    not hold. ``ends``: how it ends, where the scenario should end otherwise. ``says``: a regular
    expression that must be found in the report: in a verdict's sentences, in the ledger's examples
    or in the cause.
    """

    name: str
    scenario: str
    says: str
    breaks: tuple[str, ...] = ()
    ends: str | None = None
    edits: tuple[Edit, ...] = ()
    reorder: Callable[[Definition], None] | None = field(default=None, repr=False)


def _slot_after_release(definition: Definition) -> None:
    states = definition["States"]
    states["SyncSequences"]["Next"] = states["ArmReverse"]["Next"]
    states["ArmReverse"]["Next"] = states["ReleaseWrites"]["Next"]
    states["ReleaseWrites"]["Next"] = "ArmReverse"


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        name="a fence that misses a role",
        scenario="happy-path",
        says="source and target both took writes of an application role",
        breaks=("I1", "I4"),
        edits=(
            # It neither takes the role's privileges nor looks whether it can still write.
            Edit(
                "migration/fence_scope.py",
                "else not m.own or m.grantable end as taken\n    from named m\n",
                "else not m.own or m.grantable end as taken\n    from named m\n"
                "   where m.grantee <> 'payments_api'\n",
            ),
            Edit(
                "migration/fence.py",
                "for writer in _fenced(session, schemas)\n    ]",
                "for writer in _fenced(session, schemas) if writer.role != 'payments_api'\n    ]",
            ),
        ),
    ),
    Mutant(
        name="a marker before the open transaction has ended",
        scenario="long-transaction",
        says=r"round-the-pooler-1 was acknowledged round the pooler and is lost",
        breaks=("I1", "I2"),
        edits=(
            Edit(
                "migration/fence.py",
                "    while _insisting(take, deadline, unblock):\n"
                "        end_transactions(session, schemas, deadline, ended)\n"
                "    end_transactions(session, schemas, deadline, ended)\n",
                "    _insisting(take, deadline, lambda: None)\n",
            ),
            Edit(
                "migration/fence.py",
                "    end_sessions(session, [role for role, _ in roles], taken_at, deadline, ended)",
                "",
            ),
        ),
    ),
    Mutant(
        name="sequences that are not synchronised",
        scenario="happy-path",
        says=r"(?i)twice|duplicate",
        breaks=("I2",),
        edits=(
            Edit(
                "migration/cutover.py",
                "    done = sequences.synchronise(both.target, both.source, sides.schemas())\n"
                '    return {"count": done.sequences}\n',
                '    return {"count": 0}\n',
            ),
        ),
    ),
    Mutant(
        name="a reverse slot made after the release",
        scenario="rollback-right-after-cutover",
        says=r"(?i)lost",
        breaks=("I2",),
        reorder=_slot_after_release,
    ),
    Mutant(
        name="a retry of a step that is not idempotent",
        scenario="function-killed-after-effect/FenceSource",
        says=r"duplicate key value violates unique constraint",
        ends="RolledBack",
        edits=(
            Edit(
                "migration/fence.py",
                "values (:id, :execution) on conflict do nothing",
                "values (:id, :execution)",
            ),
        ),
    ),
)


def mutated(synthesized: Path, mutant: Mutant, folder: Path) -> Path:
    """A copy of the synthesized output in ``folder``/synthesized with the bug planted.

    ``synthesized``: a stack's folder (cdk.tf.json and assets/) or one with such folders in it.
    The bundle keeps its form: its name and the hash that Terraform compares are those of its bytes.

    Raises:
        LookupError: the product has changed so that the bug cannot be planted.
    """
    copy = folder / "synthesized"
    shutil.copytree(synthesized, copy)
    planted = [_plant(file, mutant) for file in copy.rglob("cdk.tf.json")]
    if not any(planted):
        raise LookupError(f"{synthesized} has nothing to plant {mutant.name} in")
    return copy


def _plant(file: Path, mutant: Mutant) -> bool:
    """Whether this stack has what the mutant changes."""
    stack = json.loads(file.read_text(encoding="utf-8"))
    resources = stack.get("resource", {})
    machines = resources.get("aws_sfn_state_machine", {})
    functions = resources.get("aws_lambda_function", {})
    if not machines or not functions:
        return False
    if mutant.reorder:
        for machine in machines.values():
            definition = json.loads(machine["definition"])
            mutant.reorder(definition)
            machine["definition"] = json.dumps(definition, indent=2)
    if mutant.edits:
        _rebundle(file.parent, functions, mutant.edits)
    file.write_text(json.dumps(stack, indent=2), encoding="utf-8")
    return True


def _rebundle(folder: Path, functions: Mapping[str, Any], edits: Sequence[Edit]) -> None:
    for name in {function["filename"] for function in functions.values()}:
        old = folder / name
        with zipfile.ZipFile(io.BytesIO(old.read_bytes())) as archive:
            files = {entry: archive.read(entry) for entry in archive.namelist()}
        for edit in edits:
            files[edit.file] = _edited(files[edit.file].decode(), edit).encode()
        bundle = Bundle("functions", zip_bytes(files))
        old.unlink()
        (old.parent / bundle.file_name).write_bytes(bundle.content)
        for function in functions.values():
            if function["filename"] == name:
                function["filename"] = f"{Path(name).parent}/{bundle.file_name}"
                function["source_code_hash"] = bundle.hash


def _edited(text: str, edit: Edit) -> str:
    if text.count(edit.old) != 1:
        raise LookupError(f"{edit.file} has {edit.old!r} {text.count(edit.old)} times, not once")
    return text.replace(edit.old, edit.new)
