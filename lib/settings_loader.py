"""Reads settings: defaults, then the environment's overlay file, then environment variables."""

from __future__ import annotations

import difflib
import json
import typing
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typeguard

from lib.settings import Settings, SettingsError

CONFIG = Path(__file__).resolve().parent.parent / "config"
FIELDS = tuple(field.name for field in fields(Settings))
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "ENVIRONMENT_SUFFIX": "environment_suffix",
        "AWS_REGION": "aws_region",
        "TERRAFORM_STATE_BUCKET": "state_bucket",
        "TERRAFORM_STATE_BUCKET_REGION": "state_bucket_region",
    }
)
"""Environment variable → the setting it overrides, after the overlay."""


def load_settings(environ: Mapping[str, str], config: Path = CONFIG) -> Settings:
    """Settings of the environment that ``ENVIRONMENT`` names (default ``dev``).

    Raises:
        SettingsError: with every unknown name, wrong type and broken rule at once.
    """
    environment = environ.get("ENVIRONMENT", "dev")
    values = {"environment_suffix": environment} | _overlay(environment, config)
    problems = [_unknown(name, environment) for name in values if name not in FIELDS]
    values = {name: value for name, value in values.items() if name in FIELDS}
    for variable, setting in VARIABLES.items():
        if variable in environ:
            values[setting] = environ[variable]
    values, wrong = _typed(values)
    problems += wrong
    try:
        settings = Settings(**values)
    except SettingsError as error:
        raise SettingsError(problems + error.problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _overlay(environment: str, config: Path) -> dict[str, Any]:
    known = sorted(path.stem for path in config.glob("*.json"))
    if environment not in known:
        raise SettingsError(
            [
                f"ENVIRONMENT is {environment!r}: known are {', '.join(known) or 'none'}; "
                f"use one of them or add config/{environment or 'NAME'}.json"
            ]
        )
    path = config / f"{environment}.json"
    try:
        overlay = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except ValueError as error:
        raise SettingsError([f"config/{path.name} is not valid JSON: {error}; mend it"]) from None
    if not isinstance(overlay, dict):
        raise SettingsError(
            [f"config/{path.name} holds {type(overlay).__name__}: write one JSON object"]
        )
    return overlay


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of ``pairs``; Python's own reading silently keeps the last of two equal names."""
    twice = sorted(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    if twice:
        raise ValueError(f"{', '.join(twice)} is given twice")
    return dict(pairs)


def _unknown(name: str, environment: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "lib/settings.py lists all settings"
    return f"{name!r} in config/{environment}.json is no setting: {hint}"


def _typed(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values of the right type (JSON lists as tuples), and a sentence for each other one."""
    hints = typing.get_type_hints(Settings)
    right: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in values.items():
        candidate = tuple(value) if isinstance(value, list) else value
        hint = hints[name]
        # typeguard 2 looks into dict but not into Mapping, and takes True for the int 1.
        if typing.get_origin(hint) is Mapping:
            hint = dict[typing.get_args(hint)]  # type: ignore[misc]
        try:
            if hint is not bool and _has_bool(candidate):
                raise TypeError
            typeguard.check_type(name, candidate, hint)
        except TypeError:
            expected = str(Settings.__annotations__[name])
            problems.append(f"{name} is {value!r}: write a value of type {expected}")
        else:
            right[name] = candidate
    return right, problems


def _has_bool(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    return isinstance(value, bool) or any(isinstance(part, bool) for part in parts)
