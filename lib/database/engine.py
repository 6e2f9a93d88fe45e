"""What the clusters and instances of every region have in common."""

from __future__ import annotations

from typing import Any

from lib.settings import Settings

ENGINE = "aurora-postgresql"
# The authority whose root certificates lib/lambda/certificates holds. Left to AWS, a change of
# its default would break every client that verifies.
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
# The days that Performance Insights keeps free of charge (Aurora user guide, "Pricing and data
# retention for Performance Insights").
INSIGHTS_DAYS = 7
MONITORING_SECONDS = 60


def cluster_basics(settings: Settings, identifier: str) -> dict[str, Any]:
    """Arguments of ``aws_rds_cluster`` for the primary and for a replica."""
    serverless = settings.aurora_serverless_max_acu is not None
    return {
        "cluster_identifier": identifier,
        "engine": ENGINE,
        "engine_mode": "provisioned",
        "engine_version": settings.aurora_engine_version,
        "port": settings.database_port,
        "storage_encrypted": True,
        "iam_database_authentication_enabled": True,
        "enabled_cloudwatch_logs_exports": ["postgresql"],
        "backup_retention_period": settings.backup_retention_days,
        "preferred_backup_window": "02:00-03:00",
        "preferred_maintenance_window": "sun:04:00-sun:05:00",
        "copy_tags_to_snapshot": True,
        "deletion_protection": settings.protect,
        "delete_automated_backups": not settings.protect,
        # Protected environments change in the maintenance window, others at once.
        "apply_immediately": not settings.protect,
        "serverlessv2_scaling_configuration": {
            "min_capacity": settings.aurora_serverless_min_acu,
            "max_capacity": settings.aurora_serverless_max_acu,
        }
        if serverless
        else None,
    }


def instance_basics(settings: Settings, identifier: str) -> dict[str, Any]:
    """Arguments of ``aws_rds_cluster_instance`` for the primary and for a replica."""
    serverless = settings.aurora_serverless_max_acu is not None
    return {
        "identifier": identifier,
        "engine": ENGINE,
        "engine_version": settings.aurora_engine_version,
        "instance_class": "db.serverless" if serverless else settings.aurora_instance_class,
        "publicly_accessible": False,
        # The version is pinned exactly; upgrading it by itself would drift from the setting.
        "auto_minor_version_upgrade": False,
        "apply_immediately": not settings.protect,
        "ca_cert_identifier": CERTIFICATE_AUTHORITY,
        "monitoring_interval": MONITORING_SECONDS,
        "performance_insights_enabled": True,
        "performance_insights_retention_period": INSIGHTS_DAYS,
        "copy_tags_to_snapshot": True,
    }
