"""The ledger: what was written is read, and who wrote when is told from times alone."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.ledger import Ledger
from rehearsal.record import Side
from tests.support.ledgers import Told, ledger_of, written

_SIDES: tuple[Side, ...] = ("source", "target")


@st.composite
def histories(draw: st.DrawFn) -> tuple[Told, ...]:
    """Up to six writes at small whole times, so that many touch and overlap."""
    tolds = []
    for _ in range(draw(st.integers(0, 6))):
        began = draw(st.integers(0, 12))
        ended = began + draw(st.integers(1, 5))
        tolds.append(Told(began, ended, draw(st.sampled_from(_SIDES))))
    return tuple(tolds)


def fewest_changes(told: tuple[Told, ...]) -> int:
    """By trying all: the fewest changes of side in any order of commits that the times allow."""
    moments = [[one.began + 0.5 + n for n in range(int(one.ended - one.began))] for one in told]
    fewest = len(told)
    for chosen in product(*moments):
        # Those of one moment come in the order that is best: one side after the other.
        best: dict[Side | None, int] = {None: 0}
        for at in sorted(set(chosen)):
            here = {one.side for one, moment in zip(told, chosen, strict=True) if moment == at}
            best = _cheapest(best, here)
        fewest = min(fewest, *best.values())
    return fewest


def _cheapest(best: dict[Side | None, int], here: set[Side]) -> dict[Side | None, int]:
    ends: dict[Side | None, int] = {}
    for last, changes in best.items():
        orders = [tuple(here)] if len(here) == 1 else [_SIDES, _SIDES[::-1]]
        for order in orders:
            path = [side for side in (last, *order) if side]
            cost = changes + sum(one != other for one, other in pairwise(path))
            ends[order[-1]] = min(cost, ends.get(order[-1], cost))
    return ends


@settings(max_examples=150, deadline=None)
@given(histories())
def test_overlaps_say_what_is_certain_and_all_of_it(told: tuple[Told, ...]) -> None:
    assert len(ledger_of(*told).overlaps(moves=0)) == min(fewest_changes(told), 5)


def test_a_cutover_is_one_move_and_its_way_back_another() -> None:
    there = (Told(0, 1, "source"), Told(2, 3, "target"))
    back = (*there, Told(4, 5, "source"))

    assert ledger_of(*there).overlaps(moves=1) == []
    assert ledger_of(*back).overlaps(moves=2) == []
    (sentence,) = ledger_of(*back).overlaps(moves=1)
    assert sentence == (
        "the source acknowledged request 2 at 5.000 s, begun after the target acknowledged "
        "request 1 at 3.000 s: change 2 of the database that takes writes, 1 may be"
    )


def test_a_write_that_began_before_the_other_was_acknowledged_proves_nothing() -> None:
    told = (Told(0, 1, "source"), Told(0.5, 2, "target"), Told(1.5, 3, "source"))

    assert ledger_of(*told).overlaps(moves=0) != []
    assert ledger_of(*told).overlaps(moves=1) == []


def test_stretches_end_where_nothing_is_acknowledged_for_half_a_second() -> None:
    told = [Told(at / 10, at / 10 + 0.05, "source") for at in range(10)]
    told += [Told(3, 3.25, "source"), Told(0.5, 3.5, "target")]

    stretches = ledger_of(*told).writing(began=-1)

    assert [(s.side, round(s.began, 2), round(s.ended, 2), s.writes) for s in stretches] == [
        ("source", 1.05, 1.95, 10),
        ("source", 4.25, 4.25, 1),
        ("target", 4.5, 4.5, 1),
    ]


def test_latency_is_counted_from_the_first_attempt() -> None:
    ledger = ledger_of(*(Told(0, (n + 1) / 1000, "source") for n in range(101)))

    assert ledger.longest_ms() == pytest.approx(101)
    assert ledger.requests_per_second() == pytest.approx(101 / 0.101)


def test_usual_are_the_requests_that_did_not_wait_with_the_longest() -> None:
    before = [Told(n, n + n / 1000, "source") for n in range(100)]
    held = [Told(100 + n / 100, 102 + n / 100, "target") for n in range(30)]
    ledger = ledger_of(*before, *held, Told(99.9, 102.5, "target"), Told(103, 103.005, "target"))

    assert ledger.longest_ms() == pytest.approx(2600)
    assert ledger.usual_p99_ms() == pytest.approx(98)


def test_an_empty_ledger_has_no_figures(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    file.touch()
    ledger = Ledger.read(file)

    assert ledger.longest_ms() is None
    assert ledger.usual_p99_ms() is None
    assert ledger.requests_per_second() == 0
    assert ledger.overlaps() == []
    assert ledger.writing(0) == []


def test_outcomes_are_read_as_they_were_written(tmp_path: Path) -> None:
    written(tmp_path / "ledger").close()

    done, refused, doubted, open_ = Ledger.read(tmp_path / "ledger").requests

    assert done.acknowledgement is not None
    assert (done.acknowledgement.side, done.acknowledgement.given) == ("source", [{"id": "1"}])
    assert not done.may_be_there
    assert refused.refused == "42501 permission denied"
    assert not refused.may_be_there
    assert doubted.is_unknown
    assert doubted.doubts == ("hung up",)
    assert open_.is_unknown
    assert open_.may_be_there
    assert open_.rows[0].key == ("four",)


@given(st.data())
@settings(max_examples=50)
def test_a_ledger_cut_off_anywhere_is_read_to_its_last_whole_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("ledger") / "ledger"
    written(file).close()
    whole = file.read_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    file.write_bytes(cut)

    assert len(Ledger.read(file).requests) == cut.count(b"\n") - sum(
        line.startswith((b'{"ack', b'{"ref', b'{"unk')) for line in cut.split(b"\n")[:-1]
    )


def test_other_writers_ledgers_are_read_with_it(tmp_path: Path) -> None:
    for name in ("ledger", "second-writer"):
        written(tmp_path / name).close()

    ledger = Ledger.read(tmp_path / "ledger", tmp_path / "second-writer")

    assert len(ledger.requests) == 8
    assert ledger.requests[4].label.startswith("second-writer request 1")
    assert ledger.failures() == {"42501 permission denied": 2}
