"""DMS's documents: what is copied, how LOBs travel, what happens on an error."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lib.replication.documents import limited_lob_tables, table_mappings, task_settings
from lib.settings import Settings
from migration import control

# Source: DMS user guide, "Logging task settings".
COMPONENTS = {
    "ADDONS",
    "COMMON",
    "COMMUNICATION",
    "DATA_STRUCTURE",
    "FILE_FACTORY",
    "FILE_TRANSFER",
    "IO",
    "METADATA_MANAGER",
    "PERFORMANCE",
    "REST_SERVER",
    "SORTER",
    "SOURCE_CAPTURE",
    "SOURCE_UNLOAD",
    "TABLES_MANAGER",
    "TARGET_APPLY",
    "TARGET_LOAD",
    "TASK_MANAGER",
    "TRANSFORMATION",
    "VALIDATOR_EXT",
}
DEFAULT = Settings()


def document(settings: Settings = DEFAULT) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(task_settings(settings, preparation="TRUNCATE_BEFORE_LOAD"))
    return found


def rules(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(table_mappings(settings))["rules"]
    return found


def test_every_component_logs() -> None:
    logging = document()["Logging"]
    assert logging["EnableLogging"] is True
    assert {entry["Id"] for entry in logging["LogComponents"]} == COMPONENTS
    assert len(logging["LogComponents"]) == len(COMPONENTS)
    assert {entry["Severity"] for entry in logging["LogComponents"]} == {"LOGGER_SEVERITY_DEFAULT"}


def test_no_error_is_passed_over() -> None:
    behaviour = document()["ErrorBehavior"]
    policies = {name: value for name, value in behaviour.items() if name.endswith("Policy")}
    assert set(policies.values()) == {"STOP_TASK"}
    assert {
        "ApplyErrorDeletePolicy",
        "ApplyErrorInsertPolicy",
        "ApplyErrorUpdatePolicy",
        "DataErrorPolicy",
        "DataTruncationErrorPolicy",
        "TableErrorPolicy",
    } <= set(policies)
    assert behaviour["FailOnNoTablesCaptured"] is True
    assert behaviour["FailOnTransactionConsistencyBreached"] is True
    assert behaviour["ApplyErrorFailOnTruncationDdl"] is True


def test_commits_keep_their_order_and_a_resumed_task_its_place() -> None:
    target = document()["TargetMetadata"]
    assert target["BatchApplyEnabled"] is False
    assert target["TaskRecoveryTableEnabled"] is True


def test_what_dms_rewrites_is_left_out_so_that_a_second_plan_is_empty() -> None:
    written = task_settings(DEFAULT, preparation="DO_NOTHING")
    for name in ("CloudWatchLogGroup", "CloudWatchLogStream", "EnableLogContext", "TTSettings"):
        assert name not in written


def test_the_marker_travels_with_the_tables() -> None:
    """The cutover waits for it on the target, the way back on the source."""
    included = [r["object-locator"] for r in rules(DEFAULT) if r["rule-action"] == "include"]
    marker = {"schema-name": control.SCHEMA, "table-name": "marker"}
    assert included == [{"schema-name": "public", "table-name": "%"}, marker]
    assert "marker" in control.TABLES


@pytest.mark.parametrize("preparation", ["DO_NOTHING", "TRUNCATE_BEFORE_LOAD"])
def test_the_target_is_prepared_as_asked(preparation: Any) -> None:
    written = json.loads(task_settings(DEFAULT, preparation=preparation))
    assert written["FullLoadSettings"]["TargetTablePrepMode"] == preparation


def test_a_table_of_unknown_lob_size_is_copied_in_full() -> None:
    target = document(Settings(lob_limit_kb=48))["TargetMetadata"]
    assert (target["FullLobMode"], target["LimitedSizeLobMode"]) == (True, False)
    assert target["InlineLobMaxSize"] == 48
    assert [rule for rule in rules(DEFAULT) if rule["rule-type"] == "table-settings"] == []


sizes = st.dictionaries(
    st.sampled_from(["public.receipts", "public.notes", "audit.events"]), st.integers(1, 200)
)


@hypothesis_settings(deadline=None)
@given(limit=st.integers(1, 200), known=sizes)
def test_only_a_table_known_to_fit_the_limit_is_copied_in_limited_mode(
    limit: int, known: dict[str, int]
) -> None:
    settings = Settings(lob_limit_kb=limit, lob_table_sizes_kb=known)
    limited = {
        f"{rule['object-locator']['schema-name']}.{rule['object-locator']['table-name']}": rule
        for rule in rules(settings)
        if rule["rule-type"] == "table-settings"
    }
    assert set(limited) == {table for table, size in known.items() if size <= limit}
    assert list(limited) == list(limited_lob_tables(settings))
    for table, rule in limited.items():
        assert rule["lob-settings"]["mode"] == "limited"
        assert int(rule["lob-settings"]["bulk-max-size"]) >= known[table], "truncated silently"


def test_all_tables_of_the_schemas_are_copied_but_those_of_dms() -> None:
    found = rules(dataclasses.replace(DEFAULT, schemas=("public", "audit")))
    selected = [
        (rule["rule-action"], *rule["object-locator"].values())
        for rule in found
        if rule["rule-type"] == "selection"
    ]
    assert selected == [
        ("include", "public", "%"),
        ("exclude", "public", "awsdms_%"),
        ("include", "audit", "%"),
        ("exclude", "audit", "awsdms_%"),
        ("include", "migration_control", "marker"),
    ]


def test_rules_have_ids_and_names_of_their_own() -> None:
    settings = Settings(
        schemas=("public", "audit"), lob_table_sizes_kb={"public.notes": 3, "audit.notes": 4}
    )
    found = rules(settings)
    assert len({rule["rule-id"] for rule in found}) == len(found) == 7
    assert len({rule["rule-name"] for rule in found}) == 7
    assert all(rule["rule-id"].isdigit() for rule in found)


def test_filling_in_one_document_leaves_the_next_as_it_was() -> None:
    before = table_mappings(DEFAULT), task_settings(DEFAULT, preparation="DO_NOTHING")
    table_mappings(Settings(schemas=("other",), lob_table_sizes_kb={"other.t": 1}))
    task_settings(Settings(lob_limit_kb=7), preparation="TRUNCATE_BEFORE_LOAD")
    after = table_mappings(DEFAULT), task_settings(DEFAULT, preparation="DO_NOTHING")
    assert before == after
