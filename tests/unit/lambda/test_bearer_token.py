"""The bearer token: what is minted passes inside its age, and nothing else ever does."""

import base64
import hashlib
import hmac
import itertools
import re
from unittest import mock

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from migration.bearer_token import (
    AUTHORIZATION_PATTERN,
    Limits,
    MalformedTokenError,
    Refusal,
    SigningKey,
    decode,
    encode,
    mint,
    parse,
    refusal,
)

# The machine is shared; how long one example takes says nothing about the code.
relaxed = settings(deadline=None, max_examples=50)

KEY = SigningKey("k1", bytes(range(32)))
LIMITS = Limits(max_age=300, clock_skew=30)
NOW = 1_790_000_000
NONCE = bytes(range(16))
TOKEN = mint(KEY, NOW, NONCE)

keys = st.builds(
    SigningKey,
    st.from_regex("[A-Za-z0-9][A-Za-z0-9_-]{0,31}", fullmatch=True),
    st.binary(min_size=32, max_size=96),
)
times = st.integers(min_value=1, max_value=999_999_999_999)
nonces = st.binary(min_size=16, max_size=16)


def verdict(authorization: object, key: SigningKey = KEY, now: float = NOW) -> str:
    """What becomes of the header: accepted, malformed, or the refusal's reason."""
    try:
        token = parse(authorization)
    except MalformedTokenError:
        return "malformed"
    return refusal(token, key, now, LIMITS) or "accepted"


def signed_by_hand(text: str, secret: bytes = KEY.secret) -> str:
    """A header whose signature is right for ``text``, whatever ``text`` is."""
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"Bearer {text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


class TestMint:
    def test_format_is_pinned_by_a_vector_made_without_this_code(self) -> None:
        # printf %s v1.k1.1790000000.000102030405060708090a0b0c0d0e0f | openssl dgst -sha256
        #   -mac HMAC -macopt hexkey:000102…1f -binary | basenc --base64url
        assert TOKEN.split(".") == [
            "v1",
            "k1",
            "1790000000",
            "000102030405060708090a0b0c0d0e0f",
            "5WEIHM_PW_W9uQPkAoe2WoI1C_y80rGetnzQqQamdVg",
        ]

    @relaxed
    @given(keys, times, nonces, st.floats(min_value=-30, max_value=300))
    @example(KEY, NOW, NONCE, -30)
    @example(KEY, NOW, NONCE, 300)
    def test_every_minted_token_passes_inside_its_age(
        self, key: SigningKey, issued_at: int, nonce: bytes, age: float
    ) -> None:
        # Whole milliseconds: a float this large cannot tell a finer age from the limit itself.
        now = issued_at + round(age, 3)
        assert verdict(f"Bearer {mint(key, issued_at, nonce)}", key, now) == "accepted"

    @relaxed
    @given(keys, times, nonces, st.floats(min_value=0.01, max_value=1e9))
    @example(KEY, NOW, NONCE, 1)
    def test_no_minted_token_passes_outside_its_age(
        self, key: SigningKey, issued_at: int, nonce: bytes, beyond: float
    ) -> None:
        header = f"Bearer {mint(key, issued_at, nonce)}"
        assert verdict(header, key, issued_at + 300 + beyond) == Refusal.EXPIRED
        assert verdict(header, key, issued_at - 30 - beyond) == Refusal.FROM_THE_FUTURE

    @pytest.mark.parametrize("issued_at", [0, -1, 1_000_000_000_000])
    def test_refuses_a_time_that_a_token_cannot_carry(self, issued_at: int) -> None:
        with pytest.raises(ValueError, match=f"issued_at is {issued_at} and must be"):
            mint(KEY, issued_at, NONCE)

    @pytest.mark.parametrize("length", [0, 15, 17])
    def test_refuses_a_nonce_of_another_length(self, length: int) -> None:
        with pytest.raises(ValueError, match=f"the nonce has {length} bytes and must have 16"):
            mint(KEY, NOW, bytes(length))


