"""Makes an evidence pack."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rehearsal.evidence import archive, chain
from rehearsal.record import Record
from scripts import synthesized as synthesis

# Fields, and text, that hold what nobody may be shown.
_FIELD = re.compile(r"(task_?)?token|password|passphrase|secret_?(string|key|access_?key)?", re.I)
_TEXT = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bpassword\s*=\s*[^\s$]|://[^/\s:@\"]+:[^/\s@\"]+@"
)


class SecretFound(ValueError):
    """Something secret would be packed; the message names where, and does not repeat it."""


def pack(
    record: Record,
    synthesized: Path,
    documents: Mapping[str, bytes],
    file: Path,
    *,
    secrets: Collection[str] = (),
) -> str:
    """Writes the pack of a rehearsal to ``file``; its head.

    ``synthesized`` is the folder of the synthesis that was rehearsed. ``documents``: name →
    content of what else belongs to it (settings, scenario, the validation's report, which is
    called validation.json). ``secrets``: the rehearsal's passwords, tokens and keys.

    Raises:
        SecretFound: one of the secrets, or what looks like one, is in what would be packed.
        FileNotFoundError: ``synthesized`` holds no state machine.
    """
    stack = _stack(synthesized)
    files = {
        chain.SYNTHESIZED: stack.file.read_bytes(),
        chain.BUNDLES: chain.canonical(_bundles(stack)),
        chain.RECORD: chain.canonical(record.to_json()),
        **{f"{chain.DOCUMENTS}{name}": content for name, content in documents.items()},
    }
    if found := next(_leaks(files, secrets), None):
        raise SecretFound(found)
    lines = chain.lines(files)
    head = chain.head(lines)
    written = {
        **files,
        chain.CHAIN: b"".join(line + b"\n" for line in lines),
        chain.HEAD: f"{head}\n".encode(),
    }
    file.write_bytes(archive.write(written))
    return head


def _stack(folder: Path) -> synthesis.Stack:
    for stack in synthesis.stacks(folder):
        if any(each.type == "aws_sfn_state_machine" for each in stack.resources()):
            return stack
    raise FileNotFoundError(f"no stack of {folder} has a state machine: synthesize again")


def _bundles(stack: synthesis.Stack) -> dict[str, str]:
    """The SHA-256 of every zip that the stack would deploy, as it is on this disk."""
    names = {
        each.arguments["filename"] for each in stack.resources() if "filename" in each.arguments
    }
    return {name: chain.digest((stack.folder / name).read_bytes()) for name in sorted(names)}


def _leaks(files: Mapping[str, bytes], secrets: Collection[str]) -> Iterator[str]:
    """Where something secret is, a sentence each."""
    forms = [form for secret in secrets if secret for form in _forms(secret)]
    for name, content in files.items():
        if any(form in content for form in forms):
            yield f"{name} holds a secret of the rehearsal: leave it out"
        # What is synthesized names secrets, in AWS's own fields, and holds none: see its policies.
        if name == chain.SYNTHESIZED:
            continue
        if _TEXT.search(content):
            yield f"{name} holds a password or a private key: leave it out"
        yield from (f"{name} holds a value of {field}: leave it out" for field in _fields(content))


def _forms(secret: str) -> set[bytes]:
    """How a secret may be written."""
    plain = secret.encode()
    escaped = json.dumps(secret)[1:-1].encode()
    return {plain, escaped, quote(secret, safe="").encode(), base64.b64encode(plain)}


def _fields(content: bytes) -> Iterator[str]:
    """The names of fields with secret values, if it is JSON."""
    try:
        left: list[Any] = [json.loads(content)]
    except ValueError:
        return
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += value.values()
            yield from (
                name
                for name, text in value.items()
                if _FIELD.fullmatch(name) and isinstance(text, str) and text
            )
