"""libpq's sslmode as an SSL context.

https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
"""

from __future__ import annotations

import ssl

from migration.postgres import default_tls
from scripts.validate.dsn import Dsn
from scripts.validate.errors import CouldNotRun


def context(dsn: Dsn) -> ssl.SSLContext | None:
    """None for ``disable``. ``prefer`` and ``require`` encrypt and trust anyone; as in libpq,
    ``require`` with a ``sslrootcert`` checks as ``verify-ca`` does. Without ``sslrootcert`` the
    verifying modes trust what the validator in AWS does (``migration.postgres.default_tls``).

    Raises CouldNotRun for a ``sslrootcert`` that cannot be used, or (as in libpq) for ``system``
    with a weaker mode than ``verify-full``.
    """
    if dsn.sslmode == "disable":
        return None
    verified = dsn.sslmode.startswith("verify") or (dsn.sslmode == "require" and dsn.sslrootcert)
    if dsn.sslrootcert == "system" and dsn.sslmode != "verify-full":
        # Anybody can have a certificate of a public authority for some name.
        raise CouldNotRun("sslrootcert=system needs sslmode=verify-full.")
    made = _trusting(dsn.sslrootcert)
    made.check_hostname = dsn.sslmode == "verify-full"
    made.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    return made


def _trusting(certificates: str | None) -> ssl.SSLContext:
    if certificates is None:
        return default_tls()
    if certificates == "system":
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=certificates)
    except OSError:
        raise CouldNotRun(
            f"sslrootcert {certificates} cannot be used: give a file of certificates (PEM), or "
            "'system' for those of the operating system."
        ) from None