class TestNoAlteredTokenPasses:
    def test_with_any_one_byte_replaced(self) -> None:
        header = f"Bearer {TOKEN}"
        passed = [
            (position, byte)
            for position in range(len(header))
            for byte in range(256)
            if chr(byte) != header[position]
            and verdict(header[:position] + chr(byte) + header[position + 1 :]) == "accepted"
        ]
        assert passed == []

    def test_with_any_one_bit_of_the_signature_flipped(self) -> None:
        text, _, signature = TOKEN.rpartition(".")
        number = int.from_bytes(decode(signature))
        for bit in range(256):
            altered = encode((number ^ (1 << bit)).to_bytes(32))
            assert verdict(f"Bearer {text}.{altered}") == Refusal.BAD_SIGNATURE

    @relaxed
    @given(keys, times, nonces, st.data())
    def test_with_any_slice_replaced_by_any_text(
        self, key: SigningKey, issued_at: int, nonce: bytes, data: st.DataObject
    ) -> None:
        header = f"Bearer {mint(key, issued_at, nonce)}"
        start = data.draw(st.integers(0, len(header)))
        end = data.draw(st.integers(start, len(header)))
        filling = st.text(max_size=60) | st.text("0123456789abcdefABCDEF.-_=+/ ", max_size=60)
        altered = header[:start] + data.draw(filling) + header[end:]
        assume(altered != header)
        assert verdict(altered, key, issued_at) != "accepted"

    def test_truncated_at_any_length(self) -> None:
        header = f"Bearer {TOKEN}"
        assert {verdict(header[:length]) for length in range(len(header))} == {"malformed"}
        assert {verdict(header[length:]) for length in range(1, len(header))} == {"malformed"}

    @relaxed
    @given(st.text(min_size=1))
    @example("\n")
    @example("=")
    @example(" ")
    @example("\x00")
    def test_extended_at_either_end(self, more: str) -> None:
        assert verdict(f"Bearer {TOKEN}{more}") == "malformed"
        assert verdict(f"{more}Bearer {TOKEN}") == "malformed"

    @relaxed
    @given(
        st.tuples(times, nonces),
        st.tuples(times, nonces),
        st.lists(st.booleans(), min_size=5, max_size=5),
    )
    def test_with_parts_swapped_between_two_good_tokens(
        self, one: tuple[int, bytes], other: tuple[int, bytes], choice: list[bool]
    ) -> None:
        tokens = [mint(KEY, *one).split("."), mint(KEY, *other).split(".")]
        mixed = ".".join(tokens[pick][part] for part, pick in enumerate(choice))
        assume(mixed not in (mint(KEY, *one), mint(KEY, *other)))
        assert verdict(f"Bearer {mixed}", now=one[0]) == Refusal.BAD_SIGNATURE

    def test_with_parts_in_another_order(self) -> None:
        orders = [".".join(parts) for parts in itertools.permutations(TOKEN.split("."))]
        orders.remove(TOKEN)
        assert {verdict(f"Bearer {order}") for order in orders} == {"malformed"}

    @relaxed
    @given(
        st.integers(NOW - 1000, NOW + 1000).filter(lambda t: t != NOW), nonces.filter(NONCE.__ne__)
    )
    def test_with_fresh_time_or_nonce_under_an_old_signature(self, time: int, nonce: bytes) -> None:
        signature = TOKEN.rpartition(".")[2]
        for text in (f"v1.k1.{time}.{NONCE.hex()}", f"v1.k1.{NOW}.{nonce.hex()}"):
            assert verdict(f"Bearer {text}.{signature}", now=time) == Refusal.BAD_SIGNATURE

    @relaxed
    @given(st.text() | st.binary() | st.none() | st.integers() | st.lists(st.text()))
    def test_nor_does_anything_that_was_never_a_token(self, anything: object) -> None:
        assert verdict(anything) == "malformed"

    @relaxed
    @given(keys, keys)
    def test_nor_a_token_of_another_key(self, signer: SigningKey, judge: SigningKey) -> None:
        assume(signer.secret != judge.secret)
        header = f"Bearer {mint(signer, NOW, NONCE)}"
        expected = Refusal.BAD_SIGNATURE if signer.id == judge.id else Refusal.UNKNOWN_KEY
        assert verdict(header, judge) == expected


