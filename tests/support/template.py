"""Reads a synthesized stack the way Terraform does: resources by type, references followed.

``Testing.to_have_resource_with_properties`` passes if any resource matches; tests of meaning need
to say which resource, and where its references lead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cdktf import TerraformStack, Testing

Props = dict[str, Any]
REFERENCE = re.compile(
    r"\$\{(?P<data>data\.)?(?P<type>[a-z][a-z0-9_]*)\.(?P<name>[A-Za-z0-9_-]+)[.\[}]"
)
ADDRESS = re.compile(r"(?P<data>data\.)?(?P<type>[a-z][a-z0-9_]*)\.(?P<name>[A-Za-z0-9_-]+)")


class Target(NamedTuple):
    """What a reference leads to. ``type`` of a data source starts with ``data.``."""

    type: str
    name: str
    props: Props


class Template:
    """The JSON of one stack. Every lookup that fails says what there is instead."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.json = dict(content)

    @classmethod
    def of(cls, stack: TerraformStack) -> Template:
        """Synthesizes ``stack``, its aspects included."""
        return cls(json.loads(Testing.synth(stack)))

    def resources(self, type: str) -> dict[str, Props]:
        """Logical name → properties of every resource of ``type``, none being well too."""
        return dict(self.json.get("resource", {}).get(type, {}))

    def data(self, type: str) -> dict[str, Props]:
        """Logical name → properties of every data source of ``type``."""
        return dict(self.json.get("data", {}).get(type, {}))

    @property
    def outputs(self) -> dict[str, Props]:
        """Output name → its value, description and sensitivity."""
        return dict(self.json.get("output", {}))

    @property
    def types(self) -> set[str]:
        """The resource types of the stack."""
        return set(self.json.get("resource", {}))

    def all(self) -> Iterator[Target]:
        """Every resource of every type."""
        for type, named in self.json.get("resource", {}).items():
            for name, props in named.items():
                yield Target(type, name, props)

    def find(self, type: str, **props: Any) -> dict[str, Props]:
        """The resources of ``type`` whose properties equal ``props``; nested lists whole."""
        return {
            name: found
            for name, found in self.resources(type).items()
            if all(found.get(key) == value for key, value in props.items())
        }

    def one(self, type: str, **props: Any) -> Props:
        """The only resource of ``type`` with ``props``; AssertionError when none or several."""
        return self.one_named(type, **props).props

    def one_named(self, type: str, **props: Any) -> Target:
        """As ``one``, with the logical name."""
        found = self.find(type, **props)
        if len(found) != 1:
            raise AssertionError(
                f"{len(found)} resources of {type} have {props}, not one: "
                f"{sorted(found) or self._near(type, props)}"
            )
        [(name, only)] = found.items()
        return Target(type, name, only)

    def named(self, type: str, name: str) -> Target:
        """The only resource of ``type`` whose ``Name`` tag is ``name``."""
        tagged = {
            logical: props
            for logical, props in self.resources(type).items()
            if props.get("tags", {}).get("Name") == name
        }
        if len(tagged) != 1:
            names = sorted(
                str(props.get("tags", {}).get("Name")) for props in self.resources(type).values()
            )
            raise AssertionError(f"{len(tagged)} of {type} are tagged {name!r}; tags are {names}")
        [(logical, only)] = tagged.items()
        return Target(type, logical, only)

    def target(self, reference: str) -> Target:
        """What ``${aws_vpc.x.id}`` refers to, also inside a longer text (the first reference)."""
        match = REFERENCE.search(str(reference))
        if match is None:
            raise AssertionError(f"{reference!r} refers to no resource: it is a literal")
        return self._at(match)

    def targets(self, text: str) -> list[Target]:
        """What every reference in ``text`` refers to, in order, such as in a policy's JSON."""
        return [self._at(match) for match in REFERENCE.finditer(text)]

    def depends_on(self, props: Props) -> list[Target]:
        """The resources that ``props`` names in ``depends_on``."""
        matches = [ADDRESS.fullmatch(address) for address in props.get("depends_on", [])]
        return [self._at(match) for match in matches if match is not None]

    def _at(self, match: re.Match[str]) -> Target:
        data, type, name = match["data"] or "", match["type"], match["name"]
        there = self.data(type) if data else self.resources(type)
        if name not in there:
            raise AssertionError(
                f"{match[0]} refers to nothing: {data}{type} has {sorted(there) or 'no members'}"
            )
        return Target(data + type, name, there[name])

    def _near(self, type: str, props: Mapping[str, Any]) -> list[Props] | str:
        """What ``type`` has for the asked properties, to show beside a failure."""
        there = self.resources(type)
        if not there:
            return f"the stack has no {type}"
        return [{"(name)": name} | {key: p.get(key) for key in props} for name, p in there.items()]


def actions(policy: str) -> set[str]:
    """Every action that a policy's JSON text allows."""
    found: set[str] = set()
    for statement in json.loads(policy)["Statement"]:
        if statement["Effect"] == "Allow":
            named = statement["Action"]
            found |= {named} if isinstance(named, str) else set(named)
    return found
