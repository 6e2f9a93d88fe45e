"""The API's signing keys: one SecureString in SSM, kept in memory for a short while.

The parameter's value is ``{"current": {"id", "key"}, "previous": {"id", "key"} | null}``; ``key``
is base64url without padding of 32 bytes or more. Keys are never written to disk, logged or put in
an error's message.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from migration.bearer_token import SigningKey, decode, encode

# A key id nobody knows may be one just rotated in, so it is worth a question; but ids are chosen
# by whoever sends a request, and GetParameter answers 40 a second for the whole account
# (AWS General Reference, "Systems Manager endpoints and quotas"). After a failure the pause
# spares a store in trouble, and the caller a wait that ends the same way.
PAUSE_SECONDS = 5


class KeyStoreError(Exception):
    """No keys to judge by, so nothing can be allowed; ``reason`` is the code in the log."""

    reason = "key_store"


class KeyStoreUnavailableError(KeyStoreError):
    """SSM or KMS did not answer, or refused."""

    reason = "key_store_unavailable"


class MalformedKeysError(KeyStoreError):
    """The parameter does not hold keys in their form. The message never carries its value."""

    reason = "keys_malformed"


@dataclass(frozen=True)
class ApiKeys:
    """The key that signs, and the one before it, whose tokens are still good."""

    current: SigningKey
    previous: SigningKey | None

    def find(self, key_id: str) -> SigningKey | None:
        """The key of that id; None: there is none."""
        if self.current.id == key_id:
            return self.current
        if self.previous is not None and self.previous.id == key_id:
            return self.previous
        return None

    def dump(self) -> str:
        """The parameter's value. It is a secret."""
        return json.dumps({"current": _dump(self.current), "previous": _dump(self.previous)})


def parse_keys(text: str) -> ApiKeys:
    """The keys in a parameter's value.

    Raises:
        MalformedKeysError: saying what is wrong, without the value.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # Without its cause: a JSONDecodeError carries the whole text.
        raise MalformedKeysError(
            "the API secret is not JSON; run rotate-api-key --revoke"
        ) from None
    if not isinstance(value, dict) or set(value) != {"current", "previous"}:
        raise MalformedKeysError(
            'the API secret must have exactly "current" and "previous"; run rotate-api-key --revoke'
        )
    current = _parse_key("current", value["current"])
    previous = value["previous"]
    keys = ApiKeys(current, None if previous is None else _parse_key("previous", previous))
    if keys.previous is not None and keys.previous.id == current.id:
        raise MalformedKeysError(f"current and previous API key are both named {current.id}")
    return keys


def _parse_key(which: str, value: Any) -> SigningKey:
    if (
        not isinstance(value, dict)
        or set(value) != {"id", "key"}
        or not all(isinstance(part, str) for part in value.values())
    ):
        raise MalformedKeysError(f'the {which} API key must have exactly "id" and "key", both text')
    try:
        return SigningKey(value["id"], decode(value["key"]))
    except ValueError as problem:
        raise MalformedKeysError(f"the {which} API key: {problem}") from None


def _dump(key: SigningKey | None) -> dict[str, str] | None:
    return None if key is None else {"id": key.id, "key": encode(key.secret)}


def read_parameter(ssm: Any, name: str) -> tuple[str, int]:
    """The decrypted value of a parameter and its version.

    Raises:
        KeyStoreUnavailableError: naming the parameter and AWS's error code.
    """
    try:
        answer = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except ClientError as problem:
        code = problem.response.get("Error", {}).get("Code", "unknown")
        raise KeyStoreUnavailableError(f"SSM refused to give {name}: {code}") from problem
    except BotoCoreError as problem:
        raise KeyStoreUnavailableError(
            f"SSM did not give {name}: {type(problem).__name__}"
        ) from problem
    return answer["Value"], answer["Version"]


class KeyStore:
    """Finds a signing key by id, asking SSM when its answer is older than ``ttl_seconds``.

    An answer past its time is never used again, however long SSM stays away: a key revoked
    because it leaked must not live on because SSM is in trouble. ``clock`` gives seconds since
    1970 and not a monotonic clock's, which may stand still while Lambda freezes the function.
    """

    def __init__(
        self, ssm: Any, parameter: str, ttl_seconds: int, clock: Callable[[], float]
    ) -> None:
        self._ssm = ssm
        self._parameter = parameter
        self._ttl = ttl_seconds
        self._clock = clock
        self._keys: ApiKeys | None = None
        self._asked = float("-inf")
        self._failure: KeyStoreError | None = None
        self._read = float("-inf")

    def find(self, key_id: str) -> SigningKey | None:
        """The key of that id; None: it is neither current nor previous.

        Raises:
            KeyStoreUnavailableError: SSM gave nothing and there is no answer young enough.
            MalformedKeysError: what SSM gave are not keys.
        """
        now = self._clock()
        keys = self._keys if 0 <= now - self._read < self._ttl else None
        if keys is not None and (key := keys.find(key_id)) is not None:
            return key
        if 0 <= now - self._asked < PAUSE_SECONDS:
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            if keys is not None:
                return None
        return self._ask(now).find(key_id)

    def _ask(self, now: float) -> ApiKeys:
        # The answer's age counts from before the question: it was true then at the earliest.
        self._asked = now
        try:
            keys = parse_keys(read_parameter(self._ssm, self._parameter)[0])
        except KeyStoreError as problem:
            self._failure = problem
            raise
        self._keys, self._read, self._failure = keys, now, None
        return keys
