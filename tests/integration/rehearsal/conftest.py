"""What tests of whole rehearsals share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.rehearsing import Rehearsing, rehearsing


@pytest.fixture(scope="module")
def rehearse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsing]:
    """Not for the session: as long as the site stands, boto3 of this process reaches its AWS."""
    with rehearsing(tmp_path_factory.mktemp("rehearsals")) as site:
        yield site
