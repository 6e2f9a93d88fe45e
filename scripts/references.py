"""Finds which resources the arguments of another refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scripts.synthesized import METADATA

EXPRESSION = re.compile(r"\$\{(?P<body>[^}]*)\}")
ADDRESS = re.compile(r"(?<![\w.])(?P<address>aws_\w+\.[\w-]+)")


def addresses(value: Any) -> Iterator[str]:
    """Addresses (``aws_vpc.Name``) of the managed resources ``value`` refers to.

    Inside ``${…}`` anywhere, and in ``depends_on``, which holds bare addresses.
    """
    if isinstance(value, str):
        for expression in EXPRESSION.finditer(value):
            for found in ADDRESS.finditer(expression["body"]):
                yield found["address"]
    elif isinstance(value, list):
        for item in value:
            yield from addresses(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "depends_on":
                yield from item
            elif key != METADATA:
                yield from addresses(item)
