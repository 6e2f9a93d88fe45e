"""The operator's command: tokens the authorizer takes, rotations that lose no request."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, InvalidRegionError, NoCredentialsError
from moto import mock_aws

from migration.bearer_token import Limits, SigningKey, encode, mint, parse, refusal
from migration.key_store import ApiKeys, MalformedKeysError, parse_keys
from scripts.api_keys import RotationError, main, mint_token, rotate

PARAMETER = "/migration/dev/api/secret"
FIRST = SigningKey("k1", b"\x01" * 32)
NOW = 1_790_000_000
WHERE = ["--environment-suffix", "dev", "--region", "eu-central-1"]


@pytest.fixture(scope="module")
def account() -> Iterator[Any]:
    """Parameter Store of a simulated account; one for all, because a client takes long to make."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        client = boto3.client("ssm", region_name="eu-central-1")

        def same(service: str, region_name: str) -> Any:
            assert (service, region_name) == ("ssm", "eu-central-1")
            return client

        patch.setattr(boto3, "client", same)
        yield client


@pytest.fixture
def ssm(account: Any) -> Iterator[Any]:
    """The parameter as Terraform leaves it."""
    account.put_parameter(
        Name=PARAMETER,
        Value=ApiKeys(FIRST, None).dump(),
        Type="SecureString",
        KeyId="alias/migration-dev",
    )
    yield account
    account.delete_parameter(Name=PARAMETER)


def stored(ssm: Any) -> ApiKeys:
    return parse_keys(ssm.get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]["Value"])


