"""The errors a migration step can end with.

Lambda reports an exception's class name as the error name, so these names are what the state
machine's Retry and Catch match on: renaming one changes the workflow (``lib/workflow``).
"""


class MigrationError(Exception):
    """What every error raised on purpose by a migration step derives from."""


class InvalidRequest(MigrationError):
    """The event or the execution's input is wrong; trying again cannot help."""


class MigrationInProgress(MigrationError):
    """Another execution holds the environment's lock; nothing was changed."""


class ConcurrentChange(MigrationError):
    """An object kept changing under a conditional write; worth another try."""


class PreflightFailed(MigrationError):
    """One or more findings forbid the migration; all of them are in ``findings``."""

    def __init__(self, findings: list[str]) -> None:
        self.findings = findings
        count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
        super().__init__("\n".join([f"preflight: {count}", *(f"- {f}" for f in findings)]))


class EndpointTestPending(MigrationError):
    """DMS is still testing an endpoint; ask again in some seconds."""


class ReplicationTaskBusy(MigrationError):
    """The DMS task is between two states and cannot be started yet; ask again."""


class ReplicationTaskUnusable(MigrationError):
    """The DMS task does not exist, or is in a state it cannot be started from."""


class ReplicationStillStopping(MigrationError):
    """The DMS task had not stopped when the function's time ran out; ask again."""


class MigrationPaused(MigrationError):
    """The operator holds the workflow before this step; it is asked again every minute."""


class ApprovalInvalid(MigrationError):
    """The approval came from the starter, from nobody, or too late."""


class ReplicationNotReady(MigrationError):
    """Replication stopped or fell behind after it had been ready; nothing was changed."""


class PauseBudgetExceeded(MigrationError):
    """Writes had been held as long as the settings allow (write_pause_seconds)."""


class CutoverMismatch(MigrationError):
    """Behind the fence the two databases differ; ``differences`` names the tables."""

    def __init__(self, differences: list[str]) -> None:
        self.differences = differences
        super().__init__(
            f"behind the fence {len(differences)} tables differ: {'; '.join(differences[:10])}"
        )


class TargetNotWritable(MigrationError):
    """An application role cannot write to the target that was just opened."""


class RollbackWaiting(MigrationError):
    """Replication back to the source was not done when the function's time ran out; ask again."""


class RollbackIncomplete(MigrationError):
    """A step of the rollback failed; ``step`` names it. The rollback can be run again."""

    def __init__(self, step: str, cause: BaseException) -> None:
        self.step = step
        super().__init__(
            f"the rollback stopped at the step {step!r}: {type(cause).__name__}: {cause}. "
            "Steps before it are done, and running the rollback again is safe"
        )


class WeightNotApplied(MigrationError):
    """API Gateway did not show the traffic weight that had been set; ask again."""


class StepInProgress(MigrationError):
    """Another step of a migration is at work on this database; try again when it has ended."""


class Superseded(MigrationError):
    """The step is stale: its execution was rolled back, or is not the one that may act."""


class ControlSchemaUnusable(MigrationError):
    """The schema migration_control exists, and the migration's user may not use what is in it."""


class FenceNotClosed(MigrationError):
    """The fence could not be closed in the time it had; writes may be closed or open: reopen."""


class FenceLeaks(MigrationError):
    """Roles can still write although the fence was closed; ``leaks`` names role and table."""

    def __init__(self, leaks: list[str]) -> None:
        self.leaks = leaks
        super().__init__(
            f"the fence leaks: {'; '.join(leaks)}. No role but the migration's own user may write "
            "while it is closed: revoke what gives them the right, reopen and start again"
        )


class SequenceBehind(MigrationError):
    """Sequences of the side about to open could repeat a value; ``problems`` names each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        super().__init__("\n".join([f"sequences: {count}", *(f"- {p}" for p in problems)]))


class ReverseSlotBlocked(MigrationError):
    """Open write transactions, or a reader that stays, keep the reverse slot from its change."""


class ReverseSlotLost(MigrationError):
    """The reverse slot is missing, or its WAL is gone: writes since then cannot be taken back."""


class RollbackLossUnknown(MigrationError):
    """No soak marker was written yet, so nothing says how far the source is behind."""


class PoolerNotPaused(MigrationError):
    """A pooler still had open transactions when the time was up; all of them go on."""


class PoolerUnreachable(MigrationError):
    """A pooler's admin console did not answer; what could be done on the others was done."""


class PoolerStarting(MigrationError):
    """A pooler's task is starting, or none runs; ask again in some seconds."""


class RecordNotInSync(MigrationError):
    """Route 53 had not told all its name servers in time; ask again."""
