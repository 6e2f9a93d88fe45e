"""Least privilege: what a policy must never say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lib.policies.finding import Rule, Violation, rule
from lib.policies.policy_documents import Statement, statements, unreadable
from lib.policies.template import Template, as_list
from lib.settings import Settings

KEY_TYPES = ("aws_kms_key", "aws_kms_replica_key")
"""In a key's policy ``*`` means this key (KMS developer guide, "Key policies")."""
BROAD_POLICY = re.compile(r":policy/(\S*/)?(AdministratorAccess|PowerUserAccess|\w+FullAccess)$")


@rule(
    id="no-double-wildcard",
    severity="critical",
    reason="A wildcard action on every resource turns one broken function into the whole account.",
    remedy="name the actions that are called and the ARNs they are called on.",
)
def no_double_wildcard(template: Template, settings: Settings) -> Iterator[Violation]:
    """No statement allows a wildcard of actions on all resources."""
    for each in statements(template):
        if each.effect != "Allow" or each.owner_type in KEY_TYPES or _narrows(each):
            continue
        if each.inverted:
            yield each.owner, "allows everything but a list (NotAction, NotResource, NotPrincipal)"
        wide = [action for action in each.actions if "*" in action]
        if wide and any(_all_resources(resource) for resource in each.resources):
            yield each.owner, f"allows {', '.join(wide)} on {', '.join(each.resources)}"


def _narrows(statement: Statement) -> bool:
    """An endpoint's policy grants nothing: with a condition it narrows what others grant."""
    return statement.owner_type == "aws_vpc_endpoint" and bool(statement.conditions)


def _all_resources(resource: str) -> bool:
    """``*``, or an ARN that names a service and nothing of it."""
    return resource == "*" or re.fullmatch(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:\*", resource) is not None


@rule(
    id="no-public-principal",
    severity="critical",
    reason="A principal of * without a condition lets in every AWS account.",
    remedy="name the service or role, or add a condition on aws:SourceArn or aws:SourceAccount.",
)
def no_public_principal(template: Template, settings: Settings) -> Iterator[Violation]:
    """No policy allows everyone unconditionally."""
    for each in statements(template):
        if _allows_everyone(each):
            yield each.owner, f"allows {', '.join(each.actions)} to everyone"


def _allows_everyone(statement: Statement) -> bool:
    return statement.effect == "Allow" and not statement.conditions and _star(statement.principals)


def _star(principals: Any) -> bool:
    if isinstance(principals, dict):
        return any("*" in as_list(value) for value in principals.values())
    return bool(principals == "*")


@rule(
    id="no-broad-managed-policy",
    severity="critical",
    reason="AWS's broad managed policies allow far more than any one resource calls.",
    remedy="grant the actions that are called, with ServiceRole.grant.",
)
def no_broad_managed_policy(template: Template, settings: Settings) -> Iterator[Violation]:
    """No role has an administrator's or a service's full-access policy."""
    for role in template.of_type("aws_iam_role"):
        for arn in as_list(role.get("managed_policy_arns")):
            if BROAD_POLICY.search(arn):
                yield role.address, f"attaches {arn}"
    for attachment in template.of_type("aws_iam_role_policy_attachment"):
        arn = str(attachment.get("policy_arn", ""))
        if BROAD_POLICY.search(arn):
            yield attachment.address, f"attaches {arn}"


@rule(
    id="readable-policy",
    severity="high",
    reason="A policy that is not plain JSON escapes every other rule.",
    remedy="write it in place with json.dumps.",
)
def readable_policy(template: Template, settings: Settings) -> Iterator[Violation]:
    """Every policy document can be read at synthesis."""
    for resource, problem in unreadable(template):
        yield resource.address, f"its policy is not JSON: {problem}"


RULES: tuple[Rule, ...] = (
    no_double_wildcard,
    no_public_principal,
    no_broad_managed_policy,
    readable_policy,
)
