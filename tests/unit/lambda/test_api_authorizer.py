"""The authorizer: 401, 403, 500 or an Allow for one stage, and a log without secrets."""

import importlib.util
import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

import api_authorizer
from migration import clients
from migration.bearer_token import Limits, SigningKey, mint
from migration.key_store import (
    ApiKeys,
    KeyStore,
    KeyStoreUnavailableError,
    MalformedKeysError,
)

PARAMETER = "/migration/dev/api/secret"
STAGE = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/production"
METHOD = f"{STAGE}/POST/payment"
NOW = 1_790_000_000
NONCE = bytes(range(16))
CURRENT = SigningKey("k2", b"\xa2" * 32)
PREVIOUS = SigningKey("k1", b"\xa1" * 32)
STRANGER = SigningKey("k9", b"\xa9" * 32)
FORGER = SigningKey("k2", b"\xaf" * 32)


class SimulatedSsm:
    """Parameter Store with the two keys, which can be away."""

    def __init__(self) -> None:
        self.value = ApiKeys(CURRENT, PREVIOUS).dump()
        self.away: Exception | None = None

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        if self.away:
            raise self.away
        return {"Parameter": {"Value": self.value, "Version": 1}}


@pytest.fixture
def ssm() -> SimulatedSsm:
    return SimulatedSsm()


@pytest.fixture
def authorizer(ssm: SimulatedSsm) -> api_authorizer.Authorizer:
    clock = lambda: float(NOW)  # noqa: E731 - a clock that stands still
    return api_authorizer.Authorizer(KeyStore(ssm, PARAMETER, 60, clock), Limits(300, 30), clock)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    handler = api_authorizer.logger.registered_handler
    stream = io.StringIO()
    before = handler.setStream(stream)  # type: ignore[attr-defined]
    yield stream
    handler.setStream(before)  # type: ignore[attr-defined]


