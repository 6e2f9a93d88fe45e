"""An evidence pack holds as it was made, and not if anything of it is changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal import evidence
from rehearsal.evidence import archive, chain
from rehearsal.record import LedgerResult, Message, Pause
from tests.support.evidenced import APPROVER, DETAILS, STARTER, journal, record, synthesis

DOCUMENTS = {
    "settings.json": b'{"soak_hours": 1}',
    "validation.json": b'{"verdict": "match", "tables": []}',
    "notes.txt": "grün".encode(),
}
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("evidence")
    file = folder / "pack.zip"
    head = evidence.pack(record(), synthesis(folder / "out"), DOCUMENTS, file)
    return file, head


@pytest.fixture(scope="module")
def files(made: tuple[Path, str]) -> Files:
    return archive.read(made[0].read_bytes())


def check(files: Files, folder: Path, head: str | None = None) -> list[str]:
    file = folder / "changed.zip"
    file.write_bytes(archive.write(files))
    return evidence.verify(file, head)


def test_a_pack_holds(made: tuple[Path, str]) -> None:
    file, head = made
    assert evidence.verify(file) == []
    assert evidence.verify(file, head) == []
    assert evidence.verify(file, "0" * 64) == [f"this is another pack: its head is {head}"]


def test_the_chain_goes_from_the_synthesized_json_to_the_result(files: Files) -> None:
    lines = files[chain.CHAIN].splitlines()
    entries = [json.loads(line) for line in lines]
    assert entries[0]["previous"] == chain.digest(files[chain.SYNTHESIZED])
    for before, entry in zip(lines, entries[1:], strict=False):
        assert entry["previous"] == chain.digest(before)
    assert files[chain.HEAD].decode().strip() == chain.digest(lines[-1])
    kinds = list(dict.fromkeys(entry["kind"] for entry in entries))
    assert kinds == [
        "bundles", "scenario", "file", "journal", "approval", "validation", "pause", "ledger",
        "verdict", "result",
    ]  # fmt: skip
    approval = next(entry["said"] for entry in entries if entry["kind"] == "approval")
    assert (approval["approver"], approval["started_by"]) == (APPROVER, STARTER)
    named = {entry["said"]["name"] for entry in entries if entry["kind"] == "file"}
    assert named == {"record.json", *(f"documents/{name}" for name in DOCUMENTS)}


def test_the_same_rehearsal_makes_the_same_bytes(made: tuple[Path, str], tmp_path: Path) -> None:
    file = tmp_path / "again.zip"
    head = evidence.pack(record(), synthesis(tmp_path / "out"), DOCUMENTS, file)
    assert (file.read_bytes(), head) == (made[0].read_bytes(), made[1])


@settings(deadline=None)
@given(st.data())
def test_any_changed_byte_is_found(
    made: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = made[0].read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    file = tmp_path_factory.mktemp("byte") / "pack.zip"
    file.write_bytes(changed)
    assert evidence.verify(file) != []


@settings(deadline=None)
@given(st.data())
def test_any_entry_dropped_swapped_added_or_doubled_is_found(
    files: Files, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Also by somebody who makes the links and the head anew."""
    entries = [json.loads(line) for line in files[chain.CHAIN].splitlines()]
    before = [(entry["kind"], entry["said"]) for entry in entries]
    one = data.draw(st.integers(0, len(entries) - 1))
    other = data.draw(st.integers(0, len(entries) - 1))
    how = data.draw(st.sampled_from(["drop", "swap", "double", "add"]))
    if how == "drop":
        del entries[one]
    elif how == "swap":
        entries[one], entries[other] = entries[other], entries[one]
    elif how == "double":
        entries.insert(other, dict(entries[one]))
    else:
        entries.insert(one, {"previous": "", "kind": "verdict", "said": {"held": True}})
    if [(entry["kind"], entry["said"]) for entry in entries] == before:
        return
    if data.draw(st.booleans()):
        entries = linked(entries, files)
    lines = [chain.canonical(entry) for entry in entries]
    changed = files | {
        chain.CHAIN: b"".join(line + b"\n" for line in lines),
        chain.HEAD: f"{chain.head(lines)}\n".encode(),
    }
    assert check(changed, tmp_path_factory.mktemp("entry")) != []


def linked(entries: list[dict[str, Any]], files: Files) -> list[dict[str, Any]]:
    previous, made = chain.digest(files[chain.SYNTHESIZED]), []
    for entry in entries:
        made.append(entry | {"previous": previous})
        previous = chain.digest(chain.canonical(made[-1]))
    return made


def _in_chain(find: bytes, put: bytes) -> Callable[[Files], Files]:
    return lambda files: files | {chain.CHAIN: files[chain.CHAIN].replace(find, put, 1)}


