"""A source whose rows change, and a target that follows late, in the time of a virtual clock.

What is true of PostgreSQL and of what replicates it: commits are applied in their order, or (batch)
table by table within a batch, the marker first; a commit can be on the target before the source
shows it (it waits for a standby), but never when a later marker was acknowledged; every version
of a row has a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from random import Random

from migration.validator.settle import Identity, Look

_FOREVER = float("inf")
Change = tuple[float, str, str | None]
"""When, which row, and its content from then on; None: deleted."""
Spoil = Callable[[str, str | None], tuple[str | None, bool]]


@dataclass
class _Commit:
    at: float
    transaction: int
    row: str
    """"" for a marker."""
    content: str | None


def _faithful(row: str, content: str | None) -> tuple[str | None, bool]:
    return content, True


@dataclass
class Lagging:
    """Both sides. ``changes``: what will be written on the source, in order of time.

    ``longest``: seconds that replication stands still now and then, at most. ``batch``: several
    commits are applied at a time. ``hidden``: seconds that the source shows nothing new now and
    then, at most, though it is applied.
    ``spoil``: what replication makes of a row's content (a planted fault): the content, and
    whether it arrives. ``versions``: rows tell theirs.
    """

    random: Random
    changes: Iterator[Change]
    longest: float = 10.0
    batch: bool = False
    hidden: float = 0.0
    spoil: Spoil = _faithful
    versions: bool = True
    confirmations: int = 2
    now: float = 0.0
    here: dict[str, Look] = field(default_factory=dict)
    there: dict[str, Look] = field(default_factory=dict)
    reads: list[int] = field(default_factory=list)
    """How many rows each read asked for."""
    shown: dict[str, list[tuple[float, str | None]]] = field(default_factory=dict)
    """What the source has shown of each row, and since when."""
    looked: dict[str, list[tuple[float, str | None]]] = field(default_factory=dict)
    """What the target was seen with, and when."""
    marks: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._transaction = 100
        self._log: list[_Commit] = []
        self._shown = self._applied = self._passed = 0
        self._show_at = self._apply_at = _FOREVER
        self._late: list[_Commit] = []
        self._stall_at = self.random.expovariate(0.2)
        self._hide_at = self.random.expovariate(0.5) if self.hidden else _FOREVER
        self._next = next(self.changes, None)

    # What settle() uses.

    def source(self, identities: Collection[Identity]) -> dict[Identity, Look]:
        self._take_time()
        self.reads.append(len(identities))
        return {(row,): self.here[row] for (row,) in identities if row in self.here}

    def target(self, identities: Collection[Identity]) -> dict[Identity, Look]:
        self._take_time()
        self.reads.append(len(identities))
        for (row,) in identities:
            look = self.there.get(row)
            self.looked.setdefault(row, []).append((self.now, look.content if look else None))
        return {(row,): self.there[row] for (row,) in identities if row in self.there}

    def mark(self) -> int:
        self._take_time()
        self.marks.append(self.now)
        token = self._commit("", None)
        while self._shown < len(self._log):  # Acknowledged: so are all before it.
            self._show()
        return token

    def passed(self, token: int) -> bool:
        self._take_time()
        return self._passed >= token

    def describe(self, token: int) -> str:
        return f"marker {token}"

    # What happens meanwhile.

    def write_there(self, row: str, content: str | None) -> None:
        """Somebody writes to the target."""
        self._write(self.there, row, content, self._next_transaction())

    def pass_time(self, seconds: float) -> None:
        """All that happens within ``seconds``."""
        until = self.now + seconds
        while True:
            write_at = self._next[0] if self._next else _FOREVER
            at = min(write_at, self._show_at, self._apply_at)
            if at > until:
                break
            self.now = max(self.now, at)
            if at == self._show_at:
                self._show()
            elif self._next and at == write_at:
                self._commit(*self._next[1:])
                self._next = next(self.changes, None)
            else:
                self._apply()
        self.now = until

    def _take_time(self) -> None:
        self.pass_time(self.random.choice((0.0005, 0.005, 0.05)) * self.random.random())

    def _next_transaction(self) -> int:
        self._transaction += 1
        return self._transaction

    def _commit(self, row: str, content: str | None) -> int:
        commit = _Commit(self.now, self._next_transaction(), row, content)
        self._log.append(commit)
        if self._apply_at == _FOREVER:
            self._apply_at = self.now + self._delay()
        if self._show_at == _FOREVER:
            self._show_at = self.now + self._hiding()
            if self._show_at == self.now:
                self._show()
        return commit.transaction

    def _hiding(self) -> float:
        if self.now < self._hide_at:
            return 0.0
        hiding = self.random.random() * self.hidden
        self._hide_at = self.now + hiding + self.random.expovariate(0.5)
        return hiding

    def _show(self) -> None:
        commit = self._log[self._shown]
        self._shown += 1
        self._show_at = self.now + self._hiding() if self._shown < len(self._log) else _FOREVER
        if commit.row:
            self._write(self.here, commit.row, commit.content, commit.transaction)
            self.shown.setdefault(commit.row, []).append((self.now, commit.content))

    def _delay(self) -> float:
        if self.now < self._stall_at:
            return self.random.choice((0.0001, 0.001, 0.005)) * self.random.random()
        stall = self.random.random() * self.longest
        self._stall_at = self.now + stall + self.random.expovariate(0.3)
        return stall

    def _apply(self) -> None:
        if self._late:
            batch, self._late = self._late, []
        else:
            most = self.random.randint(1, 40) if self.batch else 1
            batch = self._log[self._applied : self._applied + most]
            self._applied += len(batch)
            if markers := [commit for commit in batch if not commit.row]:
                self._late = [commit for commit in batch if commit.row]
                batch = markers
        for commit in batch:
            self._arrive(commit)
        waiting = self._late or self._applied < len(self._log)
        self._apply_at = self.now + self._delay() if waiting else _FOREVER

    def _arrive(self, commit: _Commit) -> None:
        if not commit.row:
            self._passed = max(self._passed, commit.transaction)
            return
        content, arrives = self.spoil(commit.row, commit.content)
        if arrives:
            self._write(self.there, commit.row, content, self._next_transaction())

    def _write(
        self, side: dict[str, Look], row: str, content: str | None, transaction: int
    ) -> None:
        if content is None:
            side.pop(row, None)
        else:
            side[row] = Look(content, str(transaction) if self.versions else "")
