"""What a rehearsal is made on: its databases and poolers, and where they differ from AWS's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from lib.settings_loader import load_settings
from rehearsal import pgbouncer, synthesis
from rehearsal.options import ENVIRONMENT
from rehearsal.pooler_service import ADDRESSES
from rehearsal.postgres_binaries import SOURCE, TARGET
from rehearsal.record import Side
from rehearsal.site import DATABASE, Site, Stage
from rehearsal.synthesized import Synthesized
from rehearsal.tidy import Scratch
from rehearsal.waiting import until

pytestmark = pytest.mark.integration

_SIDES: dict[Side, int] = {"source": SOURCE, "target": TARGET}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    settings = load_settings({"ENVIRONMENT": ENVIRONMENT})
    synthesized = Synthesized.read(synthesis.fresh(ENVIRONMENT))
    with Scratch() as scratch, Site(synthesized, settings, scratch) as made:
        yield made


@pytest.fixture(scope="module")
def stage(site: Site) -> Iterator[Stage]:
    with site.stage() as made:
        yield made


def test_the_databases_are_plain_postgresql_and_not_durable(site: Site, stage: Stage) -> None:
    for side, version in _SIDES.items():
        with closing(site.servers[side].connect(DATABASE)) as session:
            [[number, aurora, fsync]] = session.run(
                "select current_setting('server_version_num')::int / 10000, "
                "to_regproc('aurora_version')::text, current_setting('fsync')"
            )
        assert (number, aurora, fsync) == (version, None, "off")


def test_the_migrations_user_may_do_everything(site: Site, stage: Stage) -> None:
    places = stage.account.places
    for login in (places.source_login, places.target_login):
        with closing(site.servers["source"].connect(DATABASE)) as session:
            [[is_superuser]] = session.run(
                "select rolsuper from pg_roles where rolname = :name", name=login.username
            )
        assert is_superuser


def test_the_databases_show_a_certificate_of_their_own(site: Site, stage: Stage) -> None:
    own = f"sslmode=verify-full sslrootcert={site.scratch.folder / 'databases.crt'}"
    for side in _SIDES:
        with closing(psycopg2.connect(f"{site.reach(side)} {own}")) as session:
            assert session.info.ssl_in_use
        with pytest.raises(psycopg2.OperationalError, match="certificate verify failed"):
            psycopg2.connect(f"{site.reach(side)} sslmode=verify-full sslrootcert=system")


def test_the_databases_do_not_see_the_clock_jump(site: Site, stage: Stage) -> None:
    site.clock.skip(3600)
    with closing(site.servers["source"].connect(DATABASE)) as session:
        [[now]] = session.run("select now()")
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=10)
    assert site.clock.now() - now > timedelta(minutes=50)


def test_the_poolers_are_sized_as_the_task_definition_says(stage: Stage) -> None:
    sizes = {"DEFAULT_POOL_SIZE", "MAX_CLIENT_CONN", "MAX_DB_CONNECTIONS"}
    for endpoint in stage.poolers.endpoints:
        with closing(pgbouncer.connect(endpoint)) as console:
            found = {row[0].upper(): row[1] for row in console.run("show config")}
        assert {size: found[size] for size in sizes} == {
            size: stage.synthesized.pooler[size] for size in sizes
        }


def test_a_pooler_that_dies_is_replaced_at_its_address(stage: Stage) -> None:
    tasks = stage.account.pooler_tasks
    assert tasks.statuses == dict.fromkeys(ADDRESSES, "RUNNING")
    stage.poolers.kill_one()
    assert tasks.statuses[ADDRESSES[-1]] == "PROVISIONING"
    until(lambda: tasks.statuses == dict.fromkeys(ADDRESSES, "RUNNING"))
    assert stage.poolers.paused() == 0
    assert stage.poolers.endpoints[-1].startswith(f"{ADDRESSES[-1]}:")