class TestMint:
    def test_prints_one_token_that_the_current_key_verifies(
        self, ssm: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.time", lambda: NOW + 0.9)
        assert main(["mint", *WHERE]) == 0
        printed = capsys.readouterr().out
        token = parse(f"Bearer {printed.removesuffix(chr(10))}")
        assert token.issued_at == NOW
        assert refusal(token, FIRST, NOW, Limits(1, 0)) is None

    def test_every_token_has_its_own_nonce(
        self, ssm: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for _ in range(3):
            main(["mint", *WHERE])
        nonces = {line.split(".")[3] for line in capsys.readouterr().out.splitlines()}
        assert len(nonces) == 3

    def test_signs_with_the_current_key_and_not_the_previous(self, ssm: Any) -> None:
        rotate(ssm, PARAMETER, b"\x02" * 32, revoke=False)
        expected = mint(SigningKey("k2", b"\x02" * 32), NOW, bytes(16))
        assert mint_token(ssm, PARAMETER, NOW, bytes(16)) == expected


class TestRotate:
    def test_moves_current_to_previous_and_makes_a_new_key(self, ssm: Any) -> None:
        assert main(["rotate", *WHERE]) == 0
        one = stored(ssm)
        assert main(["rotate", *WHERE]) == 0
        two = stored(ssm)
        assert (one.previous, two.previous) == (FIRST, one.current)
        assert [one.current.id, two.current.id] == ["k2", "k3"]
        assert len({FIRST.secret, one.current.secret, two.current.secret}) == 3
        assert len(two.current.secret) == 32

    def test_keeps_the_parameter_encrypted_with_the_key_it_had(
        self, ssm: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The request is looked at: moto keeps the old key when none is named, and AWS does not.
        requests: list[dict[str, Any]] = []
        put = ssm.put_parameter

        def recorded(**request: Any) -> Any:
            requests.append(request)
            return put(**request)

        monkeypatch.setattr(ssm, "put_parameter", recorded)
        main(["rotate", *WHERE])
        assert [(r["Type"], r["KeyId"]) for r in requests] == [
            ("SecureString", "alias/migration-dev")
        ]

    def test_revoke_keeps_no_old_key(self, ssm: Any) -> None:
        assert main(["rotate", "--revoke", *WHERE]) == 0
        keys = stored(ssm)
        assert (keys.current.id, keys.previous) == ("k2", None)
        assert keys.current.secret != FIRST.secret

    def test_revoke_replaces_a_value_that_is_not_keys(self, ssm: Any) -> None:
        ssm.put_parameter(Name=PARAMETER, Value="spoilt", Type="SecureString", Overwrite=True)
        assert main(["rotate", "--revoke", *WHERE]) == 0
        assert stored(ssm).current.id == "k3"

    def test_without_revoke_such_a_value_is_left_alone(
        self, ssm: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ssm.put_parameter(Name=PARAMETER, Value="spoilt", Type="SecureString", Overwrite=True)
        assert main(["rotate", *WHERE]) == 1
        assert "nothing was changed: the API secret is not JSON" in capsys.readouterr().err
        assert ssm.get_parameter(Name=PARAMETER)["Parameter"]["Version"] == 2

    def test_a_new_name_already_taken_is_not_written(self, ssm: Any) -> None:
        taken = ApiKeys(SigningKey("k3", b"\x03" * 32), None).dump()
        ssm.put_parameter(Name=PARAMETER, Value=taken, Type="SecureString", Overwrite=True)
        with pytest.raises(MalformedKeysError, match=r"nothing was changed: .* both named k3"):
            rotate(ssm, PARAMETER, b"\x04" * 32, revoke=False)
        assert stored(ssm).current.secret == b"\x03" * 32

    def test_two_rotations_at_once_are_noticed(self, ssm: Any) -> None:
        class Overtaken:
            """Somebody rotates between our reading and our writing."""

            def __getattr__(self, name: str) -> Any:
                if name == "put_parameter":
                    rotate(ssm, PARAMETER, b"\x05" * 32, revoke=False)
                return getattr(ssm, name)

        with pytest.raises(RotationError, match=r"version 3 instead of 2.*rotate once more"):
            rotate(Overtaken(), PARAMETER, b"\x06" * 32, revoke=False)

    @pytest.mark.parametrize("flags", [[], ["--revoke"]])
    def test_never_prints_a_key(
        self, ssm: Any, capsys: pytest.CaptureFixture[str], flags: list[str]
    ) -> None:
        main(["rotate", *flags, *WHERE])
        printed = "".join(capsys.readouterr())
        assert printed.startswith("k2 signs now; ")
        for secret in (FIRST.secret, stored(ssm).current.secret):
            assert encode(secret) not in printed
            assert secret.hex() not in printed


class TestTrouble:
    @pytest.mark.parametrize("command", ["mint", "rotate"])
    def test_an_environment_that_is_not_deployed(
        self, ssm: Any, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        assert main([command, "--environment-suffix", "nope", "--region", "eu-central-1"]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "/migration/nope/api/secret: ParameterNotFound (region eu-central-1)" in printed.err

    def test_a_refused_write_never_repeats_what_was_to_be_written(
        self, ssm: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written: list[str] = []

        def refuse(**request: Any) -> None:
            written.append(request["Value"])
            error = {"Code": "ValidationException", "Message": f"Value {request['Value']} is bad"}
            raise ClientError({"Error": error}, "PutParameter")

        monkeypatch.setattr(ssm, "put_parameter", refuse)
        assert main(["rotate", *WHERE]) == 1
        expected = f"error: PutParameter on {PARAMETER} in eu-central-1: ValidationException\n"
        assert capsys.readouterr().err == expected
        assert len(written) == 1
        assert stored(ssm).current == FIRST

    def test_no_credentials(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Unsigned:
            def get_parameter(self, **request: Any) -> None:
                raise NoCredentialsError

        monkeypatch.setattr(boto3, "client", lambda *_, **__: Unsigned())
        assert main(["mint", *WHERE]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "NoCredentialsError (region eu-central-1): is the environment" in printed.err

    def test_no_region_of_that_name(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(service: str, region_name: str) -> None:
            raise InvalidRegionError(region_name=region_name)

        monkeypatch.setattr(boto3, "client", refuse)
        assert main(["mint", "--region", "not a region"]) == 1
        assert capsys.readouterr().err.startswith("error: AWS in not a region cannot be asked: ")
