"""The certificate that a rehearsal's databases show and its functions trust."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from rehearsal.machine import MachineLacks
from scripts.system_packages import find


@dataclass(frozen=True)
class Certificate:
    """PEM files; the certificate signs itself, so who trusts it needs no other."""

    certificate: Path
    key: Path


def make(folder: Path) -> Certificate:
    """A new one for 127.0.0.1, good for two days.

    Raises:
        MachineLacks: openssl is missing.
    """
    openssl = find("openssl")
    if openssl is None:
        raise MachineLacks("openssl is missing: install it (apt, brew), or run `make` as root.")
    made = Certificate(folder / "databases.crt", folder / "databases.key")
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=rehearsal",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(made.key), "-out", str(made.certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return made
