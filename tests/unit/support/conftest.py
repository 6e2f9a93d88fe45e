"""An account in which the fills are installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from rehearsal.aws.fills import install_all


@pytest.fixture
def account() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
        patch.setenv(name, value)
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    install_all(patch)
    with mock_aws():
        yield
    patch.undo()