def event(key: SigningKey = CURRENT, issued_at: int = NOW, method: object = METHOD) -> Any:
    token = mint(key, issued_at, NONCE)
    return {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": method}


def policy(principal: str, effect: str, stage: str = STAGE) -> dict[str, Any]:
    """The whole answer: nothing else may be in it, no context and no secret."""
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{stage}/*"}
            ],
        },
    }


class TestAllowed:
    @pytest.mark.parametrize("key", [CURRENT, PREVIOUS])
    def test_a_token_of_the_current_or_previous_key(
        self, authorizer: api_authorizer.Authorizer, key: SigningKey
    ) -> None:
        assert authorizer.answer(event(key)) == policy(key.id, "Allow")

    @pytest.mark.parametrize(
        "stage",
        [
            STAGE,
            "arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3d4e5/production",
            "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:a1b2c3d4e5/canary_2",
        ],
    )
    @pytest.mark.parametrize("method", ["POST/payment", "GET/", "DELETE/a/b/*/c", "*/payment"])
    def test_for_exactly_the_api_and_stage_that_was_called(
        self, authorizer: api_authorizer.Authorizer, stage: str, method: str
    ) -> None:
        answer = authorizer.answer(event(method=f"{stage}/{method}"))
        assert answer == policy("k2", "Allow", stage)


class TestRefused:
    @pytest.mark.parametrize(
        ("request_event", "reason"),
        [
            (event(STRANGER), "unknown_key"),
            (event(FORGER), "bad_signature"),
            (event(issued_at=NOW - 301), "expired"),
            (event(issued_at=NOW + 31), "from_the_future"),
        ],
    )
    def test_gets_a_deny_and_the_log_the_reason(
        self,
        authorizer: api_authorizer.Authorizer,
        log: io.StringIO,
        request_event: dict[str, Any],
        reason: str,
    ) -> None:
        principal = request_event["authorizationToken"].split(".")[1]
        assert authorizer.answer(request_event) == policy(principal, "Deny")
        entry = json.loads(log.getvalue())
        assert (entry["reason"], entry["key_id"]) == (reason, principal)

    @settings(deadline=None, max_examples=50)
    @given(st.binary(min_size=32, max_size=64), st.sampled_from(["k1", "k2"]))
    def test_no_made_up_key_is_allowed(self, secret: bytes, name: str) -> None:
        clock = lambda: float(NOW)  # noqa: E731 - a clock that stands still
        keys = KeyStore(SimulatedSsm(), PARAMETER, 60, clock)
        subject = api_authorizer.Authorizer(keys, Limits(300, 30), clock)
        good = secret == {"k1": PREVIOUS, "k2": CURRENT}[name].secret
        answer = subject.answer(event(SigningKey(name, secret)))
        assert answer == policy(name, "Allow" if good else "Deny")


class TestMalformed:
    @pytest.mark.parametrize(
        "token", [None, "", "Bearer", "Bearer ", "Basic eDp5", "Bearer v1.k2.1.0.x", 7, ["Bearer"]]
    )
    def test_gets_the_one_error_that_api_gateway_turns_into_401(
        self, authorizer: api_authorizer.Authorizer, log: io.StringIO, token: object
    ) -> None:
        with pytest.raises(Exception, match=r"^Unauthorized$") as problem:
            authorizer.answer({"authorizationToken": token, "methodArn": METHOD})
        assert type(problem.value) is Exception
        assert json.loads(log.getvalue())["reason"] == "malformed"

    def test_an_absent_token_too(self, authorizer: api_authorizer.Authorizer) -> None:
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer.answer({"methodArn": METHOD})


class TestFailsClosed:
    @pytest.mark.parametrize(
        "away",
        [
            ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter"),
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetParameter"),
            EndpointConnectionError(endpoint_url="https://ssm.us-east-1.amazonaws.com"),
        ],
    )
    def test_when_the_key_store_is_away(
        self,
        authorizer: api_authorizer.Authorizer,
        ssm: SimulatedSsm,
        log: io.StringIO,
        away: Exception,
    ) -> None:
        ssm.away = away
        with pytest.raises(KeyStoreUnavailableError):
            authorizer.answer(event())
        entry = json.loads(log.getvalue())
        assert (entry["level"], entry["reason"]) == ("ERROR", "key_store_unavailable")

    @pytest.mark.parametrize("value", ["", "unset", "{}", '{"current": null, "previous": null}'])
    def test_when_there_are_no_keys_in_it(
        self,
        authorizer: api_authorizer.Authorizer,
        ssm: SimulatedSsm,
        log: io.StringIO,
        value: str,
    ) -> None:
        ssm.value = value
        with pytest.raises(MalformedKeysError):
            authorizer.answer(event())
        assert json.loads(log.getvalue())["reason"] == "keys_malformed"

    @pytest.mark.parametrize(
        "method",
        [
            None,
            "",
            7,
            "*",
            STAGE,
            "arn:aws:execute-api:us-east-1:123456789012:*/production/POST/payment",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/*/POST/payment",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod?/POST/payment",
            "arn:aws:execute-api:*:123456789012:a1b2c3d4e5/production/POST/payment",
            "arn:aws:execute-api:us-east-1:*:a1b2c3d4e5/production/POST/payment",
            "arn:aws:execute-api:us-east-1:12345678901\u0662:a1b2c3d4e5/production/POST/payment",
            "arn:*:execute-api:us-east-1:123456789012:a1b2c3d4e5/production/POST/payment",
            "arn:aws:lambda:us-east-1:123456789012:a1b2c3d4e5/production/POST/payment",
            f" {METHOD}",
        ],
    )
    def test_when_the_method_is_absent_or_could_widen_the_policy(
        self, authorizer: api_authorizer.Authorizer, method: object
    ) -> None:
        with pytest.raises(ValueError, match=r"^methodArn is .*; API Gateway sends"):
            authorizer.answer(event(method=method))

    def test_when_the_event_has_no_method_at_all(
        self, authorizer: api_authorizer.Authorizer
    ) -> None:
        with pytest.raises(ValueError, match=r"^methodArn is None"):
            authorizer.answer({"authorizationToken": event()["authorizationToken"]})


@dataclass(frozen=True)
class Context:
    """What Powertools reads of Lambda's context."""

    function_name: str = "api-authorizer-dev"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:api-authorizer-dev"
    aws_request_id: str = "5f0c1c1e-0000-0000-0000-000000000000"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The function's environment, at NOW."""
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "API_SECRET_PARAMETER": PARAMETER,
        "TOKEN_MAX_AGE_SECONDS": "300",
        "CLOCK_SKEW_SECONDS": "30",
        "KEY_CACHE_SECONDS": "60",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    api_authorizer.authorizer.cache_clear()
    yield monkeypatch
    api_authorizer.authorizer.cache_clear()


@pytest.fixture
def account(environment: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A simulated account that has the parameter, and the function's environment in it."""
    with mock_aws():
        clients.client.cache_clear()
        clients.client("ssm").put_parameter(
            Name=PARAMETER, Value=ApiKeys(CURRENT, PREVIOUS).dump(), Type="SecureString"
        )
        yield environment
    clients.client.cache_clear()


class TestHandler:
    def test_reads_keys_limits_and_cache_time_from_its_environment(
        self, account: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"TOKEN_MAX_AGE_SECONDS": "10", "CLOCK_SKEW_SECONDS": "0"}.items():
            account.setenv(name, value)
        effects = {
            age: api_authorizer.handler(event(issued_at=NOW - age), Context())["policyDocument"][
                "Statement"
            ][0]["Effect"]
            for age in (-1, 0, 10, 11)
        }
        assert effects == {-1: "Deny", 0: "Allow", 10: "Allow", 11: "Deny"}

    def test_an_allowed_request_alone_is_counted_by_the_metering_key(
        self, account: pytest.MonkeyPatch
    ) -> None:
        account.setenv("METERING_KEY", "metered")
        allowed = api_authorizer.handler(event(), Context())
        assert allowed["usageIdentifierKey"] == "metered"
        refused = api_authorizer.handler(event(issued_at=NOW - 10_000), Context())
        assert refused["policyDocument"]["Statement"][0]["Effect"] == "Deny"
        assert "usageIdentifierKey" not in refused

    def test_keeps_the_keys_between_requests_for_the_cache_time(
        self, account: pytest.MonkeyPatch
    ) -> None:
        account.setenv("KEY_CACHE_SECONDS", "7")
        api_authorizer.handler(event(), Context())
        clients.client("ssm").delete_parameter(Name=PARAMETER)
        account.setattr(time, "time", lambda: NOW + 6.9)
        assert api_authorizer.authorizer().keys.find("k2") == CURRENT
        with pytest.raises(KeyStoreUnavailableError, match="ParameterNotFound"):
            KeyStore(clients.client("ssm"), PARAMETER, 7, lambda: NOW + 6.9).find("k2")

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("TOKEN_MAX_AGE_SECONDS", "0"),
            ("TOKEN_MAX_AGE_SECONDS", "-1"),
            ("TOKEN_MAX_AGE_SECONDS", "5m"),
            ("CLOCK_SKEW_SECONDS", "1.5"),
            ("CLOCK_SKEW_SECONDS", ""),
            ("KEY_CACHE_SECONDS", "0"),
            ("KEY_CACHE_SECONDS", "inf"),
            ("KEY_CACHE_SECONDS", None),
            ("API_SECRET_PARAMETER", ""),
            ("API_SECRET_PARAMETER", None),
        ],
    )
    def test_refuses_everything_when_set_up_wrong(
        self, environment: pytest.MonkeyPatch, variable: str, value: str | None
    ) -> None:
        if value is None:
            environment.delenv(variable)
        else:
            environment.setenv(variable, value)
        for _ in range(2):
            with pytest.raises(ValueError, match=f"^{variable} (is|must)"):
                api_authorizer.handler(event(), Context())

    def test_the_log_never_has_a_token_signature_or_key(
        self, account: pytest.MonkeyPatch, log: io.StringIO
    ) -> None:
        sent = [event(), event(PREVIOUS), event(STRANGER), event(FORGER), event(issued_at=1)]
        for one in sent:
            api_authorizer.handler(one, Context())
        truncated = {**event(), "authorizationToken": event()["authorizationToken"][:-1]}
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            api_authorizer.handler(truncated, Context())
        clients.client("ssm").put_parameter(
            Name=PARAMETER, Value="spoilt-secret", Type="SecureString", Overwrite=True
        )
        api_authorizer.authorizer.cache_clear()
        with pytest.raises(MalformedKeysError) as problem:
            api_authorizer.handler(event(), Context())
        logged = log.getvalue() + str(problem.value)
        assert [json.loads(line)["reason"] for line in log.getvalue().splitlines()] == [
            *("accepted", "accepted", "unknown_key", "bad_signature", "expired"),
            *("malformed", "keys_malformed"),
        ]
        secrets = [part for one in sent for part in one["authorizationToken"].split(".")[3:]]
        for key in json.loads(ApiKeys(CURRENT, PREVIOUS).dump()).values():
            secrets.append(key["key"])
        secrets += [truncated["authorizationToken"].split(".")[4], "spoilt-secret", "Bearer"]
        assert [secret for secret in secrets if secret in logged] == []

    def test_no_variable_can_make_it_log_the_event(
        self, account: pytest.MonkeyPatch, log: io.StringIO
    ) -> None:
        account.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
        # Powertools reads the variable when the module is loaded, so it is loaded once more.
        spec = importlib.util.spec_from_file_location("loaded_again", api_authorizer.__file__)
        assert spec is not None and spec.loader is not None
        loaded_again = importlib.util.module_from_spec(spec)
        account.setitem(sys.modules, "loaded_again", loaded_again)
        spec.loader.exec_module(loaded_again)
        loaded_again.handler(event(), Context())
        assert [json.loads(line)["reason"] for line in log.getvalue().splitlines()] == ["accepted"]
        assert "Bearer" not in log.getvalue()
