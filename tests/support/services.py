"""The whole stack, synthesized once for the tests of functions, API, storage and monitoring."""

from __future__ import annotations

import dataclasses
from functools import cache

from lib.settings import Settings
from lib.settings_loader import load_settings
from lib.tap_stack import TapStack

# isort: split
from cdktf import Testing

from tests.support.template import Template

EMAILS = ("oncall@example.com", "lead@example.com")


def settings_of(case: str) -> Settings:
    """``default`` with two addresses, or ``production`` (config/prod.json) on AWS's own keys and
    with the authority of the source named."""
    if case == "default":
        return dataclasses.replace(load_settings({}), alarm_emails=EMAILS)
    return dataclasses.replace(
        load_settings({"ENVIRONMENT": "prod"}),
        encryption="aws",
        source_ca_file="lib/lambda/certificates/rds-eu-west-1.pem",
    )


@cache
def whole_stack(case: str) -> Template:
    """The template of ``settings_of(case)``."""
    return Template.of(TapStack(Testing.app(), "TapStack", settings=settings_of(case)))
