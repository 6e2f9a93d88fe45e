"""How DMS connects to the source and the target database, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from cdktf_cdktf_provider_aws.dms_certificate import DmsCertificate
from cdktf_cdktf_provider_aws.dms_endpoint import DmsEndpoint
from constructs import Construct

from lib.database.credentials import DatabaseSecrets
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.replication.documents import CONTROL_SCHEMA

PROJECT = Path(__file__).resolve().parents[2]
# The roots that sign Aurora's certificates (rds-ca-rsa2048-g1), a region each; the functions
# verify by the same files. Source: RDS user guide, "Certificate bundles by AWS Region".
AURORA_ROOTS = PROJECT / "lib" / "lambda" / "certificates"
REVERSE_SLOT = "migration_reverse"
"""Logical replication slot on Aurora that the reverse task reads from."""

# Read by DMS when it decodes WAL. The plugin is built into every PostgreSQL: pglogical would need
# an extension and a restart of the source.
CAPTURE: dict[str, Any] = {
    "plugin_name": "test-decoding",
    # Needs a superuser's event trigger on the source otherwise.
    "capture_ddls": False,
    # A row a minute moves the slot on while the tables are quiet, so that WAL is not kept for
    # nothing.
    "heartbeat_enable": True,
    "heartbeat_frequency": 1,
    "heartbeat_schema": CONTROL_SCHEMA,
    "fail_tasks_on_lob_truncation": True,
    # PostgreSQL's booleans arrive as varchar(5) otherwise.
    "map_boolean_as_boolean": True,
}
# Triggers and foreign keys have already done their work where the row was written first.
APPLY: dict[str, Any] = {
    "after_connect_script": "SET session_replication_role = 'replica'",
    "map_boolean_as_boolean": True,
}


class Endpoints(Construct):
    """Each database as a source and as a target: forward, source → target; reverse, back.

    A change of an endpoint needs its tasks stopped first, by the operator and not by Terraform,
    which may not start them again (hashicorp/terraform-provider-aws 46139).
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        secrets: DatabaseSecrets,
    ) -> None:
        super().__init__(scope, id)
        self._naming, self._key = environment.naming, environment.key
        settings, region = environment.settings, environment.account.region
        role = ServiceRole(
            self,
            "SecretsRole",
            name=self._naming.name("dms-secrets"),
            # Of the region: DMS reads secrets under this principal only (DMS user guide, "Using
            # secrets to access AWS DMS endpoints").
            service=f"dms.{region}.amazonaws.com",
        )
        secrets.grant_read(role, describe=True)
        onprem = {
            "engine_name": "postgres",
            "database_name": settings.source_database,
            "secrets_manager_arn": secrets.source.arn,
            **self._onprem_tls(settings.source_ca_path),
        }
        aurora = {
            "engine_name": "aurora-postgresql",
            "database_name": settings.target_database,
            "secrets_manager_arn": secrets.target.arn,
            **self._verified("AuroraAuthority", "aurora-ca", AURORA_ROOTS / f"rds-{region}.pem"),
        }
        self._role = role
        self.source = self._endpoint("Source", "source", onprem, CAPTURE)
        self.target = self._endpoint("Target", "target", aurora, APPLY)
        self.reverse_source = self._endpoint(
            "ReverseSource", "source", aurora, CAPTURE | {"slot_name": REVERSE_SLOT}
        )
        self.reverse_target = self._endpoint("ReverseTarget", "target", onprem, APPLY)

    def _onprem_tls(self, ca_file: Path | None) -> dict[str, str]:
        if ca_file is None:
            # Encrypted, not verified: no public authority signs for an on-premises host.
            return {"ssl_mode": "require"}
        return self._verified("SourceAuthority", "source-ca", ca_file)

    def _verified(self, id: str, name: str, pem: Path) -> dict[str, str]:
        """Checks the server's chain and host name against the certificate in ``pem``."""
        certificate = DmsCertificate(
            self,
            id,
            certificate_id=self._naming.name(name),
            certificate_pem=pem.read_text(encoding="ascii"),
            tags={"Name": self._naming.name(name)},
        )
        return {"ssl_mode": "verify-full", "certificate_arn": certificate.certificate_arn}

    def _endpoint(
        self,
        id: str,
        endpoint_type: Literal["source", "target"],
        database: dict[str, str],
        postgres: dict[str, Any],
    ) -> DmsEndpoint:
        kebab = "reverse-" + endpoint_type if id.startswith("Reverse") else endpoint_type
        return DmsEndpoint(
            self,
            id,
            endpoint_id=self._naming.name(f"{kebab}-endpoint"),
            endpoint_type=endpoint_type,
            kms_key_arn=self._key.arn,
            secrets_manager_access_role_arn=self._role.arn,
            postgres_settings=postgres,
            tags={"Name": self._naming.name(f"{kebab}-endpoint")},
            # DMS tries the role while it makes the endpoint.
            depends_on=self._role.policies,
            **database,
        )
