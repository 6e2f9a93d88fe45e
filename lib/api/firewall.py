"""The web application firewall in front of the payment API."""

from __future__ import annotations

from typing import Any

from cdktf_cdktf_provider_aws.wafv2_web_acl import (
    Wafv2WebAcl,
    Wafv2WebAclDefaultAction,
    Wafv2WebAclDefaultActionAllow,
    Wafv2WebAclRule,
    Wafv2WebAclRuleAction,
    Wafv2WebAclRuleActionBlock,
    Wafv2WebAclRuleOverrideAction,
    Wafv2WebAclRuleOverrideActionNone,
    Wafv2WebAclRuleVisibilityConfig,
    Wafv2WebAclVisibilityConfig,
)
from cdktf_cdktf_provider_aws.wafv2_web_acl_association import Wafv2WebAclAssociation
from cdktf_cdktf_provider_aws.wafv2_web_acl_logging_configuration import (
    Wafv2WebAclLoggingConfiguration,
    Wafv2WebAclLoggingConfigurationLoggingFilter,
    Wafv2WebAclLoggingConfigurationLoggingFilterFilter,
    Wafv2WebAclLoggingConfigurationLoggingFilterFilterCondition,
    Wafv2WebAclLoggingConfigurationLoggingFilterFilterConditionActionCondition,
    Wafv2WebAclLoggingConfigurationRedactedFields,
    Wafv2WebAclLoggingConfigurationRedactedFieldsSingleHeader,
)
from constructs import Construct

from lib.environment import Environment
from lib.observability.log_group import LogGroup

MANAGED_RULES = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
"""AWS's rule groups, in the order they are asked (WAF developer guide, "AWS Managed Rules")."""
RATE_WINDOW_SECONDS = 300


class Firewall(Construct):
    """Blocks known attacks and addresses that ask too often; logs what it blocked."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        stage_arn: str,
    ) -> None:
        super().__init__(scope, id)
        name = environment.naming.name("payment-api-waf")
        acl = Wafv2WebAcl(
            self,
            "Acl",
            name=name,
            description="Protects POST /payment",
            scope="REGIONAL",
            default_action=Wafv2WebAclDefaultAction(allow=Wafv2WebAclDefaultActionAllow()),
            rule=[
                # First, so that a flood is not inspected rule by rule.
                _rate_limit(environment.settings.waf_rate_limit),
                *(_managed(rule, priority) for priority, rule in enumerate(MANAGED_RULES, 1)),
            ],
            visibility_config=Wafv2WebAclVisibilityConfig(
                metric_name=name, cloudwatch_metrics_enabled=True, sampled_requests_enabled=True
            ),
            tags={"Name": name},
        )
        self.acl_name = acl.name
        Wafv2WebAclAssociation(self, "Stage", resource_arn=stage_arn, web_acl_arn=acl.arn)
        logs = LogGroup(
            self,
            "Logs",
            environment=environment,
            # WAF accepts no other prefix (WAF developer guide, "Logging destinations").
            name=f"aws-waf-logs-{environment.naming.name('payment-api')}",
        )
        _log_blocked(self, acl, logs)


def _rate_limit(limit: int) -> Wafv2WebAclRule:
    return Wafv2WebAclRule(
        name="RateLimit",
        priority=0,
        action=Wafv2WebAclRuleAction(block=Wafv2WebAclRuleActionBlock()),
        statement={
            "rate_based_statement": {
                "limit": limit,
                "aggregate_key_type": "IP",
                "evaluation_window_sec": RATE_WINDOW_SECONDS,
            }
        },
        visibility_config=_visible("RateLimit"),
    )


def _managed(name: str, priority: int) -> Wafv2WebAclRule:
    statement: dict[str, Any] = {
        "managed_rule_group_statement": {"name": name, "vendor_name": "AWS"}
    }
    return Wafv2WebAclRule(
        name=name,
        priority=priority,
        # "none" overrides nothing: each rule of the group does what AWS gave it to do.
        override_action=Wafv2WebAclRuleOverrideAction(none=Wafv2WebAclRuleOverrideActionNone()),
        statement=statement,
        visibility_config=_visible(name),
    )


def _visible(name: str) -> Wafv2WebAclRuleVisibilityConfig:
    return Wafv2WebAclRuleVisibilityConfig(
        metric_name=name, cloudwatch_metrics_enabled=True, sampled_requests_enabled=True
    )


def _log_blocked(scope: Construct, acl: Wafv2WebAcl, logs: LogGroup) -> None:
    """Only what was blocked, without the bearer token."""
    blocked = Wafv2WebAclLoggingConfigurationLoggingFilterFilter(
        behavior="KEEP",
        requirement="MEETS_ANY",
        condition=[
            Wafv2WebAclLoggingConfigurationLoggingFilterFilterCondition(
                action_condition=(
                    Wafv2WebAclLoggingConfigurationLoggingFilterFilterConditionActionCondition(
                        action="BLOCK"
                    )
                )
            )
        ],
    )
    Wafv2WebAclLoggingConfiguration(
        scope,
        "Logging",
        resource_arn=acl.arn,
        log_destination_configs=[logs.arn],
        logging_filter=Wafv2WebAclLoggingConfigurationLoggingFilter(
            default_behavior="DROP", filter=[blocked]
        ),
        redacted_fields=[
            Wafv2WebAclLoggingConfigurationRedactedFields(
                single_header=Wafv2WebAclLoggingConfigurationRedactedFieldsSingleHeader(
                    name="authorization"
                )
            )
        ],
    )
