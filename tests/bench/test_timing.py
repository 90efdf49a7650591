"""Turns are shared out fairly, and whoever fails or computes something else is told apart."""

import pytest

from rnnbench.bench.problem import Problem
from rnnbench.bench.process import PeerError
from rnnbench.bench.timing import Entrant, measure, timetable


class FakeProcess:
    """Answers as a peer's process does, of which every step takes `step` seconds; keeps what it was asked."""

    def __init__(self, step, loss=2.0, fails_at="", log=None, name=""):
        self.step, self.loss, self.fails_at, self.name = step, loss, fails_at, name
        self.log = log if log is not None else []

    def ask(self, do, problem, **options):
        self.log.append((self.name, do, options.get("steps")))
        if do == self.fails_at:
            raise PeerError("out of memory")
        if do == "prepare":
            return {"seconds": 3.0, "loss": self.loss, "steps_per_call": 1}
        return {"seconds": self.step * options["steps"]} if do == "run" else {}


def entrants(**processes):
    return {name: Entrant(process, Problem("lstm", 4, 10, 8)) for name, process in processes.items()}


def test_every_round_begins_with_another_one():
    table = timetable({"a": 0.25, "b": 0.25, "c": 0.25}, budget=3)
    assert len(table) == 4
    assert table[:3] == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]


def test_the_slow_take_part_in_fewer_rounds_evenly_spread():
    table = timetable({"quick": 0.25, "slow": 4.0}, budget=10)
    assert len(table) == 8
    assert [number for number, names in enumerate(table) if "slow" in names] == [0, 4, 7]
    assert all("quick" in names for names in table)


def test_even_without_time_there_are_three_rounds_and_never_more_than_forty():
    assert len(timetable({"a": 1.0}, budget=0)) == 3
    assert len(timetable({"a": 0.25}, budget=1e6)) == 40
    assert timetable({}, budget=10) == []


def test_a_turn_lasts_a_quarter_of_a_second_or_one_step():
    found = entrants(quick=FakeProcess(0.01), slow=FakeProcess(2.0))
    measure(found, budget=0)
    assert found["quick"].steps == 25
    assert found["slow"].steps == 1
    assert found["quick"].rounds == pytest.approx({0: 0.01, 1: 0.01, 2: 0.01})
    assert found["quick"].first == 3.0


def test_all_are_prepared_before_the_first_turn_and_forgotten_after_the_last():
    log = []
    measure(entrants(a=FakeProcess(0.25, log=log, name="a"), b=FakeProcess(0.25, log=log, name="b")), budget=0)
    assert [(name, do) for name, do, _ in log] == [
        ("a", "prepare"), ("a", "run"), ("b", "prepare"), ("b", "run"),
        ("a", "run"), ("b", "run"), ("b", "run"), ("a", "run"), ("a", "run"), ("b", "run"),
        ("a", "close"), ("b", "close"),
    ]  # fmt: skip


@pytest.mark.parametrize("when", ["prepare", "run"])
def test_who_fails_is_left_out_and_the_others_go_on(when):
    found = entrants(a=FakeProcess(0.25), b=FakeProcess(0.25, fails_at=when))
    measure(found, budget=0)
    assert found["b"].failure == "out of memory"
    assert found["b"].rounds == {}
    assert len(found["a"].rounds) == 3


def test_another_loss_is_another_computation():
    found = entrants(stock=FakeProcess(0.25), near=FakeProcess(0.25, 2.0001), far=FakeProcess(0.25, 2.1),
                     floor=FakeProcess(0.25, None), broken=FakeProcess(0.25, float("nan")))  # fmt: skip
    measure(found, budget=0, reference="stock")
    assert {name: entrant.failure for name, entrant in found.items()} == {
        "stock": "",
        "near": "",
        "far": "computes something else: loss 2.10000 instead of 2.00000",
        "floor": "",
        "broken": "computes something else: loss nan instead of 2.00000",
    }
    assert found["far"].rounds == {}
