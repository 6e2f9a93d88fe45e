"""State is kept where two people cannot write it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Template, as_blocks
from lib.settings import Settings

ADDRESS = "terraform.backend"


@rule(
    id="remote-state",
    severity="critical",
    reason="State on one laptop, or without a lock, is how two applies destroy an environment.",
    remedy="call use_remote_state(stack, settings, key).",
)
def remote_state(template: Template, settings: Settings) -> Iterator[Violation]:
    """State is in the settings' bucket, encrypted, locked, under a key of this environment."""
    # The stack that makes the bucket cannot keep its state in it before it exists.
    if any(b.get("bucket") == settings.state_bucket for b in template.of_type("aws_s3_bucket")):
        return
    backend = template.document.get("terraform", {}).get("backend", {})
    for s3 in as_blocks(backend.get("s3"))[:1]:
        if s3.get("bucket") != settings.state_bucket:
            yield ADDRESS, f"bucket is {s3.get('bucket')!r}, the setting {settings.state_bucket!r}"
        if s3.get("encrypt") is not True:
            yield ADDRESS, "encrypt is not true"
        if not (s3.get("use_lockfile") or s3.get("dynamodb_table")):
            yield ADDRESS, "neither dynamodb_table nor use_lockfile is set"
        if settings.environment_suffix not in re.split(r"[/.]", str(s3.get("key"))):
            yield (
                ADDRESS,
                f"key {s3.get('key')!r} has no {settings.environment_suffix!r} in its path",
            )
        return
    yield ADDRESS, f"is {', '.join(backend) or 'missing'}, not s3"


RULES: tuple[Rule, ...] = (remote_state,)