class TestOneSpelling:
    """Each header is rightly signed, and still not a token: only its spelling differs."""

    @pytest.mark.parametrize(
        "text",
        [
            f"v1.k1.0{NOW}.{NONCE.hex()}",
            f"v1.k1.+{NOW}.{NONCE.hex()}",
            f"v1.k1.-{NOW}.{NONCE.hex()}",
            f"v1.k1. {NOW}.{NONCE.hex()}",
            f"v1.k1.1_790_000_000.{NONCE.hex()}",
            f"v1.k1.{NOW}.0.{NONCE.hex()}",
            f"v1.k1.1.79e9.{NONCE.hex()}",
            f"v1.k1.{str(NOW).translate({ord('1'): 0xFF11})}.{NONCE.hex()}",
            f"v1.k1.{str(NOW).translate({ord('9'): 0x0669})}.{NONCE.hex()}",
            f"v1.k1.{NOW}.{NONCE.hex().upper()}",
            f"v1.k1.{NOW}.{NONCE.hex()}00",
            f"v1.k1.{NOW}.{NONCE.hex()[:-2]}",
            f"V1.k1.{NOW}.{NONCE.hex()}",
            f"v2.k1.{NOW}.{NONCE.hex()}",
            f"v1..{NOW}.{NONCE.hex()}",
            f"v1.-k1.{NOW}.{NONCE.hex()}",
            f"v1.k\u0661.{NOW}.{NONCE.hex()}",
            f"v1.{'k' * 33}.{NOW}.{NONCE.hex()}",
            f"v1.k1.{NOW}.{NONCE.hex()}\n",
            f"v1%2Ek1.{NOW}.{NONCE.hex()}",
        ],
    )
    def test_of_what_is_signed(self, text: str) -> None:
        assert verdict(signed_by_hand(text)) == "malformed"

    def test_of_the_signature(self) -> None:
        text, _, signature = TOKEN.rpartition(".")
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = alphabet.index(signature[-1])
        spellings = [
            signature + "=",
            signature + "==",
            decode(signature).hex(),
            base64.b64encode(decode(signature)).decode(),
            # The bits below the last character's four count for nothing to a lenient decoder.
            *(signature[:-1] + alphabet[last ^ bits] for bits in (1, 2, 3)),
            signature[:20] + "\n" + signature[20:],
        ]
        # Lenient decoders do take them for the same signature: this test is about something.
        assert base64.urlsafe_b64decode(spellings[4] + "=") == decode(signature)
        assert [verdict(f"Bearer {text}.{spelling}") for spelling in spellings] == (
            ["malformed"] * len(spellings)
        )

    @pytest.mark.parametrize(
        "header",
        [
            TOKEN,
            f"bearer {TOKEN}",
            f"BEARER {TOKEN}",
            f"Bearer  {TOKEN}",
            f"Bearer\t{TOKEN}",
            f"Bearer\u00a0{TOKEN}",
            f" Bearer {TOKEN}",
            f"Bearer {TOKEN} ",
            f"Bearer {TOKEN}\n",
            f"Bearer {TOKEN}, Bearer {TOKEN}",
            f"Basic {TOKEN}",
            f"Bearer {TOKEN}".encode(),
            [f"Bearer {TOKEN}"],
        ],
    )
    def test_of_the_header(self, header: object) -> None:
        assert verdict(header) == "malformed"

    @relaxed
    @given(st.binary(max_size=80))
    def test_base64_round_trips(self, data: bytes) -> None:
        assert decode(encode(data)) == data

    @relaxed
    @given(st.text(max_size=12) | st.text("AEIZaz09-_=+/ \n", max_size=12))
    @example("A")
    @example("AB")
    @example("AA==")
    def test_no_two_texts_decode_to_the_same_bytes(self, text: str) -> None:
        try:
            data = decode(text)
        except ValueError:
            return
        assert encode(data) == text

    def test_apigateways_expression_uses_nothing_java_reads_differently(self) -> None:
        # API Gateway matches with Java: no classes by letter, look-around, names or flags.
        assert re.findall(r"\\[^.]|\(\?", AUTHORIZATION_PATTERN) == []
        assert re.fullmatch(AUTHORIZATION_PATTERN, f"Bearer {TOKEN}")


class TestJudging:
    def test_an_unknown_key_is_refused_without_a_key_to_compare_with(self) -> None:
        assert refusal(parse(f"Bearer {TOKEN}"), None, NOW, LIMITS) == Refusal.UNKNOWN_KEY

    def test_a_forged_and_expired_token_is_called_forged(self) -> None:
        forged = mint(SigningKey("k1", bytes(32)), 1, NONCE)
        assert verdict(f"Bearer {forged}") == Refusal.BAD_SIGNATURE

    @pytest.mark.parametrize("same", [True, False])
    def test_the_signature_is_compared_in_constant_time(self, same: bool) -> None:
        with mock.patch("hmac.compare_digest", return_value=same) as compare:
            outcome = verdict(f"Bearer {TOKEN}")
        assert outcome == ("accepted" if same else Refusal.BAD_SIGNATURE)
        expected = hmac.digest(KEY.secret, TOKEN.rpartition(".")[0].encode(), "sha256")
        assert compare.mock_calls == [mock.call(expected, expected)]

    def test_no_limit_is_wider_than_it_says(self) -> None:
        strict = Limits(max_age=1, clock_skew=0)
        token = parse(f"Bearer {TOKEN}")
        ages = {age: refusal(token, KEY, NOW + age, strict) for age in (-0.01, 0, 1, 1.01)}
        assert ages == {
            -0.01: Refusal.FROM_THE_FUTURE,
            0: None,
            1: None,
            1.01: Refusal.EXPIRED,
        }


class TestSecrets:
    @pytest.mark.parametrize("length", [0, 16, 31])
    def test_a_short_key_is_refused(self, length: int) -> None:
        with pytest.raises(ValueError, match=f"key k1 has {length} bytes, 32 or more are needed"):
            SigningKey("k1", bytes(length))

    @pytest.mark.parametrize("key_id", ["", "-k", "k.1", "k 1", "k" * 33, "k1\n", "\u0661"])
    def test_a_key_id_that_cannot_stand_in_a_token_is_refused(self, key_id: str) -> None:
        with pytest.raises(ValueError, match="a key id has 1 to 32 letters"):
            SigningKey(key_id, bytes(32))

    def test_nothing_printed_shows_a_key_or_signature(self) -> None:
        key = SigningKey("k1", b"the quick brown fox jumps over a dog")
        token = parse(f"Bearer {mint(key, NOW, NONCE)}")
        assert repr(key) == "SigningKey(id='k1')"
        assert repr(token) == f"BearerToken(key_id='k1', issued_at={NOW})"

    @relaxed
    @given(st.text("0123456789abcdef.", min_size=8, max_size=60))
    def test_an_error_does_not_repeat_what_was_sent(self, sent: str) -> None:
        with pytest.raises(MalformedTokenError) as problem:
            parse(f"Bearer v1.k1.{sent}")
        assert sent not in str(problem.value)
