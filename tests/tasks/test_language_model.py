"""Language model: layouts of both forms, the text that the windows hold, levels, and a network that learns words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnbench.checks.contracts import hold
from rnnbench.checks.contracts.points import points_of_tasks
from rnnbench.checks.contracts.tasks import TASK_CHECKS
from rnnbench.errors import UserError
from rnnbench.tasks import language_model
from rnnbench.tasks.language_model import LanguageModel, encoded
from rnnbench.tasks.ngrams import NGrams
from rnnbench.tasks.stream import joined

SPLITS = ("train", "validation", "test")


def task_of(**settings: object) -> LanguageModel:
    return LanguageModel(**{"lag": 3, "source": "synthetic", "context": 12, **settings})


def stream_of(**settings: object) -> LanguageModel:
    return LanguageModel(**{"lag": 0, "source": "synthetic", "form": "stream", "context": 12, **settings})


def test_sizes_are_known_without_data() -> None:
    task = LanguageModel(lag=7)
    assert (task.layout, task.outputs, task.score.name) == ((50, 7, 5), 65, "bits_per_character")
    assert task.ports == (0, 2 * 65 + 2, 32)
    assert task.split_sizes() == {"train": 1_003_854 - 54, "validation": 1000, "test": 1000}
    stream = LanguageModel(lag=0, form="stream", context=100, warm_up=20)
    assert (stream.layout, stream.reads, stream.has_clock) == ((20, 0, 80), "every step", False)
    assert (stream.training_lags, stream.lead) == ("fixed", "none")
    # 55,770 characters: windows of 101 that start every 80.
    assert stream.split_sizes()["test"] == (55_770 - 101) // 80 + 1


@pytest.mark.parametrize("filler", ["blank", "distractor"])
def test_a_continuation_reads_the_marker_and_then_the_true_characters(filler: str) -> None:
    task = task_of(filler=filler, readout=4)
    (stream,) = task.split("test")
    tokens, text = stream.tokens, task.text("test")
    assert stream.features is None
    whole = np.concatenate([tokens[:, :12], stream.targets], axis=1)
    every = {row.tobytes() for row in np.lib.stride_tricks.sliding_window_view(text, 16)}
    assert all(row.astype(np.int32).tobytes() in every for row in whole)
    lag, readout = tokens[:, 12:15], tokens[:, 15:]
    blank, marker = 2 * 27, 2 * 27 + 1
    assert (lag == blank).all() if filler == "blank" else ((lag >= 27) & (lag < 54)).all()
    assert (readout[:, 0] == marker).all()
    np.testing.assert_array_equal(readout[:, 1:], stream.targets[:, :-1])


def test_distractors_are_lines_of_the_training_text_in_the_second_alphabet() -> None:
    task = task_of(filler="distractor", lag=9)
    stream = task.train_batch(0, 0, 20)
    lines = {row.tobytes() for row in np.lib.stride_tricks.sliding_window_view(task.text("train"), 9)}
    assert all((row - 27).astype(np.int32).tobytes() in lines for row in stream.tokens[:, 12:21])


def test_a_stream_asks_for_the_next_character_and_scores_each_once() -> None:
    task = stream_of(warm_up=5)
    (stream,) = task.split("test")
    np.testing.assert_array_equal(stream.tokens[:, 1:], stream.targets[:, :-1])
    assert stream.weights is None
    assert (stream.scored == (np.arange(12) >= 5)).all()
    scored = stream.targets[:, 5:].ravel()
    np.testing.assert_array_equal(scored, task.text("test")[6 : 6 + len(scored)])
    assert len(task.text("test")) - 6 - len(scored) < 7
    training = task.train_batch(0, 0, 4)
    assert training.parts.keys() == stream.parts.keys()


def test_answers_of_the_held_out_windows_are_apart() -> None:
    task = task_of(readout=4)
    text = task.text("test")
    windows = task.windows("test")
    starts = np.flatnonzero((np.lib.stride_tricks.sliding_window_view(text, 16)[:, None] == windows[:1]).all(axis=2))
    assert starts[0] == 0
    assert len(windows) == 1000
    every = task_of(readout=4, test_examples=2_997).windows("test")
    np.testing.assert_array_equal(every[:, 12:].ravel(), text[12 : 12 + every[:, 12:].size])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"form": "stream", "lag": 2}, "'form: stream' has no lag: 'lag: 0'"),
        ({"form": "stream", "lag": 0, "warm_up": 50}, "'warm_up: 50' leaves nothing to score of a 'context' of 50"),
        ({"lag": 1, "filler": "decoy"}, "'decoy' is not a filler of the task; the task has blank, distractor"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        LanguageModel(**settings)


@pytest.mark.parametrize(
    ("settings", "key", "expected"),
    [
        ({"context": 55_766}, "context", "a window has 55,771 characters, and the test text 55,770"),
        ({"test_examples": 20_000}, "test_examples", "20,000 is too many: there are 11,144 windows of test text"),
    ],
)
def test_what_the_text_is_too_short_for_is_a_problem(settings: dict[str, int], key: str, expected: str) -> None:
    found = dict(LanguageModel(lag=0, **settings).problems(32))
    assert expected in found[key]


def test_the_nearest_settings_are_none() -> None:
    assert not list(LanguageModel(lag=0, context=55_765).problems(32))
    assert not list(LanguageModel(lag=0, test_examples=11_144).problems(32))


def test_a_stream_is_one_computation_whatever_its_readout() -> None:
    assert stream_of(readout=9, filler="distractor").canonical() == stream_of().canonical()


def test_scores_are_bits_of_the_scored_steps_and_nats_of_all() -> None:
    task = stream_of()
    stream = next(iter(task.split("test"))).rows(slice(7))
    outputs = np.random.default_rng(0).normal(size=(7, 12, 27))
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
    of_truth = np.take_along_axis(shares, stream.targets[..., None].astype(int), axis=-1)[..., 0]
    found = task.scores(stream, outputs)
    np.testing.assert_allclose(found["bits_per_character"], -np.log2(of_truth[:, 6:]).mean(axis=1))
    np.testing.assert_allclose(found["loss"], -np.log(of_truth).mean(axis=1))
    uniform = task.scores(stream, np.zeros_like(outputs))["bits_per_character"]
    np.testing.assert_allclose(uniform, math.log2(27))


def test_levels_are_those_of_n_grams_that_see_what_they_may() -> None:
    task = task_of(readout=3, test_examples=50)
    model = NGrams(task.text("train"), 27)
    windows = task.windows("test")
    alone, in_view = [], []
    for row in windows:
        alone += [model.bits(row[None, 12:end])[0] for end in (13, 14, 15)]
        in_view += [model.bits(row[None, end - 5 : end])[0] for end in (13, 14, 15)]
    assert task.memoryless() == pytest.approx(np.mean(alone))
    assert task.reference() == pytest.approx(np.mean(in_view))
    levels = task.levels()
    assert levels["order 4"] == task.reference() < levels["order 4 without context"] == task.memoryless()
    assert levels["order 4 without context"] < levels["unigram"] < levels["uniform"] == math.log2(27)
    each = np.reshape(alone, (50, 3)).mean(axis=1)
    assert task.level_error() == pytest.approx(each.std() / math.sqrt(50))


def test_levels_of_a_stream_are_of_its_scored_characters() -> None:
    task = stream_of(warm_up=6)
    model, windows = NGrams(task.text("train"), 27), task.windows("validation")
    bigrams = np.mean([model.bits(windows[:, at - 1 : at + 1]) for at in range(7, 13)])
    fours = np.mean([model.bits(windows[:, at - 4 : at + 1]) for at in range(7, 13)])
    assert task.memoryless("validation") == pytest.approx(bigrams)
    assert task.reference("validation") == pytest.approx(fours)


def test_a_reference_that_is_worse_than_the_memoryless_level_is_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """A context that misleads: what follows it in training never does in the test."""
    train, test = np.tile([0, 0, 1, 1], 2_000), np.tile([0, 1, 0, 0, 1, 0, 1, 1, 1, 0], 300)
    texts = {"train": train, "validation": test, "test": test}
    monkeypatch.setattr(language_model, "_texts", lambda source: {k: v.astype(np.int32) for k, v in texts.items()})
    task = task_of(readout=1, context=5)
    assert task.reference() == task.memoryless() < task.levels()["order 4"]
    assert not task.asks_memory()


def test_a_character_outside_the_alphabet_is_named() -> None:
    np.testing.assert_array_equal(encoded("cab", "abc", "x"), [2, 0, 1])
    with pytest.raises(UserError, match=r"the prompt: these characters are not in the alphabet: '\\t' '\\xe9'"):
        encoded("a\té", "abc", "the prompt")


def test_people_read_characters() -> None:
    task = LanguageModel(lag=2)
    display = task.display()
    words = display.words(np.array([0, 1, 13, 64, 65 + 64, 65]))
    assert words == ["⏎", "␣", "A", "z", "(z)", "(⏎)"]
    assert (display.classes[13], display.specials) == ("A", ("blank", "marker"))


def test_a_stream_keeps_the_contract() -> None:
    hold(TASK_CHECKS, points_of_tasks([stream_of(context=20, test_examples=300)], 32))


@pytest.mark.real_data
def test_n_grams_on_shakespeare_have_their_known_bits() -> None:
    """Measured elsewhere on the last tenth of the text, TFDS's validation and test together: 4.83, 3.59 and 2.41."""
    task = LanguageModel(lag=0, form="stream")
    model = NGrams(task.text("train"), 65)
    assert [len(task.text(split)) for split in SPLITS] == [1_003_854, 55_770, 55_770]
    tenth = np.concatenate([task.text("validation"), task.text("test")])
    windows = np.lib.stride_tricks.sliding_window_view(tenth, 5)
    found = [model.bits(windows[:, 4 - order :]).mean() for order in (0, 1, 4)]
    np.testing.assert_allclose(found, [4.83, 3.59, 2.41], atol=0.005)
    levels = task.levels()
    expected = {"uniform": 6.022, "unigram": 4.850, "bigram": 3.604, "order 4": 2.550}
    assert {name: levels[name] for name in expected} == pytest.approx(expected, abs=0.003)
    assert task.memoryless("validation") == pytest.approx(3.568, abs=0.003)
    assert task.reference("validation") == pytest.approx(2.265, abs=0.003)


@pytest.mark.real_data
def test_a_continuation_of_shakespeare_asks_memory() -> None:
    task = LanguageModel(lag=0)
    assert task.memoryless() == pytest.approx(3.34, abs=0.05)
    assert task.reference() == pytest.approx(2.55, abs=0.05)
    assert task.asks_memory()


def test_all_of_a_split_is_one_stream_of_whole_windows() -> None:
    task = task_of()
    whole = joined(task.split("validation"))
    assert whole.examples == task.split_sizes()["validation"] == task.distinct("validation")
