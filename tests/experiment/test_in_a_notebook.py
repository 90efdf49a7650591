"""What a notebook shows of an experiment: its question, its size, and the settings that were given."""

from __future__ import annotations

import re

from tests.event_streams import experiment


def test_an_experiment_shows_what_it_asks() -> None:
    html = experiment()._repr_html_()
    assert "<b>carry</b> How far is a symbol carried? 4 runs." in html
    rows = [re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)][1:]
    assert rows == [
        ["task", "copy", "task: copy_memory, lag: [5, 10], symbols: 1"],
        ["model", "simple_rnn", "units: 8"],
        ["model", "lstm", "units: 4, learning_rate: 0.01"],
        ["seeds", "", "[0]"],
        ["training", "", "steps: 20, evaluate_every: 10"],
    ]


def test_grids_side_by_side_have_a_row_each_and_null_is_null() -> None:
    grids = [{"task": "copy_memory", "lag": 5}, {"task": "copy_memory", "lag": 10, "filler": "zeros"}]
    html = experiment(tasks={"<copy>": grids}, training={"global_clipnorm": None})._repr_html_()
    assert html.count("&lt;copy&gt;") == 2
    assert "filler: zeros" in html
    assert "global_clipnorm: null" in html


def test_what_models_cannot_do_is_counted() -> None:
    skipping = experiment(models={"lstm": {}, "transformer": {"units": 8}})
    expected = f"{len(skipping.runs)} runs" + (
        f", and {len(skipping.skipped)} that their models cannot do" if skipping.skipped else ""
    )
    assert expected in skipping._repr_html_()
