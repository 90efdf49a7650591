"""Simple translations: one sentence for all, and each word for itself by a dictionary that is learnt from sentences."""

from __future__ import annotations

import numpy as np

from rnnbench.tasks.sentence_pairs import END, PADDING, UNKNOWN, Pairs

_ITERATIONS = 5


def most_frequent(train: Pairs, vocabulary: int) -> np.ndarray:
    """(answer,): the most frequent word of each position, each sentence weighing the same. The best constant answer."""
    weights = _shares(train)
    columns = zip(train.target.T, weights.T, strict=True)
    return np.array([np.bincount(words, of_words, vocabulary).argmax() for words, of_words in columns])


def likeliest(train: Pairs, vocabulary: int) -> np.ndarray:
    """(answer,): from the first word on, each time the word that follows the last one most often: a greedy bigram."""
    asked = train.weights > 0
    before = np.concatenate([np.full((len(train.target), 1), vocabulary), train.target[:, :-1]], axis=1)
    counts = np.zeros((vocabulary + 1, vocabulary), dtype=np.int32)
    np.add.at(counts, (before[asked], train.target[asked]), 1)
    said, last = [], vocabulary
    for _ in range(train.target.shape[1]):
        last = int(counts[last].argmax())
        said.append(last)
    return np.array(said)


def dictionary(train: Pairs, vocabulary: int) -> np.ndarray:
    """(vocabulary,): the likeliest translation of each source word; the unknown word where there is none.

    By five iterations of expectation maximisation for IBM model 1, without its empty word, from uniform probabilities
    (Brown, Della Pietra, Della Pietra & Mercer 1993, section 4.1).
    """
    asked = (train.weights > 0) & (train.target != END)
    example, read, said = np.nonzero((train.source != PADDING)[:, :, None] & asked[:, None, :])
    word = example * train.target.shape[1] + said
    pair = train.source[example, read].astype(np.int64) * vocabulary + train.target[example, said]
    pairs, link = np.unique(pair, return_inverse=True)
    of, translation = pairs // vocabulary, pairs % vocabulary
    probability = np.ones(len(pairs))
    for _ in range(_ITERATIONS):
        share = probability[link]
        share /= np.bincount(word, share)[word]
        expected = np.bincount(link, share)
        probability = expected / np.bincount(of, expected)[of]
    best = np.full(vocabulary, UNKNOWN)
    # The last that is written stands: the likeliest, of several the lowest id.
    order = np.lexsort((-translation, probability))
    best[of[order]] = translation[order]
    return best


def word_by_word(source: np.ndarray, translations: np.ndarray, answer: int) -> np.ndarray:
    """(n, answer): the translation of each word, in the order of the source, then the end."""
    said = np.full((len(source), answer), END)
    for row, sentence in zip(said, source, strict=True):
        words = translations[sentence[sentence != PADDING]][:answer]
        row[: len(words)] = words
    return said


def accuracy(said: np.ndarray, asked: Pairs) -> float:
    """The share of right words, position by position up to the end that is asked for; sentences weigh the same."""
    return float(((said == asked.target) * _shares(asked)).sum() / len(asked.target))


def levels(splits: dict[str, Pairs], vocabulary: int) -> dict[str, float]:
    """Accuracy of each simple translation, fitted to the training split, as `validation unigram`, `test bigram`."""
    train, found = splits["train"], dict[str, float]()
    translations = dictionary(train, vocabulary)
    constant = {"unigram": most_frequent(train, vocabulary), "bigram": likeliest(train, vocabulary)}
    for split in ("validation", "test"):
        asked = splits[split]
        found |= {f"{split} {name}": accuracy(sentence[None], asked) for name, sentence in constant.items()}
        found[f"{split} word by word"] = accuracy(
            word_by_word(asked.source, translations, asked.target.shape[1]), asked
        )
    return found


def _shares(pairs: Pairs) -> np.ndarray:
    """(n, answer): the weights, of each sentence 1 together."""
    weights = pairs.weights.astype(np.float64)
    shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return shares
