"""Terraform's references, and what they are in the account of a rehearsal."""

from __future__ import annotations

import re
from typing import Any

from rehearsal.synthesized import Synthesized

# Terraform writes a literal ${ as $${ (Terraform's documentation, "Strings and Templates").
_REFERENCE = re.compile(r"(?P<literal>\$\$\{)|\$\{(?P<name>[^{}]*)\}")


class UnknownReference(LookupError):
    """The JSON refers to something that no resource of this account is."""


class References:
    """Values by address and attribute: those noted, then the arguments of the JSON."""

    def __init__(self, synthesized: Synthesized) -> None:
        self._synthesized = synthesized
        self._noted: dict[str, str] = {}

    def note(self, address: str, **attributes: str) -> None:
        """What creating the resource at ``address`` gave."""
        for name, value in attributes.items():
            self._noted[f"{address}.{name}"] = value

    def resolve(self, value: Any) -> Any:
        """``value`` with every reference in every text of it replaced.

        Raises:
            UnknownReference: naming the reference.
        """
        if isinstance(value, str):
            return _REFERENCE.sub(self._replaced, value)
        if isinstance(value, dict):
            return {name: self.resolve(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(each) for each in value]
        return value

    def text(self, value: str) -> str:
        """As ``resolve``, for a text."""
        return str(self.resolve(value))

    def _replaced(self, match: re.Match[str]) -> str:
        return "${" if match["literal"] else self.value(match["name"])

    def value(self, name: str) -> str:
        """What ``type.Name.attribute`` is.

        Raises:
            UnknownReference: naming it.
        """
        if name in self._noted:
            return self._noted[name]
        address, _, attribute = name.rpartition(".")
        declared = self._synthesized.argument(address, attribute)
        if not isinstance(declared, str | int) or isinstance(declared, bool):
            raise UnknownReference(
                f"${{{name}}}: nothing in this account has that attribute, and "
                f"{self._synthesized.file.name} declares none"
            )
        return self.text(str(declared))
