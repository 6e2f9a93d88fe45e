"""A rehearsal's record with the journal of a whole migration, and a synthesis to go with it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rehearsal.record import LedgerResult, Message, Pause, Record, Sample, Verdict

BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
STARTER = "arn:aws:sts::123456789012:assumed-role/Operators/alice"
APPROVER = "arn:aws:sts::123456789012:assumed-role/Operators/bob"
WEIGHTS = (5, 100)
INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6")
WAY = {
    "Prepare": [
        "Initialize", "EndpointTests", "Preflight", "StartReplication", "WaitForReplication",
        "ValidationBegan", "ValidateData",
    ],
    "ShiftTraffic": ["SetTrafficWeight5", "Bake5", "SetTrafficWeight100", "Bake100"],
    "Approve": ["RequestApproval", "Approve"],
    "CutOver": [
        "HoldWritesBegun", "HoldWrites", "FenceSource", "DrainReplication", "VerifyCutover",
        "SyncSequences", "ArmReverse", "SwitchPrimaryBegun", "SwitchPrimary", "OpenTargetBegun",
        "OpenTarget", "ReleaseWrites",
    ],
    "Soak": ["StopForward", "ReverseStarted", "StartReverse", "ReverseProbe", "Soak"],
    "Complete": ["RequestCompletion", "StopReverse", "DropSlotsBegun", "DropSlots", "Finish"],
}  # fmt: skip
"""What the journal of a migration that went well has, by phase."""
DETAILS: dict[str, dict[str, Any]] = {
    "Initialize": {"started_by": STARTER, "stop_after": "Complete"},
    "ValidateData": {"verdict": "match"},
    "RequestApproval": {"expires": (BEGAN + timedelta(hours=2)).isoformat()},
    "Approve": {"approver": APPROVER},
    "ReleaseWrites": {"pause_ms": 940},
}
EVERYTHING = [step for steps in WAY.values() for step in steps]
PHASE_OF = {step: phase for phase, steps in WAY.items() for step in steps}
PHASE_OF |= {"ExecuteRollback": "Rollback", "RollbackDrained": "Rollback", "RepairData": "Prepare"}


def journal(
    steps: Iterable[str] = EVERYTHING, details: Mapping[str, Any] = DETAILS
) -> list[dict[str, Any]]:
    """Entries for ``steps``, a minute apart."""
    return [
        {
            "step": step,
            "phase": PHASE_OF.get(step, "Prepare"),
            "at": (BEGAN + timedelta(minutes=i)).isoformat(),
            "detail": details.get(step, {}),
        }
        for i, step in enumerate(steps)
    ]


def record(**changes: Any) -> Record:
    """A rehearsal that went well, but for ``changes``."""
    usual: dict[str, Any] = {
        "scenario": "happy-path",
        "summary": "Nothing goes wrong.",
        "environment": "rehearsal",
        "seed": None,
        "started": BEGAN.isoformat(),
        "seconds": 31.4,
        "skipped_seconds": 7200.0,
        "ending": "Succeeded",
        "expected": ["Succeeded"],
        "primary": "target",
        "cause": None,
        "phases": (),
        "states": (),
        "samples": [Sample(0.25, 240, 239, 0, 2.1, 7.9, 9.0, None, 0, 60, 0)],
        "faults": (),
        "planned_faults": (),
        "writing": (),
        "pause": Pause(940.0, 951.0, 8.0, 30_000.0),
        "ledger": LedgerResult("target", 7000, 7000, 0, 0, 0, 0, 0),
        "verdicts": [Verdict(name, f"what {name} says", True, ["because"]) for name in INVARIANTS],
        "messages": [Message(30.0, "Migration finished", "It went well. 'żółw' \u2028")],
        "journal": journal(),
    }
    return Record(**usual | changes)


def synthesis(folder: Path, bundle: bytes = b"a zip") -> Path:
    """A synthesis as small as can be, below ``folder``."""
    stack = folder / "stacks" / "Tap"
    stack.mkdir(parents=True)
    (stack / "code.zip").write_bytes(bundle)
    declared = base64.b64encode(hashlib.sha256(b"a zip").digest()).decode()
    where = {"//": {"metadata": {"path": "Tap/Thing"}}}
    function = {
        **where,
        "filename": "code.zip",
        "source_code_hash": declared,
        "environment": {"variables": {"TRAFFIC_WEIGHTS": ",".join(map(str, WEIGHTS))}},
    }
    content = {
        "resource": {
            "aws_lambda_function": {"F": function},
            "aws_sfn_state_machine": {"M": {**where, "definition": "{}"}},
        }
    }
    (stack / "cdk.tf.json").write_text(json.dumps(content))
    manifest = {"stacks": {"Tap": {"synthesizedStackPath": "stacks/Tap/cdk.tf.json"}}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
