"""What every construct of one environment in one region shares."""

from __future__ import annotations

from dataclasses import dataclass

from constructs import Construct

from lib.account import Account
from lib.naming import Naming
from lib.settings import Settings
from lib.storage.encryption_key import EncryptionKey


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment in one region: its names, its settings, where it is and its key.

    The region is ``account.region``: a replica's is not ``settings.aws_region``.
    """

    naming: Naming
    settings: Settings
    account: Account
    key: EncryptionKey

    @classmethod
    def make(
        cls,
        scope: Construct,
        settings: Settings,
        *,
        region: str | None = None,
        key_required: bool = False,
    ) -> Environment:
        """Makes the account and the key in ``scope``.

        ``region``: None for that of the settings. ``key_required``: True makes a key of this
        account whatever the settings choose.
        """
        naming = Naming(settings.environment_suffix)
        account = Account(scope, "Account", region=region or settings.aws_region)
        key = EncryptionKey(
            scope,
            "Key",
            naming=naming,
            account=account,
            settings=settings,
            required=key_required,
        )
        return cls(naming=naming, settings=settings, account=account, key=key)
