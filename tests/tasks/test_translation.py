"""Translation: tokens, ids, what is fed back, the levels and the metrics; on made-up languages and on Multi30k."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from rnnbench.tasks import sentence_pairs, word_by_word
from rnnbench.tasks.sentence_pairs import Pairs, Shape
from rnnbench.tasks.stream import joined
from rnnbench.tasks.translation import Translation


def made(lag: int = 3, **settings: Any) -> Translation:
    return Translation(lag=lag, **{"source": "synthetic", "longest": 8, "answer": 9, **settings})


def test_sizes_are_known_without_data():
    task = Translation(lag=4)
    assert (task.layout, task.ports, task.outputs) == ((20, 4, 20), (0, 10_102, 64), 5000)
    assert task.split_sizes() == {"train": 29_000, "validation": 1_014, "test": 1_000}


def test_tokens_are_words_and_single_signs_in_lower_case():
    assert sentence_pairs.tokens("Zwei Männer, sagt's – \t1,5 m.") == [
        *("zwei", "männer", ",", "sagt", "'", "s", "–", "1", ",", "5", "m", "."),
    ]


def test_a_vocabulary_holds_the_most_frequent_words_and_none_that_is_met_once():
    sentences = [["b", "a", "c"], ["a", "b", "d"], ["a", "e", "e"]]
    assert sentence_pairs.vocabulary(sentences, 9) == ["a", "b", "e"]
    assert sentence_pairs.vocabulary(sentences, 2) == ["a", "b"]


def test_sentences_are_cut_padded_in_front_and_ended():
    names = {"source": ["", "(unknown)", "x", "y"], "target": ["(end)", "(unknown)", "p", "q"]}
    source = [["x", "z"], ["y", "x", "x", "y"], []]
    target = [["p", "q"], ["q", "r", "p"], []]
    pairs = sentence_pairs.encoded(source, target, names, Shape(vocabulary=4, longest=3, answer=3))
    assert pairs.source.tolist() == [[0, 2, 1], [3, 2, 2], [0, 0, 0]]
    assert pairs.target.tolist() == [[2, 3, 0], [3, 1, 2], [0, 0, 0]]
    assert pairs.weights.tolist() == [[1, 1, 1], [1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("filler", ["blank", "distractor"])
def test_sentence_filler_marker_and_the_words_before(filler):
    task = made(lag=5, filler=filler)
    stream, pairs = joined(task.split("test")), sentence_pairs.pairs("synthetic", task._shape)["test"]
    size = task.outputs
    np.testing.assert_array_equal(stream.tokens[:, :8], pairs.source)
    between = stream.tokens[:, 8:13]
    first = 2 * size
    assert (
        ((between >= first) & (between < first + 100)).all()
        if filler == "distractor"
        else (between == first + 100).all()
    )
    assert (stream.tokens[:, 13] == first + 101).all()
    np.testing.assert_array_equal(stream.tokens[:, 14:], size + pairs.target[:, :-1])
    np.testing.assert_array_equal(stream.weights, pairs.weights)
    assert stream.tokens.max() < task.ports.vocabulary == 2 * size + 102
    np.testing.assert_array_equal(task.fed_back(np.eye(size)[[3, 0]])["tokens"], [size + 3, size])


def test_of_the_made_up_languages_one_says_last_what_the_other_says_second():
    task = made()
    stream, shown = joined(task.split("test")), task.display()
    for tokens, target in zip(stream.tokens[:9, :8], stream.targets[:9], strict=True):
        german = [word.removeprefix("wort") for word in shown.words(tokens[tokens > 0])]
        english = [word.removeprefix("word") for word in shown.told(target).split()]
        assert english == [german[0], german[-2], *german[1:-2], "."]


def by_hand() -> Pairs:
    """Words 2, 3 and 4 are said as 5, 6 and 7, but word 4 first; and one sentence is cut."""
    source = np.array([[0, 2, 3], [0, 3, 2], [2, 3, 4], [0, 0, 2]], np.int32)
    target = np.array([[5, 6, 0], [6, 5, 0], [7, 5, 6], [5, 0, 0]], np.int32)
    weights = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0]], np.float32)
    return Pairs(source, target, weights)


def expected_translations(pairs: Pairs) -> dict[int, dict[int, float]]:
    """IBM model 1, sentence by sentence, as Brown et al. 1993 write it."""
    sentences = [
        ([w for w in source if w], [w for w, weight in zip(target, weights, strict=True) if weight and w])
        for source, target, weights in zip(*(part.tolist() for part in pairs), strict=True)
    ]
    table: dict[int, dict[int, float]] = {}
    for source, target in sentences:
        for word in source:
            table.setdefault(word, {}).update(dict.fromkeys(target, 1.0))
    for _ in range(5):
        counts: dict[int, Counter[int]] = {word: Counter() for word in table}
        for source, target in sentences:
            for said in target:
                total = sum(table[word][said] for word in source)
                for word in source:
                    counts[word][said] += table[word][said] / total
        table = {word: {said: n / sum(of.values()) for said, n in of.items()} for word, of in counts.items()}
    return table


def test_the_dictionary_is_that_of_ibm_model_1():
    found = word_by_word.dictionary(by_hand(), 9)
    table = expected_translations(by_hand())
    assert (
        [int(found[word]) for word in (2, 3, 4)]
        == [max(table[word], key=table[word].get) for word in (2, 3, 4)]
        == [5, 6, 7]
    )
    assert found[[0, 1, 8]].tolist() == [1, 1, 1]  # never met: the unknown word
    synthetic = sentence_pairs.pairs("synthetic", made()._shape)["train"]
    few = Pairs(*(part[:60] for part in synthetic))
    found, table = word_by_word.dictionary(few, 50), expected_translations(few)
    for word, of in table.items():
        assert of[int(found[word])] == pytest.approx(max(of.values()))
    np.testing.assert_array_equal(
        word_by_word.word_by_word(np.array([[0, 2, 4], [3, 3, 2]]), np.array([1, 1, 5, 6, 7]), 2), [[5, 7], [6, 6]]
    )


def test_constant_sentences_are_the_most_frequent_words_and_the_likeliest_chain():
    pairs = by_hand()
    # Each sentence weighs the same: the short one's words weigh more.
    assert word_by_word.most_frequent(pairs, 9).tolist() == [5, 5, 0]
    assert word_by_word.likeliest(pairs, 9).tolist() == [5, 0, 0]  # behind 5 stand 6 and the end, twice each
    assert word_by_word.accuracy(np.array([[5, 6, 0]]), pairs) == pytest.approx((1 + 1 / 3 + 0 + 1 / 2) / 4)


def test_levels_are_those_of_answers_that_are_scored():
    task = made()
    pairs = sentence_pairs.pairs("synthetic", task._shape)
    stream = joined(task.split("test"))
    sentences = {
        "unigram": np.broadcast_to(word_by_word.most_frequent(pairs["train"], 50), stream.targets.shape),
        "bigram": np.broadcast_to(word_by_word.likeliest(pairs["train"], 50), stream.targets.shape),
        "word by word": word_by_word.word_by_word(pairs["test"].source, word_by_word.dictionary(pairs["train"], 50), 9),
    }
    levels = task.levels()
    for name, said in sentences.items():
        assert levels[name] == pytest.approx(task.scores(stream, np.eye(50)[said])["accuracy"].mean(), abs=1e-9)
    assert (
        levels["memoryless"] == max(levels["unigram"], levels["bigram"]) < levels["reference"] == levels["word by word"]
    )
    assert task.at_lag(9).levels() == levels
    assert task.asks_memory()


def test_metrics_are_means_of_examples_a_perplexity_of_words_and_bleu():
    task = made()
    stream = joined(task.split("test"))
    outputs = np.random.default_rng(0).normal(size=(*stream.targets.shape, 50)).astype(np.float32)
    metric = task.metric()
    for rows in (slice(100), slice(100, None)):
        metric.update(stream.rows(rows), outputs[rows])
    found = {name: estimate.value for name, estimate in metric.result().items()}
    logs = outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))
    asked = stream.weights > 0
    of_right = np.take_along_axis(logs, stream.targets[..., None], axis=-1)[..., 0]
    assert found["perplexity"] == pytest.approx(math.exp(-of_right[asked].mean()), rel=1e-5)
    assert found["loss"] == pytest.approx(
        np.mean([-one[of].mean() for one, of in zip(of_right, asked, strict=True)]), rel=1e-5
    )
    right = outputs.argmax(-1) == stream.targets
    assert found["accuracy"] == pytest.approx(np.mean([one[of].mean() for one, of in zip(right, asked, strict=True)]))
    assert set(task.teacher_forced) == {"loss", "perplexity"}
    metric = task.metric()
    metric.update(stream, 30 * np.eye(50)[stream.targets])
    perfect = {name: estimate.value for name, estimate in metric.result().items()}
    assert (perfect["exact_match"], perfect["accuracy"]) == (1, 1)
    assert perfect["bleu"] == pytest.approx(100)
    assert perfect["perplexity"] == pytest.approx(1)


def bleu(answers: list[list[str]], references: list[list[str]]) -> float:
    """Papineni et al. 2002, section 2: the geometric mean of clipped precisions, with the brevity penalty."""
    precisions = []
    for n in range(1, 5):
        grams = [
            [Counter(tuple(one[at : at + n]) for at in range(len(one) - n + 1)) for one in pair]
            for pair in zip(answers, references, strict=True)
        ]
        precisions.append(sum((a & b).total() for a, b in grams) / sum(a.total() for a, _ in grams))
    said, asked = (sum(map(len, of)) for of in (answers, references))
    return 100 * min(1, math.exp(1 - asked / said)) * math.exp(sum(map(math.log, precisions)) / 4)


def test_bleu_is_that_of_the_paper_and_the_unknown_word_matches_nothing():
    task = made()
    stream = joined(task.split("test")).rows(slice(40))
    said = stream.targets.copy()
    said[::2, 1:3] = said[::2, 1:3][:, ::-1]  # two words the wrong way round
    said[1::3, -1] = 4  # goes on behind the end, up to the last step
    said[1::3][said[1::3] == 0] = 4
    unknown = stream.targets.copy()
    unknown[3, 0] = said[3, 0] = 1
    metric = task.metric()
    metric.update(stream._replace(targets=unknown), np.eye(50)[said])
    names = task.display().classes

    def words(sentences: np.ndarray, stranger: str) -> list[list[str]]:
        ended = [one[: one.index(0)] if 0 in one else one for one in sentences.tolist()]
        return [[stranger if word == 1 else names[word] for word in one] for one in ended]

    assert metric.result()["bleu"].value == pytest.approx(bleu(words(said, "?"), words(unknown, "!")), abs=1e-6)


def test_who_knows_the_source_translates_it_from_the_words_that_are_fed_back():
    """Free-running: the place in the sentence is told by what was said, and none of it by the teacher."""
    task = made(lag=4)
    stream = joined(task.split("test")).rows(slice(50))
    size, translations = (
        task.outputs,
        word_by_word.dictionary(sentence_pairs.pairs("synthetic", task._shape)["train"], 50),
    )
    tokens = stream.tokens[:, : task.layout.first_readout + 1]
    outputs = np.zeros((50, 9, size), np.float32)
    for step in range(9):
        for at, row in enumerate(tokens):
            german = [int(translations[word]) for word in row[:8] if word]
            english = [german[0], german[-2], *german[1:-2], german[-1], 0]
            before = [int(token) - size for token in row[task.layout.first_readout + 1 :]]
            outputs[at, step, english[len(before)] if before == english[:step] and step < len(english) else 0] = 1
        tokens = np.concatenate([tokens, task.fed_back(outputs[:, step])["tokens"][:, None]], axis=1)
    np.testing.assert_array_equal(tokens[:, :-1], stream.tokens)
    assert task.scores(stream, outputs)["exact_match"].all()


def test_the_marker_can_be_replaced_by_filler():
    task = made(lag=5)
    stream = joined(task.split("test"))
    found = task.without_marker(stream)
    assert np.flatnonzero((found.tokens != stream.tokens).any(axis=0)).tolist() == [stream.steps - 9]
    assert (found.tokens[:, -9] == task.ports.vocabulary - 2).all()


@pytest.mark.real_data
@pytest.mark.slow
def test_multi30k_has_its_published_sizes_and_the_levels_that_were_measured():
    task = Translation(lag=0)
    pairs = sentence_pairs.pairs("multi30k", task._shape)
    assert [len(pairs[split].source) for split in sentence_pairs.SPLITS] == [29_000, 1_014, 1_000]
    levels = task.levels()
    assert [round(levels[name], 3) for name in ("unigram", "bigram", "word by word")] == [0.185, 0.101, 0.364]
    assert task.display().told(pairs["train"].target[0]) == "two young , white males are outside near many bushes ."
    counts = np.bincount(pairs["train"].target[pairs["train"].weights > 0], minlength=5000)
    test = pairs["test"].target[pairs["test"].weights > 0]
    assert math.exp(-np.log(counts / counts.sum())[test].mean()) == pytest.approx(205, abs=15)
