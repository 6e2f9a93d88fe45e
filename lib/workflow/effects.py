"""What the steps do to the world: who accepts writes, where they go, what has been copied.

Each phase declares the effect of its states beside them (``Phase.effects``), with what must hold
before. Nothing in AWS reads this: tests walk every path of the synthesized machine with it and
look for a moment at which an invariant of the design is broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

Side = Literal["source", "target"]


@dataclass(frozen=True)
class World:
    """The state of everything the workflow acts on, as it is before the first step."""

    source: Literal["open", "closed"] = "open"
    """Whether application roles can write to the source database."""
    target: Literal["empty", "closed", "open"] = "empty"
    """The same of the target; "empty" until replication has begun to fill it."""
    clients: Literal["flowing", "held"] = "flowing"
    """Whether the pooler lets statements through."""
    primary: Side = "source"
    """Where the pooler and the routing parameter lead."""
    traffic: Literal["source", "shifted"] = "source"
    """Which application answers the API, for all or for a share of the payments."""
    forward: Literal["stopped", "running"] = "stopped"
    reverse: Literal["stopped", "running"] = "stopped"
    marker: bool = False
    """A row written after the last write the source accepted."""
    drained: bool = False
    """The marker, and so everything before it, is on the target."""
    compared: Literal["nothing", "some", "all"] = "nothing"
    """How many parts of the validation's plan have a result."""
    validated: Literal["nothing", "some", "all"] = "nothing"
    """How many of them the verdict speaks of."""
    verified: bool = False
    sequences: Side = "source"
    """The side whose sequences are ahead."""
    slot: bool = False
    """The target keeps every change for the way back."""
    approved: bool = False
    told: bool = False
    """The operators were told how it ended."""


@dataclass(frozen=True)
class Effect:
    """One step: what must hold before it, and what it changes. Applied twice it changes no more.

    ``copies``: what it takes over from another part of the world. ``in_part``: what a Map changes
    instead where children of it failed and that is tolerated. ``first``: what must hold for a
    Choice to take the first of its ways.
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, Any] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    in_part: Mapping[str, Any] = field(default_factory=dict)
    first: Mapping[str, Any] = field(default_factory=dict)


class BrokenInvariant(AssertionError):
    """A step was taken where it must not be, or left the world as it must never be."""


def apply(world: World, effect: Effect) -> World:
    """The world after the step.

    Raises:
        BrokenInvariant: what the step needs does not hold, or two databases accept writes.
    """
    for name, wanted in effect.needs.items():
        if (value := getattr(world, name)) != wanted:
            raise BrokenInvariant(f"it needs {name} {wanted!r}, which is {value!r}")
    copied = {name: getattr(world, other) for name, other in effect.copies.items()}
    after = replace(world, **dict(effect.sets), **copied)
    if after.source == "open" and after.target == "open":
        raise BrokenInvariant("two databases accept writes")
    return after


def rolled_back(world: World) -> World:
    """The world after ``ExecuteRollback``, which starts from the journal, wherever it stopped.

    Raises:
        BrokenInvariant: the target took writes that nothing kept for the source.
    """
    if world.target == "open" and not world.slot:
        raise BrokenInvariant("writes made on the target cannot come back: there is no slot")
    target: Literal["empty", "closed"] = "empty" if world.target == "empty" else "closed"
    return World(target=target, approved=world.approved, traffic=world.traffic)


def difference(before: World, after: World) -> str:
    """What changed, for a timeline: ``source open → closed``."""
    return ", ".join(
        f"{f.name} {getattr(before, f.name)} → {getattr(after, f.name)}"
        for f in fields(World)
        if getattr(before, f.name) != getattr(after, f.name)
    )
