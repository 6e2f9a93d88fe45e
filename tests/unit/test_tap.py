"""``python tap.py`` with input that is wrong: one clear message, exit code 1, nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lib.jsii_runtime import NodeMissingError, require_node


@dataclass(frozen=True)
class Wrong:
    """An overlay or variables, and words that the message must have."""

    says: tuple[str, ...]
    overlay: Mapping[str, Any] | str = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "unknown environment": Wrong(
        ("ENVIRONMENT is 'staging'", "dev, prod", "config/staging.json"),
        variables={"ENVIRONMENT": "staging"},
    ),
    "suffix too long": Wrong(
        ("environment_suffix is 'a-very-long-suffix'", "1 to 16", "pr-123"),
        variables={"ENVIRONMENT_SUFFIX": "a-very-long-suffix"},
    ),
    "suffix in upper case": Wrong(
        ("environment_suffix is 'Dev'", "lower-case"), variables={"ENVIRONMENT_SUFFIX": "Dev"}
    ),
    "suffix empty": Wrong(("environment_suffix is ''",), variables={"ENVIRONMENT_SUFFIX": ""}),
    "networks overlap": Wrong(
        ("production_cidr '10.0.0.0/16'", "migration_cidr '10.0.0.0/17'", "overlap"),
        overlay={"migration_cidr": "10.0.0.0/17"},
    ),
    "network too small": Wrong(
        ("migration_cidr is '10.1.0.0/24', too small", "/16 to /22"),
        overlay={"migration_cidr": "10.1.0.0/24"},
    ),
    "more zones than the region has": Wrong(
        ("zone_count is 7", "us-west-1 offers", "use 2 to"),
        overlay={"zone_count": 7, "aws_region": "us-west-1"},
    ),
    "region unknown": Wrong(
        ("aws_region is 'us-east-9'", "us-east-1"), variables={"AWS_REGION": "us-east-9"}
    ),
    "no e-mail address": Wrong(
        ("alarm_emails has 'oncall'", "name@example.com"), overlay={"alarm_emails": ["oncall"]}
    ),
    "source without port": Wrong(
        ("source_endpoint is 'db.example.com'", "host:port", "1150 to 65535"),
        overlay={"source_endpoint": "db.example.com"},
    ),
    "unknown setting": Wrong(
        ("'zone_cuont' in config/dev.json is no setting", "did you mean 'zone_count'?"),
        overlay={"zone_cuont": 3},
    ),
    "wrong type": Wrong(("zone_count is '3'", "int"), overlay={"zone_count": "3"}),
    "overlay is not JSON": Wrong(
        ("config/dev.json is not valid JSON", "line 1 column 16"), overlay='{"zone_count": '
    ),
    "overlay is a list": Wrong(("config/dev.json holds list", "one JSON object"), overlay="[]"),
    "Node is not there": Wrong(
        ("JSII_NODE is '/nowhere/node'", "make synth", "Node 22 or 24"),
        variables={"JSII_NODE": "/nowhere/node"},
    ),
}


def synthesize(project: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tap.py"],
        cwd=project,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


def write_overlay(project: Path, overlay: Mapping[str, Any] | str) -> None:
    text = overlay if isinstance(overlay, str) else json.dumps(overlay)
    (project / "config" / "dev.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("wrong", CASES.values(), ids=CASES.keys())
def test_wrong_input_gives_one_message_and_writes_nothing(project: Path, wrong: Wrong) -> None:
    write_overlay(project, wrong.overlay)

    answer = synthesize(project, wrong.variables)

    assert answer.returncode == 1
    for words in wrong.says:
        assert words in answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.splitlines()) <= 2
    assert answer.stdout == ""
    assert not (project / "cdktf.out").exists()


def test_every_wrong_setting_is_named_at_once(project: Path) -> None:
    write_overlay(
        project,
        {"zone_cuont": 3, "source_endpoint": "db", "alarm_emails": ["x"], "poll_seconds": "5"},
    )

    answer = synthesize(project, {"ENVIRONMENT_SUFFIX": "UPPER"})

    assert answer.stderr.splitlines()[0] == "5 settings are wrong:"
    for name in ("zone_cuont", "source_endpoint", "alarm_emails", "poll_seconds", "suffix"):
        assert name in answer.stderr


def test_wrong_input_leaves_the_last_synthesis_as_it_was(project: Path) -> None:
    earlier = project / "cdktf.out" / "manifest.json"
    earlier.parent.mkdir()
    earlier.write_text("{}")

    synthesize(project, {"ENVIRONMENT_SUFFIX": "Dev"})

    assert [path.name for path in earlier.parent.iterdir()] == ["manifest.json"]
    assert earlier.read_text() == "{}"


def test_no_node_on_path_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JSII_NODE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NodeMissingError, match=r"no Node that can be run: run 'make synth'"):
        require_node()
