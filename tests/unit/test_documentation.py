"""The documents say what the synthesized JSON, the Makefile and the settings say."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearsal import synthesis
from scripts import costs, diagram, workflow_diagram
from scripts.documents import FILES, MARKED, UnknownPartError, current, parts
from scripts.references import addresses
from scripts.synthesized import Resource, Stack, stacks
from tests.conftest import ROOT

README = ROOT / "README.md"
RUNBOOK = ROOT / "docs" / "runbook"
PAGES = [str(page.relative_to(ROOT)) for page in sorted(RUNBOOK.glob("*.md"))]
DECISIONS = [str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "decisions").glob("*.md")]
DECISION_SECTIONS = ("Status: ", "Date: ", "## Context", "## Options", "## Decision")
TARGETS = (
    "synth", "test", "rehearse", "lint", "plan", "deploy", "destroy", "bench", "bench-pause",
    "bench-validator", "help",
)  # fmt: skip
# Commands of the README → how a test or the Makefile runs them.
RUN_BY_HAND = {
    "source .venv/bin/activate": "tests/integration/test_commands.py",
    "python tap.py": "tests/integration/test_commands.py",
    "cdktf synth": "tests/integration/test_commands.py",
    "cdktf synth --hcl": "tests/integration/test_commands.py",
    "pipenv run put-secret": "tests/unit/scripts/test_database_secret.py",
    "pipenv run migration plan": "tests/unit/scripts/test_migration_plan.py",
    "pipenv run migration start": "tests/unit/scripts/test_migration_start.py",
    "pipenv run migration status": "tests/unit/scripts/test_migration_status.py",
    "pipenv run rehearse": "tests/unit/rehearsal/test_command.py",
    "pipenv run validate": "tests/integration/test_validate_command.py",
    "pipenv run mint-token": "tests/unit/lambda/test_api_keys_command.py",
    "pipenv run rotate-api-key": "tests/unit/lambda/test_api_keys_command.py",
}


@pytest.fixture(scope="module")
def stack() -> Stack:
    """The payments stack of the default settings."""
    return next(each for each in stacks(synthesis.fresh("dev")) if each.name == "TapStackdev")


@pytest.mark.parametrize("name", FILES)
def test_generated_parts_are_current(stack: Stack, name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert MARKED.search(text)
    assert current(text, parts(stack)) == text, f"{name} is not current: run 'make docs'"


def test_an_unknown_part_is_refused() -> None:
    text = "<!-- generated: nonsense -->\n<!-- end of nonsense -->"

    with pytest.raises(UnknownPartError, match="nothing generates 'nonsense'"):
        current(text, {"diagram": lambda: ""})


def test_only_the_marked_part_changes() -> None:
    text = "before\n<!-- generated: part -->\nold\n<!-- end of part -->\nafter"

    assert current(text, {"part": lambda: "new"}) == text.replace("old", "new")


def test_every_folder_of_the_diagram_is_one_of_lib() -> None:
    for folder in diagram.FOLDERS:
        assert (ROOT / "lib" / folder).is_dir()


def test_the_diagram_is_small_enough_to_read(stack: Stack) -> None:
    nodes = [line for line in diagram.flowchart(stack).splitlines() if '["' in line]

    assert 15 <= len(nodes) <= 30


def resource(type_: str, name: str, path: str, **arguments: object) -> Resource:
    return Resource(type_, name, tuple(path.split("/")), arguments)


@dataclass(frozen=True)
class Resources(Stack):
    """A stack of the given resources."""

    given: tuple[Resource, ...] = ()

    def resources(self) -> Iterator[Resource]:
        return iter(self.given)


def stack_of(*given: Resource) -> Stack:
    return Resources("TapStackdev", Path("cdk.tf.json"), {}, given)


def test_an_arrow_follows_a_reference() -> None:
    drawn = diagram.flowchart(
        stack_of(
            resource("aws_vpc", "V", "Network/Production/Vpc"),
            resource("aws_rds_cluster", "C", "Aurora/Cluster", vpc="${aws_vpc.V.id}"),
            resource("aws_kms_key", "K", "Key/Key", other="${aws_vpc.V.id}"),
        )
    )

    assert "  Aurora --> Network_Production" in drawn.splitlines()
    assert drawn.count("-->") == 1
    assert "Key" not in drawn


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    drawn = diagram.flowchart(
        stack_of(
            resource("aws_vpc", "V", "Network/Production/Vpc"),
            resource("aws_rds_cluster", "C", "Aurora/Cluster", vpc="${aws_vpc.V.id}"),
            resource("aws_x", "X", "Api/X", a="${aws_rds_cluster.C.id}", b="${aws_vpc.V.id}"),
        )
    )

    arrows = [line.strip() for line in drawn.splitlines() if "-->" in line]
    assert arrows == ["Api --> Aurora", "Aurora --> Network_Production"]


def test_a_construct_that_has_no_place_in_the_diagram_is_told() -> None:
    with pytest.raises(diagram.DiagramError, match="Surprise of TapStackdev is in no folder"):
        diagram.flowchart(stack_of(resource("aws_vpc", "V", "Surprise/Vpc")))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${aws_vpc.V.id}", ["aws_vpc.V"]),
        ("arn:${data.aws_partition.P.id}:x", []),
        ("aws_vpc.V", []),
        (["a", {"b": "${jsonencode(aws_sns_topic.T.arn)}"}], ["aws_sns_topic.T"]),
        ({"depends_on": ["aws_iam_role.R"]}, ["aws_iam_role.R"]),
        ({"//": {"metadata": "${aws_vpc.V.id}"}}, []),
    ],
)
def test_references_are_found(value: object, expected: list[str]) -> None:
    assert list(addresses(value)) == expected


def test_costs_are_the_prices_times_what_is_there() -> None:
    subnets = ["a", "b", "c"]
    text = costs.table(
        stack_of(
            resource("aws_nat_gateway", "N", "Network/Nat"),
            resource(
                "aws_vpc_endpoint", "I", "N/I", vpc_endpoint_type="Interface", subnet_ids=subnets
            ),
            resource("aws_vpc_endpoint", "G", "N/G", vpc_endpoint_type="Gateway"),
            resource(
                "aws_dms_replication_instance",
                "D",
                "R/D",
                replication_instance_class="dms.c5.xlarge",
                multi_az=True,
            ),
        )
    )

    assert text.splitlines()[2:] == [
        "| DMS replication instance | 1 | 14.78 |",
        "| NAT gateways | 1 | 1.08 |",
        "| interface endpoints | 1 | 0.72 |",
        "| **Together** | | **16.58** |",
    ]


def test_a_class_without_a_price_is_told() -> None:
    instance = resource("aws_rds_cluster_instance", "I", "A/I", instance_class="db.x9.huge")

    with pytest.raises(costs.UnknownPriceError, match=r"db\.x9\.huge has no price"):
        costs.table(stack_of(instance))


def commands() -> list[str]:
    """Every line of the README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_readme_is_run_by_make_or_by_a_test(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)
        return
    known = command.removeprefix(".venv/bin/")
    tests = [test for prefix, test in RUN_BY_HAND.items() if known.startswith(prefix)]
    assert tests, f"no test runs {command!r}"
    assert (ROOT / tests[-1]).is_file()


