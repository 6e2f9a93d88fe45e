"""Resource types of the stacks that the simulated account cannot apply, each with its reason."""

from __future__ import annotations

NOT_APPLIED: dict[str, str] = {}