CHANGES: dict[str, tuple[Callable[[Files], Files], str]] = {
    "the synthesized JSON": (
        lambda f: f | {chain.SYNTHESIZED: f[chain.SYNTHESIZED] + b" "},
        "line 1 of the chain does not have the digest of the synthesized JSON",
    ),
    "an entry": (
        _in_chain(APPROVER.encode(), b"arn:somebody:else"),
        "of the chain does not have the digest of line",
    ),
    "a document": (
        lambda f: f | {"documents/settings.json": b"{}"},
        "of the chain is file {",
    ),
    "a document left out": (
        lambda f: {name: data for name, data in f.items() if name != "documents/notes.txt"},
        "of the chain is file {",
    ),
    "a document more": (lambda f: f | {"documents/more": b""}, "of the chain is "),
    "a file that is no part of it": (
        lambda f: f | {"readme": b""}, "the pack has a file readme, which is no part of it",
    ),
    "the head": (lambda f: f | {chain.HEAD: b"0\n"}, "the chain does not end with the digest"),
    "no record": (
        lambda f: {name: data for name, data in f.items() if name != chain.RECORD},
        "the pack has no file record.json",
    ),
    "a chain that is cut": (
        lambda f: f | {chain.CHAIN: f[chain.CHAIN][: f[chain.CHAIN].rindex(b"{")]},
        "the chain ends before its line",
    ),
    "a record that is no record": (
        lambda f: f | {chain.RECORD: b"[]"}, "a file of the pack has another form",
    ),
    "text after the chain": (
        lambda f: f | {chain.CHAIN: f[chain.CHAIN] + b"."},
        "the chain does not end with the end of a line",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_is_said_first(what: str, files: Files, tmp_path: Path) -> None:
    change, said = CHANGES[what]
    assert said in check(change(files), tmp_path)[0]


def test_something_else_than_a_pack_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    file.write_bytes(b"no zip")
    [said] = evidence.verify(file)
    assert said.startswith("the pack cannot be read as a zip")


def test_another_bundle_than_the_declared_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    evidence.pack(record(), synthesis(tmp_path / "out", b"mutated"), {}, file)
    assert evidence.verify(file) == [
        "the bundle code.zip is not the one that the synthesized JSON declares"
    ]


LOST = LedgerResult("target", 7000, 7000, 0, 0, 2, 0, 1)
CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "the pause": (
        {"pause": Pause(5.0, 951.0, 8.0, 30_000.0)},
        "the pause is 5.0 ms in the record and 940 ms in the journal",
    ),
    "who serves": (
        {"primary": "source"}, "source serves, by the record, and target, by the journal",
    ),
    "what was lost": ({"ledger": LOST}, "3 acknowledged writes are not as they should be"),
    "who approved": (
        {"journal": journal(details=DETAILS | {"Approve": {"approver": STARTER}})},
        "the approval does not count",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_record_that_contradicts_itself_is_found(what: str, tmp_path: Path) -> None:
    changes, said = CONTRADICTIONS[what]
    file = tmp_path / "pack.zip"
    evidence.pack(record(**changes), synthesis(tmp_path / "out"), {}, file)
    assert said in evidence.verify(file)[0]


def test_a_failure_that_is_said_to_have_passed_is_found(files: Files, tmp_path: Path) -> None:
    """Everything is made anew from a record that lies."""
    told = json.loads(files[chain.RECORD]) | {"ending": "Failed"}
    changed = files | {chain.RECORD: chain.canonical(told)}
    lines = chain.lines(changed)
    changed[chain.CHAIN] = b"".join(line + b"\n" for line in lines)
    changed[chain.HEAD] = f"{chain.head(lines)}\n".encode()
    assert check(changed, tmp_path) == [
        "passed is True, which its verdicts and its ending do not say"
    ]


def test_traffic_that_moved_without_a_match_is_found(tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    report = {"validation.json": b'{"verdict": "inconclusive"}'}
    evidence.pack(record(), synthesis(tmp_path / "out"), report, file)
    assert "the validation's report says 'inconclusive'" in evidence.verify(file)[0]


def test_a_rehearsal_that_failed_can_be_packed(tmp_path: Path) -> None:
    told = record()
    failed = [replace(verdict, held=verdict.invariant != "I2") for verdict in told.verdicts]
    file = tmp_path / "pack.zip"
    whole = replace(told, ledger=LOST, verdicts=failed)
    evidence.pack(whole, synthesis(tmp_path / "out"), {}, file)
    assert evidence.verify(file) == []


CONFIDENTIAL = "p\"a s/wörd'%1"
LEAKS = {
    "as it is": CONFIDENTIAL,
    "in JSON": json.dumps({"x": CONFIDENTIAL}),
    "in a URL": f"host/{'p%22a%20s%2Fw%C3%B6rd%27%251'}",
    "in base64": base64.b64encode(CONFIDENTIAL.encode()).decode(),
    "a token": '{"approval": [{"token": "AQCEAAAAK"}]}',
    "a password's field": '{"Password": "x"}',
    "a connection string": "host=x password=y",
    "a URL with a password": "postgresql://me:it@host/db",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("how", LEAKS)
def test_a_secret_is_not_packed(how: str, tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    out = synthesis(tmp_path / "out")
    with pytest.raises(evidence.SecretFound) as told:
        evidence.pack(
            record(), out, {"settings.json": LEAKS[how].encode()}, file, secrets=["", CONFIDENTIAL]
        )
    assert "documents/settings.json" in str(told.value)
    assert CONFIDENTIAL not in str(told.value)
    assert not file.exists()


def test_a_secret_in_a_message_is_not_packed(tmp_path: Path) -> None:
    told = replace(record(), messages=[Message(1.0, "x", f"log in with {CONFIDENTIAL}")])
    with pytest.raises(evidence.SecretFound, match=r"record\.json"):
        evidence.pack(
            told, synthesis(tmp_path / "out"), {}, tmp_path / "pack.zip", secrets=[CONFIDENTIAL]
        )
