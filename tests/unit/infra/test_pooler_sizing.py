"""Pools never ask a database for more than it admits, whatever the settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.pooler.sizing import (
    MEMORY_GIB,
    SURGE,
    admitted_by_capacity,
    admitted_by_class,
    deployment_maximum_percent,
    pool_sizes,
)
from lib.settings import Settings


@pytest.mark.parametrize(
    ("instance_class", "connections"),
    [
        # 16 and 32 GiB / 9531392 bytes; from 64 GiB on the cap of 5000.
        ("db.r6g.large", 1802),
        ("db.r7g.xlarge", 3604),
        ("db.r6g.2xlarge", 5000),
        ("db.r7g.16xlarge", 5000),
    ],
)
def test_a_class_admits_by_its_memory(instance_class: str, connections: int) -> None:
    assert admitted_by_class(instance_class) == connections


def test_a_larger_class_never_admits_less() -> None:
    admitted = [admitted_by_class(name) for name in sorted(MEMORY_GIB, key=MEMORY_GIB.__getitem__)]

    assert admitted == sorted(admitted)


def test_an_unknown_class_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'db\.x9\.huge': .*use one of db\.r6g\.large, "):
        admitted_by_class("db.x9.huge")


@pytest.mark.parametrize(
    ("minimum", "maximum", "connections"),
    # 2 GiB an ACU; a minimum of 0.5 caps at 2000, 1 does not.
    [(0.5, 1, 225), (0.5, 128, 2000), (1, 16, 3604), (1, 128, 5000)],
)
def test_capacity_admits_by_its_maximum_unless_the_minimum_is_low(
    minimum: float, maximum: float, connections: int
) -> None:
    assert admitted_by_capacity(minimum, maximum) == connections


admitted_connections = st.integers(1, 5000)
poolers = st.integers(1, 20)
pools = st.integers(1, 12)
memory = st.sampled_from([512, 1024, 2048, 30720])


@given(admitted_connections, poolers, pools, memory)
def test_all_poolers_together_leave_room_even_while_one_more_runs(
    admitted: int, count: int, each: int, memory_mb: int
) -> None:
    try:
        sizes = pool_sizes(admitted=admitted, poolers=count, pools=each, memory_mb=memory_mb)
    except ValueError:
        return

    assert (count + SURGE) * sizes.max_db_connections <= admitted * 6 // 10
    assert each * sizes.default_pool_size <= sizes.max_db_connections
    assert sizes.default_pool_size >= 1


@given(poolers)
def test_a_deployment_adds_just_as_many_as_the_pools_leave_room_for(count: int) -> None:
    assert count * deployment_maximum_percent(count) // 100 == count + SURGE


@given(admitted_connections, poolers, pools)
def test_what_is_refused_is_too_little_and_what_it_asks_for_is_enough(
    admitted: int, count: int, each: int
) -> None:
    try:
        pool_sizes(admitted=admitted, poolers=count, pools=each, memory_mb=1024)
    except ValueError as error:
        least = int(str(error).rpartition("at least ")[2].split()[0])
        assert admitted < least
        assert pool_sizes(admitted=least, poolers=count, pools=each, memory_mb=1024)


def test_the_lesser_of_both_databases_counts() -> None:
    assert Settings().admitted_connections == 100
    large = Settings(source_max_connections=4000)
    assert large.admitted_connections == admitted_by_class(large.aurora_instance_class)
    serverless = Settings(
        source_max_connections=4000,
        aurora_serverless_min_acu=0.5,
        aurora_serverless_max_acu=2.0,
    )
    assert serverless.admitted_connections == admitted_by_capacity(0.5, 2.0)
