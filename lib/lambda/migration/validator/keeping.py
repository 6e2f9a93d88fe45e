"""What a validation keeps in the checkpoint bucket, so that it can go on where it stopped.

``validation/{execution}/``: ``plan.json``, ``parts.json`` (the items of the Distributed Map),
``parts/{number}.json`` (a PartResult each; ``-repaired`` where it was read again after a repair),
``repairs.json``, ``report.json`` and ``differences.jsonl``. A plan and
the result of a part are written once and stand: what has been read is not read again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from migration import checkpoints
from migration.validator.plan import Plan
from migration.validator.repair import Repaired
from migration.validator.results import PartResult


@dataclass(frozen=True)
class Kept:
    """The objects of one execution's validation. Every method raises what S3 answers with."""

    bucket: str
    execution: str

    @classmethod
    def of(cls, execution: str) -> Kept:
        """Those of ``execution``, in the bucket this function works with."""
        return cls(os.environ["CHECKPOINT_BUCKET"], execution)

    @property
    def items_key(self) -> str:
        """Where the items of the Distributed Map are."""
        return self._key("parts.json")

    def plan(self) -> Plan | None:
        """The plan that was made; None before there is one."""
        stored = checkpoints.read(self.bucket, self._key("plan.json"))
        return Plan.from_json(stored[0]) if stored else None

    def began(self) -> datetime | None:
        """When the plan was made; None before there is one."""
        stored = checkpoints.read(self.bucket, self._key("plan.json"))
        return datetime.fromisoformat(stored[0]["at"]) if stored else None

    def keep_plan(self, plan: Plan, at: datetime) -> Plan:
        """Keep the plan, made ``at``, unless there is one; the plan that stands."""
        if checkpoints.create(
            self.bucket, self._key("plan.json"), {**plan.to_json(), "at": at.isoformat()}
        ):
            return plan
        return self.plan() or plan

    def keep_items(self, plan: Plan) -> None:
        """Write the parts as the array that the Distributed Map reads."""
        items = [{"part": part.number, "table": part.table} for part in plan.parts]
        checkpoints.write_text(self.bucket, self.items_key, json.dumps(items), "application/json")

    def result(self, number: int) -> PartResult | None:
        """What was found of a part; None while it was not read."""
        return self._result(number, self._again())

    def keep_result(self, result: PartResult) -> None:
        """Keep what was found of a part, unless it is known already."""
        key = self._part(result.part, self._again())
        checkpoints.create(self.bucket, key, result.to_json())

    def repairs(self) -> dict[str, Any] | None:
        """What was repaired: rows, refused, parts; None before anything was."""
        stored = checkpoints.read(self.bucket, self._key("repairs.json"))
        return stored[0] if stored else None

    def keep_repairs(self, parts: Sequence[int], repaired: Repaired) -> dict[str, Any]:
        """Keep what was repaired, unless that is known. From now on there is no result of
        ``parts``, until they have been read again."""
        found = {**asdict(repaired), "parts": list(parts)}
        checkpoints.create(self.bucket, self._key("repairs.json"), found)
        return self.repairs() or found

    def results(self, plan: Plan) -> Iterator[PartResult]:
        """What was found of each part that was read, in order, one at a time in memory."""
        again = self._again()
        for part in plan.parts:
            if (result := self._result(part.number, again)) is not None:
                yield result

    def keep_report(self, report: Mapping[str, Any], differences: Iterable[str]) -> None:
        """Write the report, and the differences as JSON lines."""
        lines = "".join(f"{line}\n" for line in differences)
        checkpoints.write_text(
            self.bucket, self._key("differences.jsonl"), lines, "application/jsonl"
        )
        checkpoints.write(self.bucket, self._key("report.json"), dict(report))

    def location(self, name: str) -> str:
        """Where an object is, as s3://bucket/key."""
        return f"s3://{self.bucket}/{self._key(name)}"

    def _again(self) -> frozenset[int]:
        """The parts that are read a second time."""
        repairs = self.repairs()
        return frozenset(repairs["parts"] if repairs else ())

    def _result(self, number: int, again: Container[int]) -> PartResult | None:
        stored = checkpoints.read(self.bucket, self._part(number, again))
        return PartResult.from_json(stored[0]) if stored else None

    def _part(self, number: int, again: Container[int]) -> str:
        return self._key(f"parts/{number:05}{'-repaired' if number in again else ''}.json")

    def _key(self, name: str) -> str:
        return f"validation/{self.execution}/{name}"
