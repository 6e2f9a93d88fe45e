"""What the validator is told is what it reads, and fits into a function's variables."""

from __future__ import annotations

import json

import pytest

from lib.functions.settings_rules import ROOM_FOR_RULES
from lib.functions.validation import validation_variables
from lib.settings import Settings
from migration.validator.limits import Limits
from migration.validator.rules import MASKED, Rules
from tests.support.services import whole_stack

# Lambda developer guide, "Lambda quotas".
LAMBDA_BYTES = 4096


def test_the_function_reads_what_the_settings_say() -> None:
    variables = validation_variables(
        Settings(
            validation_workers=3,
            validation_pace=0.5,
            validation_part_rows=1_000_000,
            validation_excluded_columns=("public.payments.note",),
            validation_masked_columns=("*.secret",),
            validation_column_types={"public.rates.rate": "numeric(28,6)"},
        )
    )
    rules = Rules.from_json(variables["VALIDATION_RULES"])
    assert rules.excluded == ("public.payments.note",)
    assert rules.masked == ("*.secret",)
    assert rules.compared_as == {"public.rates.rate": "numeric(28,6)"}
    limits = Limits(**json.loads(variables["VALIDATION_LIMITS"]))
    assert limits == Limits(workers=3, pace=0.5, part_rows=1_000_000)


def test_card_numbers_are_masked_unless_the_settings_say_what_is() -> None:
    assert Rules.from_json(validation_variables(Settings())["VALIDATION_RULES"]).masked == MASKED
    none = validation_variables(Settings(validation_masked_columns=()))
    assert Rules.from_json(none["VALIDATION_RULES"]).masked == ()


@pytest.mark.parametrize("case", ["default", "production"])
def test_the_longest_rules_fit_beside_everything_else(case: str) -> None:
    [function] = [
        each
        for each in whole_stack(case).resources("aws_lambda_function").values()
        if each["handler"] == "data_validator.handler"
    ]
    variables = function["environment"]["variables"]
    ours = {"SCHEMAS", *validation_variables(Settings())}
    # A reference is replaced by an ARN or an endpoint of up to 150 characters.
    others = sum(
        len(name) + (150 if "${" in value else len(value))
        for name, value in variables.items()
        if name not in ours
    )
    names = sum(map(len, ours))
    assert others + names + ROOM_FOR_RULES < LAMBDA_BYTES