def test_each_operator_command_is_a_script_of_the_pipfile() -> None:
    pipfile = (ROOT / "Pipfile").read_text(encoding="utf-8")
    for name in (word for word in map(_script, commands()) if word):
        module = re.search(rf'^{name} = "python -m ([\w.]+)', pipfile, re.MULTILINE)
        assert module, f"{name} is not in the Pipfile"
        file = ROOT / module[1].replace(".", "/")
        assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file()


def _script(command: str) -> str | None:
    found = re.search(r"pipenv run ([\w-]+)", command)
    return found[1] if found else None


@pytest.mark.parametrize(
    "name", ["README.md", "docs/architecture.md", "docs/rehearsal.md", *DECISIONS, *PAGES]
)
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    for target in re.findall(r"\]\((?!https:)([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_every_decision_has_its_sections() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [record.name[:4] for record in records] == [
        f"{n:04}" for n in range(1, len(records) + 1)
    ]
    for record in records:
        text = record.read_text(encoding="utf-8")
        for section in DECISION_SECTIONS:
            assert section in text, f"{record.name} has no {section!r}"


def test_help_lists_every_target_that_is_not_a_file() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    answer = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    for target in TARGETS:
        assert f"\n{target}:" in makefile
        assert f"make {target} " in answer.stdout


def test_the_workflow_is_drawn_with_its_ways_out() -> None:
    states = {
        "Work": {
            "Type": "Task",
            "Next": "Check",
            "Catch": [
                {"ErrorEquals": ["Held"], "Next": "Refused"},
                {"ErrorEquals": ["States.ALL"], "Next": "Undo"},
            ],
        },
        "Check": {"Type": "Choice", "Choices": [{"Next": "Done"}], "Default": "Undo"},
        "Undo": {"Type": "Task", "Next": "Refused"},
        "Done": {"Type": "Succeed"},
        "Refused": {"Type": "Fail"},
    }
    definition = json.dumps({"StartAt": "Work", "States": states})
    machine = resource("aws_sfn_state_machine", "M", "Workflow/M", definition=definition)

    drawn = workflow_diagram.flowchart(stack_of(machine)).splitlines()

    for line in (
        "  start(( )) --> Work",
        "  Work --> Check",
        '  Work -.->|"Held"| Refused',
        "  Work -.-> Undo",
        '  Check{"Check"}',
        "  Check --> Done",
        "  Check --> Undo",
        '  Done(["Done"])',
    ):
        assert line in drawn
