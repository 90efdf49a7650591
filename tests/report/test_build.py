"""The report as a whole: what its files say, over results as awkward as a store may hold them."""

from __future__ import annotations

import base64
import csv
import gzip
import html
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rnnbench.analysis.concordance import by_protocol
from rnnbench.analysis.lag_curves import LAG_CURVE_COLUMNS
from rnnbench.analysis.results import COLUMNS, Results
from rnnbench.errors import UserError
from rnnbench.report.build import build, figures
from rnnbench.report.drawing.style import MANY_MODELS
from tests.report.fake_results import fake_results

FILLERS = ("blank", "distractor")
SETUPS = [f"uniform-lags-{filler}-filler" for filler in FILLERS]
EXPERIMENT = {
    "name": "lag",
    "tasks": {"copy_memory": {"lag": [5, 10], "symbols": 1}},
    "training": {"steps": 2000, "batch_size": 64},
}


def report(results: Results, out: Path, **changes: object) -> Path:
    usual = {"title": "lag", "description": "How far?", "provenance": {"versions": {"keras": "3.15.1"}}}
    return build(EXPERIMENT, results, out, **(usual | {"reproduce": ["rnnbench run lag.yaml"]} | changes))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = fake_results(lags=(5, 20), fillers=("blank", "distractor"), statuses={1: "diverged", 2: "failed"})
    return report(results, tmp_path_factory.mktemp("small"), planned=40).parent


def page(folder: Path) -> str:
    """The page without its scripts and packed data."""
    text = (folder / "report.html").read_text("utf-8")
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def specs(folder: Path) -> list[dict]:
    packed = re.search(r'id="panels">(.*?)</script>', (folder / "report.html").read_text("utf-8"))
    assert packed
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


