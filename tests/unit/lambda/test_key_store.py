"""The key store: keys in one form only, kept for a short while, and never past their time."""

import json
import traceback
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from migration.bearer_token import SigningKey, encode
from migration.key_store import (
    PAUSE_SECONDS,
    ApiKeys,
    KeyStore,
    KeyStoreError,
    KeyStoreUnavailableError,
    MalformedKeysError,
    parse_keys,
)

PARAMETER = "/migration/dev/api/secret"
TTL = 60


def key(number: int) -> SigningKey:
    return SigningKey(f"k{number}", bytes([number]) * 32)


class SimulatedSsm:
    """Parameter Store with one parameter, which can be away; counts the questions."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.away: Exception | None = None
        self.questions = 0

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self.questions += 1
        if self.away:
            raise self.away
        return {"Parameter": {"Value": self.value, "Version": 1}}


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameter")
TIMED_OUT = ConnectTimeoutError(endpoint_url="https://ssm.us-east-1.amazonaws.com")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ssm() -> SimulatedSsm:
    return SimulatedSsm(ApiKeys(key(2), key(1)).dump())


@pytest.fixture
def store(ssm: SimulatedSsm, clock: Clock) -> KeyStore:
    return KeyStore(ssm, PARAMETER, TTL, clock)


class TestFinding:
    def test_finds_current_and_previous_and_no_other(self, store: KeyStore) -> None:
        assert [store.find(name) for name in ("k2", "k1", "k0")] == [key(2), key(1), None]

    def test_finds_the_only_key_when_there_is_no_previous(
        self, store: KeyStore, ssm: SimulatedSsm
    ) -> None:
        ssm.value = ApiKeys(key(1), None).dump()
        assert [store.find(name) for name in ("k1", "k2")] == [key(1), None]

    def test_asks_ssm_to_decrypt_the_one_parameter(self, clock: Clock) -> None:
        client = boto3.client(
            "ssm",
            region_name="us-east-1",
            aws_access_key_id="-",
            aws_secret_access_key="-",  # noqa: S106 - Stubber sends nothing
        )
        answer = {"Parameter": {"Value": ApiKeys(key(1), None).dump(), "Version": 1}}
        with Stubber(client) as stub:
            stub.add_response("get_parameter", answer, {"Name": PARAMETER, "WithDecryption": True})
            assert KeyStore(client, PARAMETER, TTL, clock).find("k1") == key(1)
            stub.assert_no_pending_responses()


class TestCache:
    def test_asks_once_inside_the_ttl_and_again_after_it(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        for age, questions in [(0, 1), (1, 1), (TTL - 0.1, 1), (TTL, 2), (TTL + 1, 2)]:
            clock.now = 1_790_000_000.0 + age
            assert store.find("k2") == key(2)
            assert ssm.questions == questions, age

    def test_a_revoked_key_is_gone_after_the_ttl(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        store.find("k2")
        ssm.value = ApiKeys(key(3), None).dump()
        clock.now += TTL
        assert store.find("k2") is None

    def test_a_key_just_rotated_in_is_found_before_the_ttl_is_over(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        store.find("k2")
        ssm.value = ApiKeys(key(3), key(2)).dump()
        clock.now += PAUSE_SECONDS
        assert store.find("k3") == key(3)

    def test_unknown_ids_cannot_make_it_ask_more_than_once_a_pause(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        for _ in range(100):
            assert store.find("who") is None
            clock.now += PAUSE_SECONDS / 10
        assert ssm.questions == 10

    def test_the_answers_age_counts_from_the_question(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        answer = ssm.get_parameter

        def slow(**request: Any) -> dict[str, Any]:
            clock.now += 20
            return answer(**request)

        ssm.get_parameter = slow  # type: ignore[method-assign]
        store.find("k2")
        clock.now += TTL - 20
        ssm.away = THROTTLED
        with pytest.raises(KeyStoreUnavailableError):
            store.find("k2")

    def test_a_ttl_shorter_than_the_pause_still_refuses_nobody(
        self, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        store = KeyStore(ssm, PARAMETER, PAUSE_SECONDS - 4, clock)
        store.find("k2")
        clock.now += PAUSE_SECONDS - 4
        assert store.find("k2") == key(2)

    def test_a_clock_set_back_makes_the_answer_worthless(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        store.find("k2")
        clock.now -= 3600
        ssm.away = THROTTLED
        with pytest.raises(KeyStoreUnavailableError):
            store.find("k2")


class TestStoreAway:
    @pytest.mark.parametrize(
        ("away", "said"),
        [
            (THROTTLED, "SSM refused to give /migration/dev/api/secret: ThrottlingException"),
            (TIMED_OUT, "SSM did not give /migration/dev/api/secret: ConnectTimeoutError"),
        ],
    )
    def test_without_an_answer_there_is_no_key(
        self, store: KeyStore, ssm: SimulatedSsm, away: Exception, said: str
    ) -> None:
        ssm.away = away
        with pytest.raises(KeyStoreUnavailableError, match=f"^{said}$"):
            store.find("k2")

    def test_an_answer_is_used_until_its_time_and_never_after(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        store.find("k2")
        ssm.away = THROTTLED
        clock.now += TTL - 0.1
        assert store.find("k2") == key(2)
        clock.now += 0.1
        for _ in range(3):
            with pytest.raises(KeyStoreUnavailableError):
                store.find("k2")
            clock.now += PAUSE_SECONDS

    def test_an_unknown_id_is_not_judged_while_ssm_is_away(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        store.find("k2")
        ssm.away = THROTTLED
        clock.now += PAUSE_SECONDS
        for _ in range(3):
            with pytest.raises(KeyStoreUnavailableError):
                store.find("k3")
        assert ssm.questions == 2
        assert store.find("k2") == key(2)

    def test_asks_again_after_the_pause_and_recovers(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        ssm.away = THROTTLED
        for _ in range(10):
            with pytest.raises(KeyStoreUnavailableError):
                store.find("k2")
        assert ssm.questions == 1
        ssm.away = None
        clock.now += PAUSE_SECONDS
        assert store.find("k2") == key(2)
        assert store.find("who") is None

    def test_keys_spoilt_in_ssm_replace_nothing_and_allow_nothing(
        self, store: KeyStore, ssm: SimulatedSsm, clock: Clock
    ) -> None:
        store.find("k2")
        ssm.value = "spoilt"
        clock.now += TTL
        with pytest.raises(MalformedKeysError):
            store.find("k2")


@settings(deadline=None, max_examples=30, stateful_step_count=25)
class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order: no key past its time, and not too many questions."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.ssm = SimulatedSsm(ApiKeys(key(1), None).dump())
        self.store = KeyStore(self.ssm, PARAMETER, TTL, self.clock)
        self.known = ApiKeys(key(1), None)
        self.started = self.clock.now
        # Key id → the last moment at which a question could have been answered with it.
        self.last_true: dict[str, float] = {}

    @rule(seconds=st.sampled_from([0.5, 1, 4, 5, 30, 59, 60, 61, 600]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(away=st.sampled_from([None, THROTTLED, TIMED_OUT]))
    def ssm_comes_and_goes(self, away: Exception | None) -> None:
        self.ssm.away = away

    @rule(revoke=st.booleans())
    def keys_rotate(self, revoke: bool) -> None:
        new = key(int(self.known.current.id[1:]) + 1)
        self.known = ApiKeys(new, None if revoke else self.known.current)
        self.ssm.value = self.known.dump()

    @rule(number=st.integers(1, 6))
    def somebody_asks(self, number: int) -> None:
        wanted = f"k{number}"
        asked = self.ssm.questions
        try:
            found = self.store.find(wanted)
        except KeyStoreError:
            assert self.ssm.away or self.ssm.questions == asked
            return
        if found is not None:
            assert found == key(number)
            assert self.clock.now - self.last_true.get(wanted, float("-inf")) < TTL
        if self.ssm.questions > asked:
            assert found == self.known.find(wanted)

    @invariant()
    def what_is_true_now(self) -> None:
        if self.ssm.away is None:
            for one in (self.known.current, self.known.previous):
                if one is not None:
                    self.last_true[one.id] = self.clock.now

    @invariant()
    def no_more_than_one_question_a_pause(self) -> None:
        assert self.ssm.questions <= 1 + (self.clock.now - self.started) / PAUSE_SECONDS


TestAnyHistory = AnyHistory.TestCase

GOOD = {"id": "k1", "key": encode(bytes(32))}
OTHER = {"id": "k2", "key": encode(bytes(32))}


class TestForm:
    @settings(deadline=None, max_examples=50)
    @given(
        st.binary(min_size=32, max_size=70),
        st.none() | st.binary(min_size=32, max_size=70),
    )
    def test_what_is_dumped_is_parsed(self, current: bytes, previous: bytes | None) -> None:
        keys = ApiKeys(
            SigningKey("k2", current), None if previous is None else SigningKey("k1", previous)
        )
        assert parse_keys(keys.dump()) == keys

    def test_any_64_letters_and_digits_are_a_key(self) -> None:
        # What a password generator without punctuation gives, and so Terraform.
        generated = "Zz09" * 16
        value = {"current": {"id": "k1", "key": generated}, "previous": None}
        assert encode(parse_keys(json.dumps(value)).current.secret) == generated

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ([], 'must have exactly "current" and "previous"'),
            ("text", 'must have exactly "current" and "previous"'),
            ({"current": GOOD}, 'must have exactly "current" and "previous"'),
            ({"current": GOOD, "previous": None, "next": None}, 'must have exactly "current"'),
            ({"current": None, "previous": None}, 'current API key must have exactly "id"'),
            ({"current": GOOD, "previous": {}}, 'previous API key must have exactly "id"'),
            ({"current": GOOD, "previous": ""}, 'previous API key must have exactly "id"'),
            ({"current": {**GOOD, "id": 1}, "previous": None}, "both text"),
            ({"current": {**GOOD, "key": None}, "previous": None}, "both text"),
            ({"current": {**GOOD, "more": ""}, "previous": None}, "both text"),
            ({"current": {**GOOD, "id": "k.1"}, "previous": None}, "a key id has 1 to 32"),
            ({"current": {**GOOD, "key": ""}, "previous": None}, "key k1 has 0 bytes"),
            (
                {"current": {**GOOD, "key": encode(bytes(31))}, "previous": None},
                "key k1 has 31 bytes, 32 or more are needed",
            ),
            ({"current": {**GOOD, "key": GOOD["key"] + "="}, "previous": None}, "not base64url"),
            ({"current": {**GOOD, "key": "A" * 42 + "B"}, "previous": None}, "not base64url"),
            ({"current": {**GOOD, "key": "+/" * 32}, "previous": None}, "not base64url"),
            ({"current": OTHER, "previous": {**OTHER}}, "are both named k2"),
            (
                {"current": OTHER, "previous": {**GOOD, "key": "short"}},
                "the previous API key: not base64url|the previous API key: key k1 has",
            ),
        ],
    )
    def test_any_other_form_is_refused(self, value: Any, said: str) -> None:
        with pytest.raises(MalformedKeysError, match=said):
            parse_keys(json.dumps(value))

    @pytest.mark.parametrize("text", ["", "unset", "{", "nul", "[" * 100_000])
    def test_what_is_not_json_is_refused(self, text: str) -> None:
        with pytest.raises(MalformedKeysError, match="the API secret is not JSON"):
            parse_keys(text)

    @settings(deadline=None, max_examples=50)
    @given(st.integers(0, 200), st.characters(codec="utf-8"))
    def test_a_spoilt_secret_is_never_repeated_in_the_error(self, at: int, other: str) -> None:
        secret = "TheQuickBrownFoxJumpsOverTheLazyDog" + "0" * 29
        text = json.dumps({"current": {"id": "k1", "key": secret}, "previous": None})
        at %= len(text)
        try:
            parse_keys(text[:at] + other + text[at + 1 :])
        except MalformedKeysError as problem:
            # As Lambda logs it: with every cause that is not suppressed.
            logged = "".join(traceback.format_exception(problem))
            assert "QuickBrown" not in logged
            assert "LazyDog" not in logged
