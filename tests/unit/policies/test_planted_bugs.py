"""Each rule finds its bug and nothing else."""

from __future__ import annotations

import json

import pytest

from lib.policies.catalog import RULES, findings
from lib.policies.template import Template
from lib.settings import Settings
from tests.unit.policies.clean import clean
from tests.unit.policies.planted import PLANTED
from tests.unit.policies.planting import Planted
from tests.unit.policies.policy_text import Document


def found(document: Document, settings: Settings) -> list[tuple[str, str]]:
    return [(each.rule.id, each.address) for each in findings(Template(document), settings)]


@pytest.mark.parametrize("protect", [False, True])
@pytest.mark.parametrize("encryption", ["customer", "aws"])
def test_a_clean_stack_has_no_finding(protect: bool, encryption: str) -> None:
    settings = Settings(protect=protect, encryption=encryption)  # type: ignore[arg-type]

    assert found(clean(settings), settings) == []


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: f"{bug.rule} {bug.address}")
def test_a_planted_bug_is_found_and_nothing_else(bug: Planted) -> None:
    settings = Settings(**bug.settings)
    document = json.loads(json.dumps(clean(settings)))
    bug.plant(document)

    assert found(document, settings) == [(bug.rule, bug.address)]


def test_every_rule_has_a_planted_bug() -> None:
    assert {bug.rule for bug in PLANTED} == {rule.id for rule in RULES}


def test_rules_have_an_id_of_their_own_and_say_why_and_what_to_do() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.severity in ("critical", "high", "medium"), rule.id
        assert rule.reason.endswith(".") and rule.remedy.endswith("."), rule.id


def test_a_finding_names_place_problem_reason_and_remedy() -> None:
    settings = Settings()
    document = clean(settings)
    document["resource"]["aws_dms_endpoint"]["Source"]["ssl_mode"] = "none"

    [finding] = findings(Template(document), settings)

    assert str(finding) == (
        "aws_dms_endpoint.Source: ssl_mode is 'none'. DMS copies every row over this connection, "
        "and its default is no encryption. Fix: set ssl_mode to one of require, verify-ca, "
        "verify-full. [tls-only-replication, critical]"
    )


def test_all_bugs_are_listed_at_once() -> None:
    settings = Settings()
    document = clean(settings)
    wanted = [bug for bug in PLANTED if bug.rule in ("no-public-address", "name-suffix")]
    for bug in wanted:
        bug.plant(document)

    assert sorted(found(document, settings)) == sorted((bug.rule, bug.address) for bug in wanted)
