"""One setting, ``protect``, decides: everything can be destroyed, or nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Resource, Template
from lib.settings import Settings

Accepts = Callable[[Any], bool]
# AWS's longest and default waiting time before a KMS key or secret is gone.
LONGEST_WINDOW_DAYS = 30


def _true(value: Any) -> bool:
    return value is True


def _not_true(value: Any) -> bool:
    return value is not True


def _zero(value: Any) -> bool:
    return value == 0 and value is not False


def _longest(value: Any) -> bool:
    return value in (None, LONGEST_WINDOW_DAYS)


DESTROYABLE: Mapping[tuple[str, str], Accepts] = {
    ("aws_s3_bucket", "force_destroy"): _true,
    ("aws_rds_cluster", "skip_final_snapshot"): _true,
    ("aws_rds_cluster", "deletion_protection"): _not_true,
    ("aws_dynamodb_table", "deletion_protection_enabled"): _not_true,
    ("aws_secretsmanager_secret", "recovery_window_in_days"): _zero,
    ("aws_cloudwatch_log_group", "skip_destroy"): _not_true,
    ("aws_lambda_layer_version", "skip_destroy"): _not_true,
    ("aws_ecr_repository", "force_delete"): _true,
    ("aws_lb", "enable_deletion_protection"): _not_true,
    ("aws_route53_zone", "force_destroy"): _true,
}
"""Type and attribute → whether the value lets ``terraform destroy`` finish and leave nothing."""
PROTECTED: Mapping[tuple[str, str], Accepts] = {
    ("aws_s3_bucket", "force_destroy"): _not_true,
    ("aws_rds_cluster", "skip_final_snapshot"): _not_true,
    ("aws_rds_cluster", "final_snapshot_identifier"): bool,
    ("aws_rds_cluster", "deletion_protection"): _true,
    ("aws_dynamodb_table", "deletion_protection_enabled"): _true,
    ("aws_secretsmanager_secret", "recovery_window_in_days"): _longest,
    ("aws_kms_key", "deletion_window_in_days"): _longest,
    ("aws_cloudwatch_log_group", "skip_destroy"): _true,
    ("aws_ecr_repository", "force_delete"): _not_true,
    ("aws_lb", "enable_deletion_protection"): _true,
    ("aws_route53_zone", "force_destroy"): _not_true,
}
"""Type and attribute → whether the value keeps the data when the stack is destroyed."""


@rule(
    id="destroyable",
    severity="medium",
    reason="An environment with protect = false must go without a trace, or tests pile up costs.",
    remedy="derive the attribute from settings.protect.",
)
def destroyable(template: Template, settings: Settings) -> Iterator[Violation]:
    """Without ``protect`` nothing stands in the way of a destroy."""
    if settings.protect:
        return
    yield from _refused(template, settings, DESTROYABLE)
    for resource in template.resources.values():
        if _shared_state(resource, settings):
            continue
        if any(block.get("prevent_destroy") is True for block in resource.blocks("lifecycle")):
            yield resource.address, "lifecycle.prevent_destroy is true"


@rule(
    id="protected",
    severity="critical",
    reason="With protect = true the data must outlive a mistaken terraform destroy.",
    remedy="derive the attribute from settings.protect.",
)
def protected(template: Template, settings: Settings) -> Iterator[Violation]:
    """With ``protect`` whatever holds data is kept."""
    if settings.protect:
        yield from _refused(template, settings, PROTECTED)


def _refused(
    template: Template, settings: Settings, expected: Mapping[tuple[str, str], Accepts]
) -> Iterator[Violation]:
    for (type, attribute), accepts in expected.items():
        for resource in template.of_type(type):
            value = resource.get(attribute)
            if _secondary(resource) and "snapshot" in attribute:
                continue
            if not accepts(value) and not _shared_state(resource, settings):
                yield (
                    resource.address,
                    f"{attribute} is {value} while protect is {settings.protect}",
                )


def _secondary(resource: Resource) -> bool:
    """A cluster in another region: what it holds is the primary's, and so is the snapshot."""
    return resource.type == "aws_rds_cluster" and not resource.get("master_username")


def _shared_state(resource: Resource, settings: Settings) -> bool:
    """The bucket and table of Terraform's state: other environments' state is in them too."""
    names = (resource.get("bucket"), resource.get("name"))
    return settings.state_bucket in names or settings.state_lock_table in names


RULES: tuple[Rule, ...] = (destroyable, protected)
