"""What a task is declared with: mappings, policies, and how it may be started."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.dms.exceptions import InvalidParameterCombinationException

from lib.replication.documents import TASK_SETTINGS, table_mappings, task_settings
from lib.settings import Settings
from rehearsal.dms.declared import Declared
from rehearsal.dms.job import Endpoint
from rehearsal.dms.mapping import TableMappings, task_lob_limit
from rehearsal.dms.policies import Action, Policies

RULE = {
    "rule-type": "selection",
    "rule-action": "include",
    "object-locator": {"schema-name": "public", "table-name": "%"},
    "filters": [],
}


def declared(kind: str = "full-load-and-cdc", **changed: Any) -> Declared:
    arguments: dict[str, Any] = {
        "settings": TASK_SETTINGS, "mappings": {"rules": [RULE]}, "slot": None
    }  # fmt: skip
    return Declared(
        "arn:task:f", Endpoint(""), Endpoint(""), kind, **{**arguments, **changed}
    )  # fmt: skip


def test_the_products_own_documents_have_a_stand_in() -> None:
    settings = Settings(lob_table_sizes_kb={"public.notes": 10})
    mappings = TableMappings(json.loads(table_mappings(settings)))
    assert mappings.has("public", "payments")
    assert not mappings.has("public", "awsdms_ddl_audit")
    assert not mappings.has("other", "payments")
    document = json.loads(task_settings(settings, preparation="TRUNCATE_BEFORE_LOAD"))
    assert task_lob_limit(document) is None
    assert mappings.lob_limit("public", "notes", None) == settings.lob_limit_kb * 1024
    assert mappings.lob_limit("public", "payments", None) is None
    declared(settings=document, mappings=json.loads(table_mappings(settings)))


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [("pay%", "payments", "repay"), ("p_y", "pay", "paay"), ("a.b", "a.b", "aXb")],
)
def test_a_pattern_stands_for_names(pattern: str, fits: str, fails: str) -> None:
    locator = {"schema-name": "public", "table-name": pattern}
    mappings = TableMappings({"rules": [RULE | {"object-locator": locator}]})
    assert mappings.has("public", fits)
    assert not mappings.has("public", fails)


@pytest.mark.parametrize(
    "rule",
    [
        RULE | {"filters": [{"filter-type": "source"}]},
        RULE | {"rule-action": "explicit"},
        {"rule-type": "transformation"},
    ],
)
def test_a_rule_without_stand_in_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no stand-in"):
        TableMappings({"rules": [rule]})


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "full-load"},
        {"slot": "made_before"},
        {"settings": {"FullLoadSettings": {"TargetTablePrepMode": "DROP_AND_CREATE"}}},
        {"settings": {**TASK_SETTINGS, "TargetMetadata": {"BatchApplyEnabled": True}}},
        {"settings": {**TASK_SETTINGS, "TargetMetadata": {"TargetSchema": "other"}}},
    ],
)
def test_a_task_without_stand_in_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no stand-in"):
        declared(**changed)


def test_lobs_are_limited_unless_full_lob_mode_is_on() -> None:
    assert task_lob_limit({"TargetMetadata": {"LobMaxSize": 2}}) == 2048
    assert task_lob_limit({}) == 32 * 1024


def test_policies_are_dms_defaults_where_none_is_set() -> None:
    policies = Policies({})
    assert policies.table is Action.SUSPEND
    assert policies.data(truncated=True) is Action.SKIP
    assert policies.conflict("DELETE") is Action.SKIP
    strict = Policies(TASK_SETTINGS)
    assert {strict.table, strict.data(truncated=False), strict.conflict("UPDATE")} == {Action.STOP}
    with pytest.raises(ValueError, match="DataErrorPolicy"):
        Policies({"ErrorBehavior": {"DataErrorPolicy": "PRAY"}})


START, RESUME, RELOAD = "start-replication", "resume-processing", "reload-target"


@pytest.mark.parametrize(
    ("kind", "how", "position", "has_run", "allowed"),
    [
        ("full-load-and-cdc", START, None, False, True),
        ("full-load-and-cdc", START, None, True, False),
        ("full-load-and-cdc", RESUME, None, False, False),
        ("full-load-and-cdc", RESUME, None, True, True),
        ("full-load-and-cdc", RELOAD, None, False, False),
        ("full-load-and-cdc", RELOAD, None, True, True),
        ("full-load-and-cdc", "again", None, True, False),
        ("cdc", START, "0/1", False, True),
        ("cdc", START, "0/1", True, True),
        ("cdc", START, None, True, False),
        ("cdc", RELOAD, None, True, False),
    ],
)
def test_a_start_type_fits_the_history_or_is_refused(
    kind: str, how: str, position: str | None, has_run: bool, allowed: bool
) -> None:
    task = declared(kind)
    if allowed:
        task.check_start(how, position, has_run=has_run)
    else:
        with pytest.raises(InvalidParameterCombinationException):
            task.check_start(how, position, has_run=has_run)
