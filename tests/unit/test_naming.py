"""Every name ends in, or contains, the environment's suffix, and AWS accepts it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from lib.naming import Naming
from lib.settings import Settings, SettingsError
from lib.settings_rules import FUNCTIONS, SUFFIX_MAX

# Service limits as their API references state them.
FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
STATE_MACHINE_NAME = re.compile(r"[a-zA-Z0-9_-]{1,80}")
BUCKET_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# RDS and DMS: letters, digits and single hyphens, a letter first, no hyphen last.
DATABASE_IDENTIFIER = re.compile(r"(?=.{1,63}$)[a-z](-?[a-z0-9])*")
PARAMETER_NAME = re.compile(r"(/[a-zA-Z0-9_.-]+){1,15}")
LOG_GROUP_NAME = re.compile(r"[a-zA-Z0-9_/.#-]{1,512}")
NAMESPACE = re.compile(r"[A-Za-z0-9_./#:-]{1,255}")
ACCOUNT = "123456789012"

SUFFIXES = st.one_of(
    st.text(max_size=SUFFIX_MAX + 4),
    st.text("abcxyz019-", max_size=SUFFIX_MAX + 2),
    st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True),
)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Naming("dev").name("aurora-cluster"), "aurora-cluster-dev"),
        (Naming("dev").parameter("routing/target"), "/migration/dev/routing/target"),
        (Naming("pr-7").function_log_group("data-validator"), "/aws/lambda/data-validator-pr-7"),
        (
            Naming("dev").state_machine_log_group("migration-orchestration"),
            "/aws/vendedlogs/states/migration-orchestration-dev",
        ),
        (Naming("prod").metric_namespace, "Migration/prod"),
    ],
)
def test_names_are_those_the_runbook_prints(made: str, expected: str) -> None:
    assert made == expected


@examples(deadline=None)
@given(SUFFIXES)
def test_a_suffix_is_refused_or_gives_names_that_aws_accepts(suffix: str) -> None:
    try:
        naming = Naming(Settings(environment_suffix=suffix).environment_suffix)
    except SettingsError as error:
        assert "environment_suffix" in str(error)
        return
    for module in FUNCTIONS:
        function = module.replace("_", "-")
        assert FUNCTION_NAME.fullmatch(naming.name(function))
        assert LOG_GROUP_NAME.fullmatch(naming.function_log_group(function))
    for machine in ("migration-orchestration",):
        assert STATE_MACHINE_NAME.fullmatch(naming.name(machine))
        assert LOG_GROUP_NAME.fullmatch(naming.state_machine_log_group(machine))
    for identifier in ("aurora-cluster", "aurora-cluster-replica", "migration-forward"):
        assert DATABASE_IDENTIFIER.fullmatch(naming.name(identifier))
    assert BUCKET_NAME.fullmatch(f"{naming.name('migration-checkpoints')}-{ACCOUNT}")
    assert PARAMETER_NAME.fullmatch(naming.parameter("routing/target"))
    assert NAMESPACE.fullmatch(naming.metric_namespace)


@examples(deadline=None)
@given(*[st.from_regex(r"[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,3})?", fullmatch=True)] * 2)
def test_two_environments_share_no_name(one: str, other: str) -> None:
    first, second = Naming(one), Naming(other)

    for make in (Naming.name, Naming.parameter, Naming.function_log_group):
        assert (make(first, "thing") == make(second, "thing")) == (one == other)
