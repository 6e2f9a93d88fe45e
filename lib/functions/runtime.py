"""What the functions run on."""

from __future__ import annotations

RUNTIME = "python3.12"
ARCHITECTURE = "arm64"
