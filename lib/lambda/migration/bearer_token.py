"""The API's bearer token: how it is minted, read and judged. Pure: no clock, no network.

``v1.<key id>.<issued-at>.<nonce>.<signature>``, where the signature is the HMAC-SHA256 of
everything before the last dot. A token has exactly one spelling: no padding, no leading zero, no
upper-case hex, no bits left over in base64. Otherwise two strings would be the same token, and
whatever recognises a token by its text (a log search, a block list, a cache) could be walked
around.

A token is not remembered once used: whoever holds it may use it again inside its age.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from enum import StrEnum

# RFC 2104, section 3: a key shorter than the hash's output weakens HMAC. SHA-256 has 32 bytes.
MINIMUM_KEY_BYTES = 32
NONCE_BYTES = 16

KEY_ID_PATTERN = "[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
# 32 bytes are 43 characters; the last carries four bits, and the two below them are zero.
_SIGNATURE_PATTERN = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
# Written without \d, \w or names, so that API Gateway's authorizer can use it unchanged as its
# identity validation expression and most malformed tokens never start the function.
AUTHORIZATION_PATTERN = (
    rf"^Bearer v1\.{KEY_ID_PATTERN}\.[1-9][0-9]{{0,11}}\.[0-9a-f]{{32}}\.{_SIGNATURE_PATTERN}$"
)
_KEY_ID = re.compile(KEY_ID_PATTERN)
_AUTHORIZATION = re.compile(AUTHORIZATION_PATTERN)


class MalformedTokenError(ValueError):
    """Not a token in its one spelling. The message never carries what was sent."""


class Refusal(StrEnum):
    """Why a well-formed token is refused; the value is the reason code in the log."""

    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from_the_future"


@dataclass(frozen=True)
class SigningKey:
    """A key and its id.

    Raises:
        ValueError: the id cannot stand in a token, or the key has under 32 bytes.
    """

    id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.id):
            raise ValueError(
                "a key id has 1 to 32 letters, digits, - and _, and starts with a letter or digit; "
                "this one does not: write the key with the rotate-api-key command"
            )
        if len(self.secret) < MINIMUM_KEY_BYTES:
            raise ValueError(
                f"key {self.id} has {len(self.secret)} bytes, {MINIMUM_KEY_BYTES} or more are "
                "needed: replace it with the rotate-api-key command"
            )


@dataclass(frozen=True)
class Limits:
    """Until when a token counts: whole seconds, both ends included.

    ``max_age`` is how old a token may be, ``clock_skew`` how far ahead of ours the clock of the
    machine that minted it may be.
    """

    max_age: int
    clock_skew: int


@dataclass(frozen=True)
class BearerToken:
    """A well-formed token, not yet judged."""

    key_id: str
    issued_at: int
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def mint(key: SigningKey, issued_at: int, nonce: bytes) -> str:
    """A new token. ``issued_at`` in seconds since 1970, ``nonce`` 16 random bytes.

    Raises:
        ValueError: the nonce is not 16 bytes, or the time cannot be written in a token.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"the nonce has {len(nonce)} bytes and must have {NONCE_BYTES}")
    signed = f"v1.{key.id}.{issued_at}.{nonce.hex()}"
    token = f"{signed}.{encode(_signature(key, signed.encode()))}"
    if not _AUTHORIZATION.fullmatch(f"Bearer {token}"):
        raise ValueError(f"issued_at is {issued_at} and must be seconds from 1 to 999999999999")
    return token


def parse(authorization: object) -> BearerToken:
    """The token in an ``Authorization`` header: ``Bearer <token>``, in its one spelling.

    Raises:
        MalformedTokenError: it is anything else.
    """
    if not isinstance(authorization, str) or not _AUTHORIZATION.fullmatch(authorization):
        raise MalformedTokenError("the Authorization header is not 'Bearer ' and a v1 token")
    signed, _, signature = authorization.removeprefix("Bearer ").rpartition(".")
    _, key_id, issued_at, _ = signed.split(".")
    return BearerToken(key_id, int(issued_at), signed.encode(), decode(signature))


def refusal(
    token: BearerToken, key: SigningKey | None, now: float, limits: Limits
) -> Refusal | None:
    """Why the token is refused, or None: it is good. ``key`` is the one its key id names.

    The signature comes first: before it is checked, the times are only what somebody claims.
    """
    if key is None or key.id != token.key_id:
        return Refusal.UNKNOWN_KEY
    if not hmac.compare_digest(_signature(key, token.signed), token.signature):
        return Refusal.BAD_SIGNATURE
    if token.issued_at - now > limits.clock_skew:
        return Refusal.FROM_THE_FUTURE
    if now - token.issued_at > limits.max_age:
        return Refusal.EXPIRED
    return None


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """What ``encode`` was given; the inverse of nothing else.

    Raises:
        ValueError: ``encode`` never writes this text. The message does not carry it.
    """
    data = b""
    if text.isascii() and len(text) % 4 != 1:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Python's decoder skips characters it does not know and ignores bits left over.
    if encode(data) != text:
        raise ValueError("not base64url without padding, as RFC 4648 section 5 writes it")
    return data


def _signature(key: SigningKey, signed: bytes) -> bytes:
    return hmac.digest(key.secret, signed, hashlib.sha256)