def test_same_results_give_the_same_bytes(small, tmp_path):
    results = fake_results(lags=(5, 20), fillers=("blank", "distractor"), statuses={1: "diverged", 2: "failed"})
    again = report(results, tmp_path / "again", planned=40).parent
    names = sorted(path.relative_to(small) for path in small.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [name for name in names if (small / name).read_bytes() != (again / name).read_bytes()] == []


def test_page_is_self_contained_and_small(small):
    text = (small / "report.html").read_text("utf-8")
    assert len(text.encode()) < 1_000_000
    assert not re.search(r'src=|<link[^>]*href="(?!data:,)', page(small))
    assert "@import" not in text
    assert "url(http" not in text


def test_every_figure_is_a_panel_of_the_page_and_an_svg(small):
    names = sorted(path.stem for path in (small / "figures").glob("*.svg"))
    assert names == [
        "budget-copy_memory",
        "cost-copy_memory",
        *(f"curves-copy_memory-{setup}" for setup in SETUPS),
        *(f"gradients-copy_memory-{setup}" for setup in SETUPS),
        *(f"lag_curve-copy_memory-{setup}" for setup in SETUPS),
        "overview",
        "prediction-copy_memory",
        "score-copy_memory",
        *(f"solving-copy_memory-{setup}" for setup in SETUPS),
        "start_shift-copy_memory",
        "stream-copy_memory",
        "survival-copy_memory",
    ]
    for path in (small / "figures").glob("*.svg"):
        text = "".join(ElementTree.parse(path).getroot().itertext())
        assert path.stem == "stream-copy_memory" or all(model in text for model in ("simple_rnn", "lstm", "gru"))
        assert f"](figures/{path.name})" in (small / "report.md").read_text("utf-8")
    # Two fillers: a panel each of skill, survival beside it, score, budget and prediction; 3 models; leads at 2 lags;
    # gradient and what can be read at 2 lags x 2 phases; survival at 2 steps; curves and solving at 2 lags; cost.
    expected = 2 * (2 + 1 + 1 + 1 + 3 + 2 + 2 * 2 * 2 + 2 + 2 + 2) + 1 + 1  # and what a network reads
    assert len(specs(small)) == page(small).count('class="panel"') == expected


def test_every_seed_stands_in_the_score_figure(small):
    runs = pd.read_csv(small / "results.csv")
    spec = next(one for one in specs(small)[4:] if one["title"] == "uniform lags, blank filler")
    seeds = [layer["data"]["values"] for layer in spec["layer"] if ",seed," in layer["data"]["values"]]
    drawn = {(row["series"], row["lag"], row["seed"], row["run"]) for row in csv.DictReader(seeds[0].splitlines())}
    scored = runs[(runs["filler"] == "blank") & runs["score"].notna()]
    assert drawn == {(r.model, str(r.lag), str(r.seed), str(r.Index)) for r in scored.itertuples()}
    diverged = [row for text in seeds[1:] for row in csv.DictReader(text.splitlines())]
    told = [(row["series"], row["lag"], row["seed"], row["status"]) for row in diverged]
    assert told == [("simple_rnn", "5", "1", "diverged")]


def test_results_csv_is_exact(small):
    results = fake_results(lags=(5, 20), fillers=("blank", "distractor"), statuses={1: "diverged", 2: "failed"})
    with (small / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    told = {"training_lags": "uniform", "memoryless": "0.125", "reference": "1.0", "test_se": "0.01", "clock": "0.0"}
    assert {name: rows[0][name] for name in told} == told
    assert rows[0]["generalises_to"] == "10"
    assert len(rows) == len(results.runs) == 36
    assert float(rows[0]["score"]) == results.runs["score"][0]
    assert (rows[0]["lag"], rows[0]["steps"], rows[0]["solved"], rows[0]["status"]) == ("5", "2000", "True", "finished")
    assert (rows[1]["score"], rows[1]["solved"], rows[1]["status"]) == ("", "False", "diverged")
    assert (rows[2]["score"], rows[2]["solved"], rows[2]["steps"], rows[2]["status"]) == ("", "", "", "failed")


def test_manifest_holds_what_it_was_given_and_totals(small):
    manifest = json.loads((small / "manifest.json").read_text("utf-8"))
    assert manifest["experiment"] == EXPERIMENT
    assert manifest["provenance"] == {"versions": {"keras": "3.15.1"}}
    totals = {name: manifest["totals"][name] for name in ("planned", "runs", "finished", "diverged", "failed")}
    assert totals == {"planned": 40, "runs": 36, "finished": 34, "diverged": 1, "failed": 1}


def test_nothing_is_dropped_silently(small):
    for text in (page(small), (small / "report.md").read_text("utf-8")):
        assert "36 runs: 34 finished, 1 diverged, 1 failed. 4 planned runs have not been run." in text
        assert "1 failed" in text
        assert "ResourceExhaustedError" in text
        assert "loss is nan" in text
        assert "1/2 solved, 1 diverged, 1 failed" in text


def test_strings_of_others_are_escaped(tmp_path):
    hostile = "<script>alert(1)</script> | `x` \"q'"
    results = fake_results(lags=(5,), seeds=1, models=("lstm", hostile), statuses={1: "failed"})
    folder = report(results, tmp_path, title=hostile, description=hostile, reproduce=[hostile]).parent
    assert "<script>alert" not in (folder / "report.html").read_text("utf-8")
    table = (folder / "report.md").read_text("utf-8").split("```")[0]
    assert "<script>" not in table.replace("\\<script\\>", "")
    assert all(row.count(" | ") == 7 for row in table.splitlines() if row.startswith("| failed"))


def test_synthetic_is_said_wherever_it_is_named(tmp_path):
    folder = report(fake_results(tasks=("sentiment",), lags=(0, 20), seeds=2), tmp_path).parent
    titles = re.findall(r"<h[234][^>]*>(.*?)</h", page(folder))
    named = [title for title in titles if "sentiment" in title]
    assert len(named) >= 4
    assert all("sentiment (synthetic stand-in)" in title for title in named)
    assert "even 2 of 2 solved only shows a success rate above 0.16" in page(folder)


def test_answer_names_each_horizon(tmp_path):
    results = fake_results(lags=(5, 10), seeds=2)
    results.runs["solved"] = (results.runs["model"] == "gru") | (
        (results.runs["model"] == "lstm") & (results.runs["lag"] == 5)
    )
    text = page(report(results, tmp_path).parent)
    assert (
        "Memory horizons, uniform lags, blank filler: simple_rnn none: 5, 0 of 2; lstm 5, 2 of 2, then 10, 0 of 2; "
        "gru at least 10, 2 of 2.</li>\n<li>n = 2 seeds a point.</li>"
    ) in text
    assert (
        '<strong><bdi>copy_memory</bdi>.</strong> <span class="quiet">Repeat 1 symbol, which stood first, after '
        "lag steps of blanks or noise.</span> <p>Uniform lags, at most 2,000 steps, 2 seeds. Through blanks, gru "
        "reached lag 10, the longest, in all runs; lstm 5 in all runs, never 10 or more; simple_rnn no lag."
    ) in text
    cells = re.findall(r"<td[^>]*><bdi>(.*?)</bdi><small>([●○·]+)</small>", text)
    assert cells == [("–", "○○"), ("5", "●○"), ("≥ 10", "●●")]
    assert "by a clock" not in text
    assert "A clock:" not in text


def test_a_horizon_takes_one_line_among_many_models(tmp_path):
    models = [f"model_{number}" for number in range(MANY_MODELS + 1)]
    table = {}
    for shown in (models[1:], models):
        text = page(report(fake_results(models=shown, lags=(5, 10), seeds=2), tmp_path / str(len(shown))).parent)
        table[len(shown)] = text[text.index('<div class="tables">') : text.index("</table>")]
        assert ('<div class="first many">' in text) == (shown == models)
    few, many = table.values()
    assert "; the counts stand with each task. Lags 5 and 10, 2 seeds a point." in many
    assert ", with the seeds that solved it and the next lag. Lags 5 and 10, 2 seeds a point." in few
    assert few.count("<small>") == 2 * MANY_MODELS
    assert many.count("<small>") == MANY_MODELS + 1


def test_results_at_one_fixed_lag_are_marked_wherever_they_are_shown(tmp_path):
    results = fake_results(lags=(5, 20), seeds=2, training_lags=("fixed", "uniform"))
    folder = report(results, tmp_path).parent
    text = (folder / "report.md").read_text("utf-8")
    said = "At one fixed lag a clock passes too"
    shown = [line for line in text.splitlines() if line.startswith("*copy") and "one fixed lag" in line]
    assert shown
    assert all(said in line for line in shown if "learning curves" not in line)
    for figure in ("overview", "score", "budget", "start_shift", "prediction"):
        at = text.index(f"](figures/{figure}")
        assert said in text[at : text.index("\n\n", text.index("\n\n", at) + 2)]
    for caption in ("Memory horizon: the longest", "Accuracy on the test split", "Runs that solved the task"):
        line = next(line for line in text.splitlines() if line.startswith(caption))
        assert said in line
    assert "- **copy\\_memory.** One fixed lag, " in text
    assert "- **copy\\_memory.** Uniform lags, " in text


def test_a_clock_is_called_one_wherever_its_result_stands(tmp_path):
    results = fake_results(models=("simple_rnn", "gru"), lags=(5, 20), seeds=2, training_lags=("fixed",))
    folder = report(results, tmp_path).parent
    text = (folder / "report.md").read_text("utf-8")
    assert "A clock: simple\\_rnn through blanks at lag 20." in text
    assert "simple_rnn at least 20, 2 of 2, of these 2 by a clock" in text.replace("\\_", "_")
    assert "2/2 solved, 2 by a clock" in text
    assert "clock: 2 of 2" in text
    for name in ("overview", "score-copy_memory", "lag_curve-copy_memory-one-fixed-lag-blank-filler"):
        assert "clock" in (folder / "figures" / f"{name}.svg").read_text("utf-8")
    assert "clock" not in (folder / "figures" / "cost-copy_memory.svg").read_text("utf-8")


def test_the_score_without_the_marker_is_told_where_it_was_tested(tmp_path):
    results = fake_results(models=("lstm", "gru"), lags=(5,), seeds=2)
    tested = [
        {"signature": row["signature"], "step": 0, "metric": "no_marker/accuracy", "value": 0.2 + 0.1 * row["seed"]}
        for row in results.runs.to_dict("records")
        if row["model"] == "lstm"
    ]
    told = replace(results, history=pd.concat([results.history, pd.DataFrame(tested)], ignore_index=True))
    rows = table_after(report(told, tmp_path / "told").parent, "Accuracy where the marker is replaced")
    assert [row.split(" | ")[1] for row in rows[2:]] == ["0.250<br>with it 1.00 |", "–<br>with it 1.00 |"]
    assert "marker is replaced" not in page(report(results, tmp_path / "untold").parent)


def test_lag_curves_stand_beside_the_results(small):
    curves = pd.read_csv(small / "lag_curve.csv")
    assert list(curves) == LAG_CURVE_COLUMNS
    runs = pd.read_csv(small / "results.csv")
    finished = runs[runs["status"] == "finished"]
    assert set(curves["signature"]) == set(finished["signature"])
    own = curves[curves["lag"] == curves["test_lag"]].set_index("signature")["score"]
    assert own.to_dict() == pytest.approx(finished.set_index("signature")["score"].to_dict())


def test_a_task_that_asks_no_memory_of_these_data_is_told_so(tmp_path):
    results = fake_results(lags=(5, 10), seeds=2)
    results.runs["skill"], results.runs["solved"] = float("nan"), False
    text = page(report(results, tmp_path).parent)
    assert "These data ask no memory: the reference does not beat what needs none." in text
    assert "The reference does not beat the memoryless level on these data, so they ask no memory." in text


@pytest.mark.parametrize("name", ["score-copy_memory", "start_shift-copy_memory", f"curves-copy_memory-{SETUPS[0]}"])
def test_levels_are_drawn_wherever_a_score_is(small, name):
    text = "".join(ElementTree.parse(small / "figures" / f"{name}.svg").getroot().itertext())
    assert "memoryless" in text
    assert "reference" in text
    assert "frozen at initialisation" in (small / "report.md").read_text("utf-8")


@pytest.mark.parametrize(
    "results",
    [
        pytest.param(fake_results(lags=(5,), seeds=1), id="one seed, one lag"),
        pytest.param(fake_results(tasks=("sentiment",), lags=(20, 50), seeds=2), id="no lag 0"),
        pytest.param(fake_results(lags=(5, 10), seeds=1, statuses=dict.fromkeys(range(6), "failed")), id="all failed"),
        pytest.param(fake_results(lags=(5, 10), seeds=1, statuses=dict.fromkeys(range(6), "diverged")), id="diverged"),
        pytest.param(fake_results(lags=(5,), seeds=2, history=False), id="no history"),
        pytest.param(
            fake_results(
                tasks=("forecasting",), lags=(0, 500), seeds=1, task_settings=("horizon=24", "horizon=168"),
                model_settings=("units=8", "units=16"), models=("lstm", "gru", "gru_chrono", "lstm_chrono"),
            ),
            id="axes",
        ),
    ],
)  # fmt: skip
def test_awkward_results_make_a_report(results, tmp_path):
    folder = report(results, tmp_path).parent
    text = page(folder) + (folder / "report.md").read_text("utf-8")
    assert "nan" not in re.sub("loss is nan|finance", "", text.lower())
    assert "<NA>" not in text
    assert "None:" not in text.replace("None: every run", "")
    for path in (folder / "figures").iterdir():
        assert "NaN" not in path.read_text("utf-8"), path.name


def test_every_figure_is_told_in_words(small):
    panels = specs(small)
    assert panels[0]["title"] == "copy_memory, uniform lags, blank filler"
    # Of the three seeds at lag 5 one diverged and one failed: no mean.
    assert re.match(
        r"skill\. simple_rnn: 1\.00 at lag 20; lstm: 1\.00 at lag 5, 0\.\d+ at 20; gru: ", panels[0]["description"]
    )
    labels = re.findall(r'class="panel" style="[^"]*" role="img" tabindex="0" aria-label="([^"]*)"', page(small))
    alone = ["copy_memory: what a network reads, to scale", "copy_memory: time of a training step against lag"]
    assert [html.unescape(label) for label in labels] == [
        f"{spec['title'] or alone.pop(0)}. {spec['description']}" for spec in panels
    ]
    for path in (small / "figures").glob("*.svg"):
        title, words = list(ElementTree.parse(path).getroot())[:2]
        assert title.tag.endswith("title")
        assert words.tag.endswith("desc")
        assert re.search(r"\d", str(words.text))


def test_the_numbers_of_curves_and_profiles_stand_beside_their_figures(small):
    names = {path.name for path in (small / "figures").glob("*.csv")}
    tables = {f"{kind}-copy_memory-{setup}.csv" for kind in ("curves", "gradients") for setup in SETUPS}
    assert names == tables | {"budget-copy_memory.csv"}
    curves = pd.read_csv(small / "figures" / f"curves-copy_memory-{SETUPS[0]}.csv")
    assert list(curves) == ["lag", "series", "seed", "step", "value"]
    # Two lags, three models, three seeds, one of which failed; the one that diverged at 700 has 8 of 21 evaluations.
    assert len(curves) == (2 * 3 * 3 - 2) * 21 + 8


def test_one_figure_as_svg_and_png():
    drawn = figures(fake_results(lags=(5, 20), seeds=2))
    assert {"overview", "score-copy_memory", "prediction-copy_memory", "cost-copy_memory"} <= set(drawn)
    assert drawn["overview"].png().startswith(b"\x89PNG")
    assert drawn["overview"].svg() == drawn["overview"]._repr_svg_()


def test_whether_the_gradient_tells_who_succeeds_is_told_by_protocol(tmp_path):
    results = fake_results(seeds=4, training_lags=("fixed", "far"), lags=(10, 20, 50), history=False)
    text = (report(results, tmp_path).parent / "report.md").read_text("utf-8")
    told = re.findall(r"(One fixed lag|Far lags): (\w+), in (\S+) of (\d+) pairs \(95% bootstrap over 3 models", text)
    assert [one for one, *_ in told] == ["One fixed lag", "Far lags"]
    expected = by_protocol(results.runs)
    for (_, answer, share, pairs), found in zip(told, expected["survival"], strict=True):
        assert answer == ("yes" if found.low > 0.5 else "no")
        assert (float(share), int(pairs)) == (pytest.approx(found.value, abs=0.01), found.pairs)
    assert text.count("; the lag alone ") == 2


def test_stale_figures_go(tmp_path):
    report(fake_results(lags=(5,), seeds=1), tmp_path)
    report(fake_results(lags=(5,), seeds=1, history=False), tmp_path)
    assert not list((tmp_path / "figures").glob("curves-*"))


def test_no_run_is_one_clear_line(tmp_path):
    nothing = fake_results(lags=(), seeds=1)
    with pytest.raises(UserError, match="store holds no run"):
        report(nothing, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def table_after(folder: Path, caption: str) -> list[str]:
    lines = (folder / "report.md").read_text("utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(caption))
    return lines[start + 2 : lines.index("", start + 2)]


def test_diagnostics_of_the_longest_lag_from_first_to_last(small):
    rows = table_after(small, "What training did")
    assert rows[0].split(" | ")[1:] == [
        "gradient norm", "clipped steps", "σ\\_max(U)", "spectral radius of U", "gates open |"
    ]  # fmt: skip
    gru = next(row for row in rows if row.startswith("| gru<br>uniform lags, distractor filler, lag 20"))
    # 1/100 to 1/2000; the larger of two gates from 1 to 3; the mean of shares 0.1 and 0.2.
    assert gru.split(" | ")[1:] == ["0.0100 → 5.00e−4", "25%", "1.00 → 3.00", "0.500 → 1.50", "0% → 15% |"]
    simple = next(row for row in rows if row.startswith("| simple\\_rnn<br>uniform lags, distractor"))
    assert simple.endswith("| – |")


def test_diagnostics_keep_the_order_of_the_models_however_the_runs_ended(tmp_path):
    results = fake_results(lags=(5, 20))
    results = replace(results, history=results.history.iloc[::-1])
    rows = table_after(report(results, tmp_path).parent, "What training did")
    assert [row.split("<br>")[0] for row in rows[2:]] == ["| simple\\_rnn", "| lstm", "| gru"]


def test_models_are_compared_over_the_lags_that_both_met(small):
    rows = table_after(small, "How often a run of the model")
    assert rows[0] == "| model | better than simple\\_rnn | better than lstm | better than gru |"
    assert len(rows) == 2 + 2 * 3
    # A model is not compared with itself.
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:5]]
    assert [row.index("") for row in cells] == [1, 2, 3]


def test_models_without_a_state_are_named_where_their_gradients_are(tmp_path):
    results = fake_results(lags=(5, 20))
    of = results.profiles["signature"].isin(results.runs.loc[results.runs["model"] == "gru", "signature"])
    by_input = replace(results, profiles=results.profiles.assign(state=results.profiles["state"].mask(of, "x")))
    said = "No states in gru: gradients are w.r.t. the input, compared with each other only."
    assert page(report(by_input, tmp_path / "input").parent).count(said) >= 4
    assert "No states in" not in page(report(results, tmp_path / "state").parent)


def test_unsound_gradient_profiles_are_named_beside_the_figures_and_in_the_table(tmp_path):
    results = fake_results(lags=(5, 20))
    of = results.runs.loc[results.runs["model"] == "gru", "signature"]
    marks = [{"signature": one, "step": 0, "metric": "gradient_profile/sound", "value": 0.0} for one in of[:1]]
    marked = replace(results, history=pd.concat([results.history, pd.DataFrame(marks)], ignore_index=True))
    said = "Unsound for gru: the probed states do not hold all that the network knows of the past"
    folder = report(marked, tmp_path / "marked").parent
    assert page(folder).count(said) >= 4  # profiles, survival, prediction, table
    row = next(line for line in (folder / "report.md").read_text("utf-8").splitlines() if "unsound" in line)
    assert "gru" in row
    assert "nsound" not in page(report(results, tmp_path / "sound").parent)
