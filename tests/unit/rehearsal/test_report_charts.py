"""What the charts draw, and where."""

from __future__ import annotations

import re

import pytest

from rehearsal.report.axis import Linear, Time
from rehearsal.report.charts import Charts
from rehearsal.report.plot import area, bars, line, steps
from rehearsal.report.strip import backdrop, moments, strip
from tests.support import rehearsed

AXIS = Time(0.0, 10.0)
TEN = Linear(10.0)
PHASES = [
    {"name": "Prepare", "began": 0.0, "ended": 5.0},
    {"name": "CutOver", "began": 5.0, "ended": 6.0},
    {"name": "Rollback", "began": 6.0, "ended": 10.0},
]
FAULTS = [
    {"fault": "kill after:fence", "at": 5.5, "what": ""},
    {"fault": "abort enter:Bake", "at": 5.6, "what": ""},
    {"fault": "kill after:fence", "at": 9.0, "what": ""},
]


def test_phases_and_faults_are_behind_every_chart() -> None:
    drawn = backdrop(PHASES, FAULTS, AXIS)

    bands = re.findall(r'<rect x="([\d.]+)" width="([\d.]+)" .*?class="band ([\w-]+)"', drawn)
    assert bands == [
        ("0.0", "500.0", "even"), ("500.0", "100.0", "cut-over"), ("600.0", "400.0", "rollback"),
    ]  # fmt: skip
    struck = re.findall(r'd="M([\d.]+) 0.0V100" class="struck"', drawn)
    assert struck == ["550.0", "560.0", "900.0"]
    report = rehearsed.failed().to_json()
    charts = Charts(report, Time(0.0, report["seconds"])).all()
    assert len(charts) == 6
    assert all('<use href="#backdrop">' in chart for chart in charts)


def test_neighbouring_faults_share_a_mark() -> None:
    drawn = strip(PHASES, FAULTS, AXIS)

    assert re.findall(r'class="chip fault" style="left:([\d.]+)%".*?>(\S+?)</span>', drawn) == [
        ("55.500", "A+"), ("90.000", "A"),
    ]  # fmt: skip
    assert "5.6 s abort enter:Bake" in drawn


def test_moments_end_where_there_is_room() -> None:
    assert ">10 s<" in moments(AXIS)
    assert ">10 s<" not in moments(AXIS, until=0.95)
    assert ">2:00<" in moments(Time(0.0, 600.0))


def test_a_line_is_broken_where_the_value_is_unknown() -> None:
    points = [(0.0, 0.0), (1.0, 10.0), (2.0, None), (3.0, 5.0), (4.0, 5.0)]

    assert 'd="M0.0 100.0L100.0 0.0M300.0 50.0L400.0 50.0"' in line(points, AXIS, TEN, "x")
    assert 'd="M0.0 100.0L0.0 100.0L100.0 0.0L100.0 100.0Z' in area(points, AXIS, TEN, "x")


def test_a_value_alone_is_a_dot() -> None:
    drawn = line([(1.0, 10.0), (2.0, None), (3.0, 5.0)], AXIS, TEN, "x")

    assert '<path d="M100.0 0.0h.01M300.0 50.0h.01" class="line dots x">' in drawn


def test_bars_stand_where_there_is_something() -> None:
    assert 'd="M100.0 100.0V50.0"' in bars([(0.0, 0.0), (1.0, 5.0), (2.0, None)], AXIS, TEN, "x")


def test_a_weight_holds_until_the_next() -> None:
    assert list(steps([(0.0, 0.0), (1.0, 5.0)])) == [(0.0, 0.0), (1.0, 0.0), (1.0, 5.0)]


@pytest.mark.parametrize(
    ("title", "say"),
    [
        ("Requests a second", "typically 240 acknowledged; fewest 48 at 37.5 s"),
        ("Latency", "longest 1.31 s at 38.5 s"),
        ("Errors", "78 requests failed, from 36.8 s to 39.8 s"),
        ("Who accepted writes", "both databases took writes, for 1.24 s from 37.7 s"),
        ("Replication lag, seconds", "at most 4.25 s, at 4.0 s; 60 ms at the end"),
        ("API traffic to the application in AWS, percent",
         "5 % at 21.8 s, 25 % at 25.5 s, 50 % at 29.0 s, 100 % at 32.8 s"),
    ],
)  # fmt: skip
def test_a_chart_says_what_is_to_be_seen_in_it(title: str, say: str) -> None:
    report = rehearsed.failed().to_json()
    charts = Charts(report, Time(0.0, report["seconds"])).all()

    chart = next(c for c in charts if f"<b>{title}</b>" in c)
    assert say in chart
    assert f'aria-label="{title}: ' in chart
