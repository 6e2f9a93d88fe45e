"""Nothing of the synthesized stack changes unnoticed: neither what it says, nor its addresses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cdktf import Testing
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from lib.settings_loader import load_settings
from lib.tap_stack import TapStack
from tests.support.construct_ids import ENVIRONMENTS, FOLDER, addresses

# Digests of code, of an image's folder and of the API's parts: SHA-256 (base64, hex), SHA-1, MD5.
DIGEST = re.compile(
    r"[A-Za-z0-9+/]{43}=|\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b|\b[0-9A-Fa-f]{32}\b"
    r"|(?<=-)[0-9a-f]{16}(?=\.zip)|(?<=_url\}:)[0-9a-f]{16}"
)


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    """The default and the production-like settings."""
    return str(request.param)


@pytest.fixture(scope="module")
def document(environment: str) -> dict[str, Any]:
    """The stack's JSON."""
    settings = load_settings({"ENVIRONMENT": environment})
    stack = TapStack(Testing.app(), f"TapStack{environment}", settings=settings)
    parsed: dict[str, Any] = json.loads(Testing.synth(stack))
    return parsed


def without_digests(value: Any) -> Any:
    """``value`` with every digest replaced: what the code of a bundle is, other tests look at."""
    if isinstance(value, dict):
        return {key: without_digests(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_digests(each) for each in value]
    return DIGEST.sub("<digest>", value) if isinstance(value, str) else value


def test_the_whole_stack_is_as_it_was_reviewed(
    document: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    # To accept a change: pytest tests/unit/infra/test_stack_snapshot.py --snapshot-update
    assert without_digests(document) == snapshot(extension_class=JSONSnapshotExtension)


def test_no_address_changes_unnoticed(document: dict[str, Any], environment: str) -> None:
    committed = (FOLDER / f"{environment}.txt").read_text(encoding="utf-8").splitlines()
    current = addresses(document)

    gone, new = sorted(set(committed) - set(current)), sorted(set(current) - set(committed))
    assert (gone, new) == ([], []), (
        "An address that goes is destroyed, and its data with it; one that comes is created. "
        "Rename with move_from_id, or accept with: python -m tests.support.construct_ids"
    )


def test_digests_are_filtered_and_names_are_not() -> None:
    text = {"hash": "mZ0Q1yq2rT8vBn4KxL7pWc9dEfGhJk3sUa5oXi6tRe0=", "name": ["data-validator-dev"]}

    assert without_digests(text) == {"hash": "<digest>", "name": ["data-validator-dev"]}
