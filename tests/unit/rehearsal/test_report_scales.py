"""Where things are on a chart, and how figures are written."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.report.axis import HEIGHT, WIDTH, Decades, Linear, Time
from rehearsal.report.figures import counted, milliseconds, moment, seconds, words
from rehearsal.report.marks import GAP, clusters, spread
from rehearsal.report.thinning import thinned
from rehearsal.report.writers import handovers, overlaps

shares = st.lists(st.floats(0, 1), max_size=11).map(sorted)
lengths = st.floats(0.001, 1e6)
spans = st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\u2014"), (0.0, "0 s"), (0.42, "420 ms"), (1.2, "1.20 s"), (42.06, "42.1 s"),
     (119.97, "2 min"), (125.0, "2 min 5 s"), (3_600.0, "1 h"), (4_264.0, "1 h 11 min"),
     (200_000.0, "2 d 8 h")],
)  # fmt: skip
def test_seconds_are_written_as_people_say_them(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_other_figures() -> None:
    assert [milliseconds(v) for v in (None, 0.84, 42.4, 1_268.0)] == [
        "\u2014", "0.8 ms", "42 ms", "1.27 s",
    ]  # fmt: skip
    assert [moment(v) for v in (31.24, 125.25)] == ["31.2 s", "2:05.2"]
    assert [counted(1, "write"), counted(1_200, "write")] == ["1 write", "1,200 writes"]
    assert [words(w) for w in ("ShiftTraffic", "Rollback", "before:fence")] == [
        "Shift traffic", "Rollback", "before:fence",
    ]  # fmt: skip


@given(st.floats(0, 1e9))
def test_every_length_of_time_can_be_written(value: float) -> None:
    assert seconds(value)
    assert moment(value)


@given(lengths, st.integers(3, 12))
def test_an_axis_has_some_round_moments_and_not_too_many(length: float, most: int) -> None:
    time = Time(0.0, length)
    ticks = time.ticks(most)
    assert 1 <= len(ticks) <= most + 1
    assert all(0 <= tick <= length * 1.001 for tick in ticks)


@given(lengths, lengths, lengths)
def test_a_time_axis_keeps_the_order(length: float, one: float, other: float) -> None:
    time = Time(0.0, length)
    early, late = sorted((one, other))
    assert 0 <= time.x(early) <= time.x(late) <= WIDTH


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_scale_holds_its_highest_value_and_is_not_much_higher(
    highest: float, value: float
) -> None:
    scale = Linear.over(highest, 1)
    assert max(highest, 1) <= scale.top * 1.001
    assert scale.top <= 2 * max(highest, 1)
    assert 0 <= scale.y(value) <= HEIGHT


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_decades_hold_what_they_are_made_for(one: float, other: float) -> None:
    least, most = sorted((one, other))
    scale = Decades.over(least, most)
    assert 10.0**scale.lowest <= max(least, 0.1) * 1.001
    assert most <= 10.0**scale.highest * 1.001
    assert 2 <= len(scale.ticks()) <= 6
    assert 0 <= scale.y(most) <= scale.y(least) <= HEIGHT


@given(shares)
def test_spread_labels_do_not_cover_each_other(wanted: list[float]) -> None:
    places = spread(wanted)
    assert all(b - a >= GAP - 1e-9 for a, b in pairwise(places))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)


@given(shares)
def test_labels_with_room_stay_where_they_belong(wanted: list[float]) -> None:
    if all(b - a >= GAP for a, b in pairwise(wanted)):
        assert spread(wanted) == pytest.approx(wanted)


def test_labels_too_close_move_apart_round_their_middle() -> None:
    assert spread([0.5, 0.5]) == pytest.approx([0.45, 0.55])
    assert spread([0.2, 0.99, 1.0]) == pytest.approx([0.2, 0.9, 1.0])


def test_too_many_labels_are_set_evenly() -> None:
    assert spread([0.5] * 21) == pytest.approx([i / 20 for i in range(21)])


@given(st.lists(st.floats(0, 1), max_size=80).map(sorted))
def test_clusters_hold_everything_once_and_can_be_spread(wanted: list[float]) -> None:
    found = clusters(wanted)
    assert [i for cluster in found for i in cluster.members] == list(range(len(wanted)))
    places = spread([cluster.at for cluster in found])
    assert all(b - a >= GAP - 1e-9 for a, b in pairwise(places))


def sample(at: float, **values: Any) -> dict[str, Any]:
    return {
        "at": at, "sent_rate": 1.0, "acknowledged_rate": 1.0, "failed": 0, "p50_ms": None,
        "p99_ms": None, "max_ms": None, "lag_seconds": None, "aws_percent": 0.0,
        "source_writes": 0, "target_writes": 0,
    } | values  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.floats(0, 1e4)), max_size=60),
       st.integers(1, 20))  # fmt: skip
def test_thinning_loses_no_failure_and_no_spike(
    given_ones: list[tuple[int, float | None]], columns: int
) -> None:
    samples = [sample(n, failed=f, max_ms=m) for n, (f, m) in enumerate(given_ones)]
    thin = thinned(samples, columns)
    assert len(thin) <= columns
    assert sum(t["failed"] or 0 for t in thin) == sum(f for f, _ in given_ones)
    spikes = [m for _, m in given_ones if m is not None]
    assert max((t["max_ms"] for t in thin if t["max_ms"] is not None), default=None) == max(
        spikes, default=None
    )


def test_a_figure_that_is_not_finite_is_unknown() -> None:
    assert thinned([sample(1, max_ms=float("inf"))])[0]["max_ms"] is None


def writing(side: str, began: float, ended: float) -> dict[str, Any]:
    return {"side": side, "began": began, "ended": ended, "writes": 1}


def test_between_two_writers_nobody_writes() -> None:
    spans = [writing("target", 5, 8), writing("source", 0, 4), writing("source", 9, 10)]
    assert handovers(spans) == [(4, 5), (8, 9)]
    assert overlaps(spans) == []


def test_two_writers_at_one_time_are_found() -> None:
    spans = [writing("source", 0, 6), writing("source", 7, 9), writing("target", 5, 8)]
    assert overlaps(spans) == [(5, 6), (7, 8)]
    assert handovers(spans) == []


@given(st.lists(st.tuples(st.sampled_from(["source", "target"]), spans), max_size=8))
def test_where_nobody_writes_never_both_do(given_ones: list[tuple[str, list[float]]]) -> None:
    found = [writing(side, began, ended) for side, (began, ended) in given_ones]
    both = overlaps(found)
    for began, ended in handovers(found):
        assert not any(b < (began + ended) / 2 < e for b, e in both)
