"""Where the hosts that the synthesized JSON declares are on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migration.postgres import Credentials


@dataclass(frozen=True)
class Places:
    """``source`` and ``target``: host:port of the databases. ``poolers``: the address of each
    pooler's task; all of them listen on ``pooler_port``.

    The logins are what the secrets hold: of the migration's user in each database, of the poolers'
    console, and of the application's roles (role → password).
    """

    source: str
    target: str
    source_login: Credentials
    target_login: Credentials
    poolers: tuple[str, ...]
    pooler_port: int
    pooler_login: Credentials
    application: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """Variables of the functions that name these places, instead of the declared ones."""
        return {
            "SOURCE_ENDPOINT": self.source,
            "TARGET_ENDPOINT": self.target,
            "POOLER_PORT": str(self.pooler_port),
        }
