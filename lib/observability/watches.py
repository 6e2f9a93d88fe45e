"""What is watched, and when it is wrong: every threshold with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from lib.database.aurora import AuroraCluster
from lib.functions.function import PythonFunction
from lib.naming import Naming
from lib.observability.figures import (
    DENIALS,
    RETAINED_WAL,
    VERDICTS,
)
from lib.observability.watch import Watch
from lib.pooler.pooler import Pooler
from lib.replication.replication import Replication
from lib.settings import Settings
from lib.workflow.state_machine import MigrationStateMachine

GIB = 2**30
FIVE_MINUTES = 300


def replication_watches(replication: Replication, settings: Settings) -> list[Watch]:
    """Silence is bad here (design invariant I6): a task that runs reports every minute."""
    task = {
        "ReplicationInstanceIdentifier": replication.instance_identifier,
        "ReplicationTaskIdentifier": replication.forward_task_resource_id,
    }
    lags = [
        Watch(
            name=f"replication-lag-{side}",
            meaning=(
                f"Replication lags over {settings.max_lag_seconds} s at the {side}, or does not "
                "report: do not cut over. Before replication starts this is the normal state."
            ),
            namespace="AWS/DMS",
            metric=f"CDCLatency{side.capitalize()}",
            dimensions=task,
            statistic="Maximum",
            threshold=settings.max_lag_seconds,
            missing="breaching",
            periods=settings.quiet_samples,
        )
        for side in ("source", "target")
    ]
    stopped = Watch(
        name="replication-stopped",
        meaning=(
            "The forward task is not running: no sample for 15 minutes. If it ran before, its "
            "slot holds WAL on the source without limit: resume the task or drop the slot."
        ),
        namespace="AWS/DMS",
        # A task reports its memory while it runs, whether it loads or captures changes (DMS user
        # guide, "Replication task metrics").
        metric="MemoryUsage",
        dimensions=task,
        statistic="SampleCount",
        threshold=1,
        below=True,
        missing="breaching",
        period_seconds=FIVE_MINUTES,
        periods=3,
    )
    return [*lags, stopped]


def source_watches(naming: Naming, settings: Settings) -> list[Watch]:
    """The source reports only while the workflow looks: the last word holds until the next."""
    return [
        Watch(
            name="wal-retained",
            meaning=(
                f"A replication slot holds over {settings.wal_retained_alarm_gb} GiB of WAL on "
                "the source: its disk fills up. Resume the task or drop the slot."
            ),
            namespace=naming.metric_namespace,
            metric=RETAINED_WAL,
            dimensions={},
            statistic="Maximum",
            threshold=settings.wal_retained_alarm_gb * GIB,
            missing="ignore",
        )
    ]


def way_back_watches(naming: Naming) -> list[Watch]:
    """Measured while the target is primary; before and after it there is nothing to say."""
    return [
        Watch(
            name="rollback-loss",
            meaning=(
                "Going back to the source now would have to wait over a minute for the target's "
                "writes, or lose them: see whether the reverse task keeps up."
            ),
            namespace=naming.metric_namespace,
            metric="RollbackLossSeconds",
            dimensions={},
            statistic="Maximum",
            threshold=60,
            missing="ignore",
            period_seconds=FIVE_MINUTES,
        )
    ]


def validation_watches(naming: Naming) -> list[Watch]:
    """Each validation publishes every figure, zeros too: its word holds until the next one."""
    meanings = {
        "mismatch": ("ValidationMismatches", "Source and target differ"),
        "inconclusive": ("ValidationErrors", "Some tables could not be compared"),
    }
    return [
        Watch(
            name=f"validation-{name}",
            meaning=f"{meaning}: the report in the checkpoint bucket names the tables.",
            namespace=naming.metric_namespace,
            metric=metric,
            dimensions={},
            statistic="Maximum",
            threshold=0,
            missing="ignore",
        )
        for name, (metric, meaning) in meanings.items()
    ]


def database_watches(aurora: AuroraCluster, settings: Settings) -> list[Watch]:
    """Unknown is not safe: a cluster that does not report keeps the composite alarm raised."""

    def watch(
        name: str, metric: str, statistic: str, threshold: float, meaning: str, below: bool = False
    ) -> Watch:
        return Watch(
            name=f"aurora-{name}",
            meaning=meaning,
            namespace="AWS/RDS",
            metric=metric,
            dimensions={"DBClusterIdentifier": aurora.cluster_identifier},
            statistic=statistic,
            threshold=threshold,
            below=below,
            missing="missing",
            period_seconds=FIVE_MINUTES,
            periods=3,
        )

    return [
        watch("cpu", "CPUUtilization", "Maximum", 80, "An instance is over 80 % CPU."),
        watch(
            "connections",
            "DatabaseConnections",
            "Maximum",
            settings.aurora_connections_alarm,
            "Connections run out.",
        ),
        watch("memory", "FreeableMemory", "Minimum", GIB, "Less than 1 GiB of memory.", True),
        watch("deadlocks", "Deadlocks", "Maximum", 0, "Transactions deadlock, every few minutes."),
    ]


def replica_watches(aurora: AuroraCluster) -> list[Watch]:
    """A cluster of one instance has no replica to report, and none to lag."""
    return [
        Watch(
            name="aurora-replica-lag",
            meaning="A reader is over one second behind the writer.",
            namespace="AWS/RDS",
            metric="AuroraReplicaLagMaximum",
            dimensions={"DBClusterIdentifier": aurora.cluster_identifier},
            statistic="Maximum",
            # Milliseconds; Aurora's readers are usually well below 100.
            threshold=1000,
            missing="notBreaching",
            period_seconds=FIVE_MINUTES,
            periods=3,
        )
    ]


def pooler_watches(pooler: Pooler, settings: Settings) -> list[Watch]:
    """Silence is bad here: poolers that run are counted and checked every minute."""
    return [
        Watch(
            name="pooler-tasks",
            meaning=(
                f"Less than {settings.pooler_count} poolers run: the service's events and the "
                "pooler's log say why. Before its image and secret are there this is normal."
            ),
            # Container Insights user guide, "Amazon ECS Container Insights metrics".
            namespace="ECS/ContainerInsights",
            metric="RunningTaskCount",
            dimensions={"ClusterName": pooler.cluster_name, "ServiceName": pooler.service_name},
            statistic="Minimum",
            threshold=settings.pooler_count,
            below=True,
            missing="breaching",
            periods=3,
        ),
        Watch(
            name="pooler-unhealthy",
            meaning="A pooler does not accept connections: its log says why.",
            namespace="AWS/NetworkELB",
            metric="UnHealthyHostCount",
            dimensions={
                "LoadBalancer": pooler.balancer.balancer.arn_suffix,
                "TargetGroup": pooler.balancer.targets.arn_suffix,
            },
            statistic="Maximum",
            threshold=0,
            missing="breaching",
            periods=3,
        ),
    ]


def function_watches(functions: Mapping[str, PythonFunction]) -> list[Watch]:
    """A function that is not invoked fails nothing: silence is good."""
    return [
        Watch(
            name=f"{name}-{metric.lower()}",
            meaning=f"{name}: {meaning}. Its log group has the reason.",
            namespace="AWS/Lambda",
            metric=metric,
            dimensions={"FunctionName": function.function_name},
            statistic="Sum",
            threshold=0,
            missing="notBreaching",
        )
        for name, function in functions.items()
        for metric, meaning in (
            ("Errors", "an invocation failed"),
            ("Throttles", "invocations were refused for want of concurrency"),
        )
    ]


def workflow_watches(workflow: MigrationStateMachine) -> list[Watch]:
    """An execution that does not run does not fail: silence is good."""
    return [
        Watch(
            name=f"workflow-{ending}",
            meaning=f"A migration execution {meaning}: its history names the step.",
            namespace="AWS/States",
            metric=f"Executions{metric}",
            dimensions={"StateMachineArn": workflow.arn},
            statistic="Sum",
            threshold=0,
            missing="notBreaching",
        )
        for ending, metric, meaning in (
            ("failed", "Failed", "failed or was rolled back"),
            ("timed-out", "TimedOut", "ran out of time"),
            ("aborted", "Aborted", "was aborted"),
        )
    ]


def log_watches(naming: Naming) -> list[Watch]:
    """A line that is not logged says nothing happened: silence is good."""
    return [
        Watch(
            name="validation-verdict",
            meaning="A validation ended otherwise than in a match, as its log says.",
            namespace=naming.metric_namespace,
            metric=VERDICTS,
            dimensions={},
            statistic="Sum",
            threshold=0,
            missing="notBreaching",
        ),
        Watch(
            name="authorizer-denials",
            meaning="Over 100 tokens refused in five minutes: an attack, or a wrong key or clock.",
            namespace=naming.metric_namespace,
            metric=DENIALS,
            dimensions={},
            statistic="Sum",
            threshold=100,
            missing="notBreaching",
            period_seconds=FIVE_MINUTES,
        ),
    ]
