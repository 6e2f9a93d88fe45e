"""No password, key or token is in the JSON, nor will be in Terraform's state."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Template, parse_json
from lib.settings import Settings

KNOWN_FORMS = {
    "an AWS access key id": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}"),
    "a Slack token": re.compile(r"\bxox[abpr]-[A-Za-z0-9-]{10,}"),
    "a Stripe key": re.compile(r"\b[rs]k_(live|test)_[A-Za-z0-9]{16,}"),
    "a URL with a password": re.compile(r"\b\w+://[^\s:/@$]+:[^\s:/@$]+@"),
}
# The attribute is a secret, not the name, ARN or path of one.
SECRET_NAME = re.compile(
    r"(^|[^a-z])(password|passwd|passphrase|secret|secret_string|secret_binary|token|"
    r"api_?key|access_?key|secret_?key|private_?key|credentials?)(_wo)?$",
    re.IGNORECASE,
)
RANDOM_TEXT = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
# Measured on random base64 of 32 characters: entropy over 4.0 bits a character, and more than
# every third character of another class (upper, lower, digit) than the one before it. Paths and
# names in camel case reach the first, not the second.
RANDOM_BITS = 4.0
RANDOM_SWITCHES = 0.35
HASH_NAMES = ("source_code_hash", "code_sha256", "redeployment", "source_hash", "etag")
"""Attributes that hold a digest of what is deployed."""


@rule(
    id="no-literal-secret",
    severity="critical",
    reason="What is in the JSON is in the state, the plan and the repository's artefacts.",
    remedy="put the value into Secrets Manager or SSM outside Terraform and pass its ARN or name.",
)
def no_literal_secret(template: Template, settings: Settings) -> Iterator[Violation]:
    """Nothing in the template looks like a password, a key or a token."""
    for part, value in template.document.items():
        if part not in ("resource", "//"):
            yield from _literals(part, value)
    for resource in template.resources.values():
        yield from _literals(resource.address, resource.attributes)


def _literals(address: str, value: Any, name: str = "") -> Iterator[Violation]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            # "//" is cdktf's own note of where a resource comes from; Terraform ignores it.
            if key != "//":
                yield from _literals(address, each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _literals(address, each, name)
    elif isinstance(value, str):
        nested = _nested(value)
        if nested is not None:
            yield from _literals(address, nested, name)
        elif what := secret_text(name, value):
            yield address, f"{name} holds {what}"


def _nested(text: str) -> Any:
    """The object or list written as JSON in ``text``; None where there is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse_json(text)
    except json.JSONDecodeError:
        return None


def secret_text(name: str, value: str) -> str | None:
    """What kind of secret ``value`` seems to be as the value of ``name``; None where it is none."""
    for what, form in KNOWN_FORMS.items():
        if form.search(value):
            return what
    if SECRET_NAME.search(name) and value and "${" not in value:
        return "a literal secret"
    if name not in HASH_NAMES and looks_random(value):
        return "text as random as a key"
    return None


def looks_random(text: str) -> bool:
    """Whether ``text`` is 32 or more characters of what seems to be a base64 key."""
    if not RANDOM_TEXT.fullmatch(text):
        return False
    # Separators say nothing: keys have few, paths and names many.
    letters = re.sub(r"[^A-Za-z0-9]", "", text)
    # One random key in 250 has no digit; the names AWS gives its managed rules have none either.
    if not re.search(r"\d", letters):
        return False
    switches = sum(_kind(a) != _kind(b) for a, b in itertools.pairwise(letters))
    return _bits(letters) > RANDOM_BITS and switches / len(letters) > RANDOM_SWITCHES


def _kind(character: str) -> tuple[bool, bool]:
    return character.islower(), character.isupper()


def _bits(text: str) -> float:
    """Shannon entropy, in bits a character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


@rule(
    id="no-secret-in-state",
    severity="critical",
    reason="Terraform writes the value of what it manages into its state.",
    remedy="let AWS manage it (manage_master_user_password), or use the write-only argument (_wo).",
)
def no_secret_in_state(template: Template, settings: Settings) -> Iterator[Violation]:
    """Passwords and secure parameters get their value outside Terraform."""
    for cluster in template.of_type("aws_rds_cluster"):
        outside = cluster.get("manage_master_user_password") or cluster.get("master_password_wo")
        # A secondary has no users of its own.
        if cluster.get("master_username") and not outside:
            yield cluster.address, "the master password is neither RDS's nor write-only"
    for version in template.of_type("aws_secretsmanager_secret_version"):
        if "secret_string" in version.attributes or "secret_binary" in version.attributes:
            yield version.address, "the secret's value is managed here"
    for parameter in template.of_type("aws_ssm_parameter"):
        secure = parameter.get("type") == "SecureString" and "value" in parameter.attributes
        ignored = any("value" in b.get("ignore_changes", []) for b in parameter.blocks("lifecycle"))
        if secure and not ignored:
            yield parameter.address, "the SecureString's value is managed here"


RULES: tuple[Rule, ...] = (no_literal_secret, no_secret_in_state)
