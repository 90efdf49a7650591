"""Tasks and models in words."""

from __future__ import annotations

from rnnbench.report.glossary import models_table, of_task


def test_a_task_is_told_by_the_class_behind_its_label() -> None:
    asked = "Repeat 3 symbols, which stood first, after lag steps of blanks or noise."
    assert of_task("hard", {"hard": {"task": "copy_memory", "symbols": 3, "lag": [5, 10]}}) == asked
    assert of_task("hard", {"hard": {"task": "copy_memory", "symbols": 1}}) == asked.replace("3 symbols", "1 symbol")
    assert of_task("copy_memory", {}).startswith("Repeat symbols symbols")
    assert of_task("of_a_plug_in", {}) == ""


def test_models_are_told_with_what_is_not_their_default() -> None:
    table = models_table(
        {
            "lstm": {"model": "lstm", "units": 64, "initialization": "default", "training": {"steps": 5}},
            "slow": {"model": "gru", "units": 8, "initialization": "chrono", "chrono_max": 200},
            "mine": {"model": "of_a_plug_in", "units": 8},
        }
    )
    assert table is not None
    assert [[cell[0].partition(",")[0] for cell in row[:2]] for row in table.rows] == [
        ["lstm", "Long short-term memory"], ["slow", "Gated recurrent unit"], ["mine", "of_a_plug_in"],
    ]  # fmt: skip
    assert [row[2][0] for row in table.rows] == ["all by default", "units 8, initialization chrono, chrono_max 200", ""]
    assert models_table({}) is None
