"""What one rehearsal was and came to: everything that its report says.

Moments (``at``, ``began``, ``ended``) are real seconds since the rehearsal began. ``to_json`` of a
record is the JSON report, and the page is drawn from that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Side = Literal["source", "target"]


@dataclass(frozen=True)
class Span:
    """A phase (Prepare … Complete, Rollback) or a state, and how long it took; ``skipped``: the
    seconds of waiting in it that the clock jumped over. ``error``: how a state ended badly."""

    name: str
    began: float
    ended: float
    skipped: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class Sample:
    """What was seen in the quarter of a second (or so) before ``at``.

    Requests a second, sent and acknowledged; requests that failed; latency in milliseconds of those
    acknowledged (None without any); replication lag in seconds (None: unknown); percent of the
    API's requests that go to the application in AWS; writes acknowledged by each database.
    """

    at: float
    sent_rate: float
    acknowledged_rate: float
    failed: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    lag_seconds: float | None
    aws_percent: float
    source_writes: int
    target_writes: int


@dataclass(frozen=True)
class Struck:
    """A fault when it struck: what it was, and what it came upon."""

    at: float
    fault: str
    what: str


@dataclass(frozen=True)
class Writing:
    """A stretch of time in which one database acknowledged the application's writes."""

    side: Side
    began: float
    ended: float
    writes: int


@dataclass(frozen=True)
class Pause:
    """The write pause. ``reported_ms`` is the product's own figure, None where it reports none;
    ``longest_ms`` the longest request, ``usual_ms`` the 99th percentile of those at other times."""

    reported_ms: float | None
    longest_ms: float | None
    usual_ms: float | None
    budget_ms: float


@dataclass(frozen=True)
class LedgerResult:
    """What the ledger says after everything that was acknowledged was looked up where the
    application reads. ``examples``: some of what is wrong, in words."""

    primary: Side
    sent: int
    acknowledged: int
    failed: int
    unknown: int
    lost: int
    duplicated: int
    changed: int
    examples: Sequence[str] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing acknowledged was lost, doubled or changed."""
        return not (self.lost or self.duplicated or self.changed)


@dataclass(frozen=True)
class Verdict:
    """Whether an invariant (I1 to I6 of the design) held. ``because``: the sentences that show
    why not, or the figures that show that it did."""

    invariant: str
    title: str
    held: bool
    because: Sequence[str] = ()


@dataclass(frozen=True)
class Message:
    """What the operators were told."""

    at: float
    subject: str
    text: str


@dataclass(frozen=True)
class Record:
    """One rehearsal. ``ending``: the state it ended in (Succeeded, RolledBack …, or ABORTED);
    ``primary``: the database that serves at the end; ``expected``: how it should have ended."""

    scenario: str
    summary: str
    environment: str
    seed: int | None
    started: str
    seconds: float
    skipped_seconds: float
    ending: str
    expected: Sequence[str]
    primary: Side
    cause: str | None
    phases: Sequence[Span]
    states: Sequence[Span]
    samples: Sequence[Sample]
    faults: Sequence[Struck]
    planned_faults: Sequence[str]
    writing: Sequence[Writing]
    pause: Pause
    ledger: LedgerResult
    verdicts: Sequence[Verdict]
    messages: Sequence[Message]
    journal: Sequence[dict[str, Any]] = field(default_factory=list)
    """The entries of the product's own journal."""
    expected_primary: Side | None = None
    """The database that should serve at the end."""
    unstruck: Sequence[str] = ()
    """Faults of a named scenario whose moment never came: it has not shown what it is for."""
    evidence: str | None = None
    """The head of its evidence pack's chain."""

    @property
    def passed(self) -> bool:
        """Whether every invariant held, it ended as expected and its faults have struck."""
        return (
            all(verdict.held for verdict in self.verdicts)
            and self.ending in self.expected
            and self.expected_primary in (None, self.primary)
            and not self.unstruck
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON report."""
        return asdict(self) | {"passed": self.passed}
