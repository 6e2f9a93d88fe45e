"""Where the migration keeps its journal, lock, reports and rollback states."""

from __future__ import annotations

from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.storage.private_bucket import PrivateBucket

# Longer than any migration runs, so that every step a journal ever recorded can be read back.
OLD_VERSION_DAYS = 90


class CheckpointBucket(Construct):
    """A private, versioned bucket; its name ends in the account, because names are global."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        self._key = environment.key
        name = environment.naming.name("migration-checkpoints")
        bucket = PrivateBucket(
            self,
            "Bucket",
            name=f"{name}-{environment.account.account_id}",
            key_arn=environment.key.arn,
            keep=environment.settings.protect,
            old_version_days=OLD_VERSION_DAYS,
        )
        self.bucket_name = bucket.name
        self.arn = bucket.arn

    def grant_journal(self, role: ServiceRole) -> None:
        """Lets ``role`` read and write the journals."""
        self._grant(role, "Journal", ["s3:GetObject", "s3:PutObject"], "journal/*")

    def grant_lock(self, role: ServiceRole) -> None:
        """Lets ``role`` take, read and release the environment's lock."""
        actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        self._grant(role, "Lock", actions, "lock.json")

    def grant_read_lock(self, role: ServiceRole) -> None:
        """Lets ``role`` see who holds the environment's lock."""
        self._grant(role, "ReadLock", ["s3:GetObject"], "lock.json")

    def grant_read(self, role: ServiceRole, folder: str) -> None:
        """Lets ``role`` read what is in ``folder``, such as ``pause``."""
        self._grant(role, f"Read{folder.title()}", ["s3:GetObject"], f"{folder}/*")

    def grant_write(self, role: ServiceRole, folder: str) -> None:
        """Lets ``role`` write what it leaves behind in ``folder``, such as ``validation``."""
        self._grant(role, f"Write{folder.title()}", ["s3:PutObject"], f"{folder}/*")

    def _grant(self, role: ServiceRole, id: str, actions: list[str], objects: str) -> None:
        role.grant(id, actions=actions, resources=[f"{self.arn}/{objects}"])
        # Without it S3 answers 403 where an object does not exist, and a missing lock or journal
        # could not be told from a forbidden one (S3 API reference, GetObject).
        if role.node.try_find_child("ListCheckpoints") is None:
            role.grant("ListCheckpoints", actions=["s3:ListBucket"], resources=[self.arn])
        self._key.grant_use(role)
