"""plan, deploy and destroy run Terraform in the right folders, in the right order, or refuse."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from lib.settings import Settings
from scripts import lifecycle, operator_error
from scripts.lifecycle import main, state_exists
from scripts.operator_error import OperatorError

DEFAULTS = Settings()


@pytest.fixture
def terraform_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a Terraform on PATH that notes its arguments, and fails where it is told to."""
    log = tmp_path / "terraform.log"
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = version ]; then echo \'{"terraform_version": "1.11.4"}\'; exit 0; fi\n'
        f'echo "$*" >> {log}\n'
        'case "$*" in *"$TERRAFORM_FAILS_ON"*) exit 3;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    monkeypatch.setenv("TERRAFORM_FAILS_ON", "nothing at all")
    log.touch()
    return log


@pytest.fixture(autouse=True)
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A synthesis of both environments."""
    output = tmp_path / "cdktf.out"
    entries = {}
    for name in ("StateStackdev", "TapStackdev", "StateStackprod", "TapStackprod"):
        file = output / "stacks" / name / "cdk.tf.json"
        file.parent.mkdir(parents=True)
        file.write_text("{}")
        entries[name] = {"synthesizedStackPath": f"stacks/{name}/cdk.tf.json"}
    (output / "manifest.json").write_text(json.dumps({"stacks": entries}))
    monkeypatch.setattr(lifecycle, "OUTPUT", output)
    return output


@pytest.fixture
def with_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account where the state stack is deployed."""
    monkeypatch.setattr(lifecycle, "state_exists", lambda settings: True)


@pytest.fixture
def without_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account where nothing is deployed."""
    monkeypatch.setattr(lifecycle, "state_exists", lambda settings: False)


def calls(log: Path) -> list[str]:
    """``init TapStackdev`` … in the order they were made."""
    lines = [line.split() for line in log.read_text().splitlines()]
    return [f"{words[1]} {Path(words[0].removeprefix('-chdir=')).name}" for words in lines]


def test_the_first_deploy_creates_the_state_before_anything_else(
    terraform_log: Path, without_state: None
) -> None:
    main(["deploy"])

    assert calls(terraform_log) == [
        "init StateStackdev",
        "apply StateStackdev",
        "init TapStackdev",
        "apply TapStackdev",
    ]


def test_a_later_deploy_leaves_the_state_alone(terraform_log: Path, with_state: None) -> None:
    main(["deploy"])

    assert calls(terraform_log) == ["init TapStackdev", "apply TapStackdev"]


def test_the_state_exists_when_both_bucket_and_table_do() -> None:
    with mock_aws():
        assert not state_exists(DEFAULTS)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=DEFAULTS.state_bucket)
        assert not state_exists(DEFAULTS)
        boto3.client("dynamodb", region_name="us-east-1").create_table(
            TableName=DEFAULTS.state_lock_table,
            KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        assert state_exists(DEFAULTS)


def test_a_bucket_name_that_another_account_owns_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)

    with pytest.raises(OperatorError, match=r"\(403\).*set TERRAFORM_STATE_BUCKET to a free one"):
        state_exists(DEFAULTS)


def test_the_payments_stack_is_not_applied_when_the_state_fails(
    terraform_log: Path, without_state: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRAFORM_FAILS_ON", "apply")

    with pytest.raises(OperatorError, match=r"apply of StateStackdev ended with code 3"):
        main(["deploy"])

    assert calls(terraform_log) == ["init StateStackdev", "apply StateStackdev"]


def test_deploy_never_approves_itself(terraform_log: Path, without_state: None) -> None:
    main(["deploy"])

    assert "auto-approve" not in terraform_log.read_text()


def test_plan_shows_the_state_stack_while_there_is_no_state(
    terraform_log: Path, without_state: None, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plan"])

    assert calls(terraform_log) == ["init StateStackdev", "plan StateStackdev"]
    assert "'make deploy' creates it as planned above" in capsys.readouterr().out


def test_plan_shows_the_payments_stack(terraform_log: Path, with_state: None) -> None:
    main(["plan"])

    assert calls(terraform_log) == ["init TapStackdev", "plan TapStackdev"]


def test_destroy_leaves_the_state_of_other_environments(
    terraform_log: Path, with_state: None
) -> None:
    main(["destroy"])

    assert calls(terraform_log) == ["init TapStackdev", "destroy TapStackdev"]


def test_destroy_refuses_a_protected_environment(
    terraform_log: Path, with_state: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")

    with pytest.raises(OperatorError, match=r'"protect": false in config/prod\.json'):
        main(["destroy"])

    assert calls(terraform_log) == []


def test_destroy_tells_that_nothing_was_deployed(terraform_log: Path, without_state: None) -> None:
    with pytest.raises(OperatorError, match="nothing was deployed from this account"):
        main(["destroy"])

    assert calls(terraform_log) == []


def test_no_credentials_are_one_sentence(
    terraform_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)

    with pytest.raises(SystemExit) as stopped:
        operator_error.run(lambda: main(["deploy"]))

    assert "Unable to locate credentials" in str(stopped.value)
    assert "set AWS_PROFILE" in str(stopped.value)
    assert calls(terraform_log) == []


def test_no_terraform_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "environment"))
    monkeypatch.setattr("scripts.terraform.this_system", lambda: "plan9_mips")

    with pytest.raises(SystemExit, match=r"^Terraform 1\.11 or later is not on PATH.*install"):
        operator_error.run(lambda: main(["plan"]))


@pytest.mark.parametrize("arguments", [[], ["aply"], ["plan", "deploy"]])
def test_an_unknown_verb_is_refused(arguments: list[str]) -> None:
    with pytest.raises(OperatorError, match="say one of plan, deploy, destroy"):
        main(arguments)
