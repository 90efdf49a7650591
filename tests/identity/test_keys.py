"""Settings that are called in a file as a method of their class is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rnnbench.experiment.expansion import every_point
from rnnbench.identity.signature import Joined, keys, signed_values
from rnnbench.tasks.copy_memory import CopyMemory


class Cut(CopyMemory):
    split_by: Annotated[tuple[float, ...] | str, Joined(earlier="all")] = Field("all", alias="split")


def test_the_key_of_a_setting_is_its_alias():
    assert "split" in keys(Cut)
    assert "split_by" not in keys(Cut)
    assert set(keys(CopyMemory)) == set(CopyMemory.model_fields)


def test_dumps_and_signatures_have_the_key_and_both_names_are_read():
    task = Cut(lag=3, split=(0.5, 0.5))
    assert task == Cut(lag=3, split_by=(0.5, 0.5)) == task.at_lag(5).at_lag(3)
    assert task.model_dump(mode="json")["split"] == signed_values(task)["split"] == [0.5, 0.5]
    assert "split" not in signed_values(Cut(lag=3))
    assert callable(task.split)


def test_a_list_is_one_value_of_such_a_setting_and_a_list_of_lists_an_axis():
    def points(value):
        given = {"lag": (2, ("lag",)), "split": (value, ("split",))}
        return [task.split_by for task, _ in every_point(Cut, given, ())]

    assert points([0.5, 0.5]) == [(0.5, 0.5)]
    assert points([[0.5, 0.5], [0.25, 0.75]]) == [(0.5, 0.5), (0.25, 0.75)]
