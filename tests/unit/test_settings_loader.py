"""Settings are read from defaults, the overlay and the environment, in this order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lib.settings import Settings, SettingsError
from lib.settings_loader import CONFIG, load_settings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config folder with an empty overlay for dev."""
    (tmp_path / "dev.json").write_text("{}")
    return tmp_path


def write(config: Path, overlay: Any) -> None:
    (config / "dev.json").write_text(overlay if isinstance(overlay, str) else json.dumps(overlay))


def problems(config: Path, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load_settings(environ, config)
    return error.value.problems


def test_an_empty_overlay_gives_the_defaults(config: Path) -> None:
    assert load_settings({}, config) == Settings(environment_suffix="dev")


def test_the_overlay_overrides_defaults_and_the_environment_the_overlay(config: Path) -> None:
    write(config, {"zone_count": 2, "aws_region": "us-west-2", "alarm_emails": ["a@example.com"]})

    settings = load_settings(
        {
            "AWS_REGION": "eu-west-1",
            "ENVIRONMENT_SUFFIX": "pr-9",
            "TERRAFORM_STATE_BUCKET": "state-here",
            "TERRAFORM_STATE_BUCKET_REGION": "eu-central-1",
        },
        config,
    )

    assert settings == Settings(
        zone_count=2,
        alarm_emails=("a@example.com",),
        aws_region="eu-west-1",
        environment_suffix="pr-9",
        state_bucket="state-here",
        state_bucket_region="eu-central-1",
    )


def test_the_environment_is_the_suffix_unless_another_is_given(config: Path) -> None:
    (config / "prod.json").write_text("{}")
    (config / "qa.json").write_text('{"environment_suffix": "quality"}')

    assert load_settings({"ENVIRONMENT": "prod"}, config).environment_suffix == "prod"
    assert load_settings({"ENVIRONMENT": "qa"}, config).environment_suffix == "quality"


@pytest.mark.parametrize("environment", sorted(path.stem for path in CONFIG.glob("*.json")))
def test_every_overlay_of_the_project_loads(environment: str) -> None:
    assert load_settings({"ENVIRONMENT": environment}).environment_suffix == environment


def test_production_is_protected_and_development_is_not() -> None:
    assert load_settings({"ENVIRONMENT": "prod"}).protect is True
    assert load_settings({}).protect is False


@pytest.mark.parametrize("environment", ["staging", "", "../dev", "dev.json"])
def test_an_unknown_environment_is_refused_with_the_known_ones(
    config: Path, environment: str
) -> None:
    [problem] = problems(config, ENVIRONMENT=environment)

    assert problem.startswith(f"ENVIRONMENT is {environment!r}: known are dev; ")
    assert "add config/" in problem


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("{", "config/dev.json is not valid JSON"),
        ('{"zone_count": 2,}', "config/dev.json is not valid JSON"),
        ("", "config/dev.json is not valid JSON"),
        ("[]", "config/dev.json holds list: write one JSON object"),
        ('"dev"', "config/dev.json holds str: write one JSON object"),
    ],
)
def test_a_broken_overlay_is_refused(config: Path, overlay: str, said: str) -> None:
    write(config, overlay)

    [problem] = problems(config)

    assert said in problem


def test_an_overlay_that_is_no_text_is_refused(config: Path) -> None:
    (config / "dev.json").write_bytes(b'{"owner": "\xff"}')

    [problem] = problems(config)

    assert "config/dev.json is not valid JSON" in problem


def test_a_setting_given_twice_in_one_overlay_is_refused(config: Path) -> None:
    write(config, '{"zone_count": 2, "zone_count": 3}')

    [problem] = problems(config)

    assert "config/dev.json is not valid JSON: zone_count is given twice" in problem


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zone_cout", "did you mean 'zone_count'?"),
        ("aurora_instance_clas", "did you mean 'aurora_instance_class'?"),
        ("xyzzy", "lib/settings.py lists all settings"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(
    config: Path, name: str, said: str
) -> None:
    write(config, {name: 1})

    [problem] = problems(config)

    assert problem == f"{name!r} in config/dev.json is no setting: {said}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("zone_count", "three"),
        ("zone_count", 2.5),
        ("zone_count", True),
        ("zone_count", None),
        ("protect", "yes"),
        ("protect", 1),
        ("alarm_emails", "a@example.com"),
        ("alarm_emails", [1]),
        ("schemas", {"public": 1}),
        ("lob_table_sizes_kb", ["public.receipts"]),
        ("lob_table_sizes_kb", {"public.receipts": "512"}),
        ("lob_table_sizes_kb", {"public.receipts": True}),
        ("reserved_concurrency", {"data_validator": 1.5}),
        ("encryption", "none"),
        ("owner", 7),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(config: Path, name: str, value: Any) -> None:
    write(config, {name: value})

    [problem] = problems(config)

    assert problem.startswith(f"{name} is {value!r}: write a value of type ")


def test_everything_wrong_is_reported_at_once(config: Path) -> None:
    write(config, {"zone_cout": 3, "protect": "yes", "log_level": "LOUD", "backend_url": "ftp://x"})

    found = problems(config, AWS_REGION="mars")

    for words in ("zone_cout", "protect", "log_level", "backend_url", "aws_region"):
        assert sum(words in problem for problem in found) == 1
    assert len(found) == 5
