"""Reads what synthesis wrote to ``cdktf.out``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "cdktf.out"
METADATA = "//"


@dataclass(frozen=True)
class Resource:
    """One resource: Terraform type, Terraform name, construct path below the stack, arguments."""

    type: str
    name: str
    path: tuple[str, ...]
    arguments: Mapping[str, Any]

    @property
    def address(self) -> str:
        """As Terraform names it: ``aws_vpc.ProductionVpc_Vpc_1A2B``."""
        return f"{self.type}.{self.name}"


@dataclass(frozen=True)
class Stack:
    """One synthesized stack."""

    name: str
    file: Path
    content: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Where Terraform runs: relative file names in the JSON start here."""
        return self.file.parent

    def resources(self) -> Iterator[Resource]:
        """Every managed resource, in the order of the JSON."""
        for type_, named in self.content.get("resource", {}).items():
            for name, arguments in named.items():
                path = arguments[METADATA]["metadata"]["path"].split("/")
                yield Resource(type_, name, tuple(path[1:]), arguments)


def stacks(output: Path = OUTPUT) -> list[Stack]:
    """The stacks of the last synthesis, as its manifest lists them.

    Raises:
        FileNotFoundError: nothing has been synthesized there.
    """
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    return [
        _stack(name, output / entry["synthesizedStackPath"])
        for name, entry in manifest["stacks"].items()
    ]


def _stack(name: str, file: Path) -> Stack:
    return Stack(name, file, json.loads(file.read_text(encoding="utf-8")))
