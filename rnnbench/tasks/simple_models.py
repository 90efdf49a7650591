"""Simple models with all of the evidence in view, fitted in seconds: the reference of a task over real data.

Each is fitted to training examples, takes its penalty from the validation examples, and gives a function from examples
to answers. All are deterministic.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Answers = Callable[[Any], np.ndarray]

_INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
_RIDGE_PENALTIES = tuple(10.0**power for power in range(-2, 5))


def logistic(x: np.ndarray, labels: np.ndarray, held_x: np.ndarray, held_labels: np.ndarray) -> Answers:
    """Logistic regression on standardised features, (n, features); the L2 penalty is the best of four on validation.

    Some 10 s of one core for MNIST's pixels.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if len(known := np.unique(labels)) == 1:
        return lambda asked: np.full(len(asked), known[0])
    scaler = StandardScaler().fit(x)
    seen, held = scaler.transform(x), scaler.transform(held_x)
    # From the strongest penalty on, each from where the last one ended, until validation gets worse. Not to the end: a
    # level is known to three digits long before.
    most, best = -1.0, None
    model = LogisticRegression(max_iter=100, tol=1e-3, warm_start=True)
    for penalty in _INVERSE_PENALTIES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.set_params(C=penalty).fit(seen, labels)
        reached = accuracy(model.predict(held), held_labels)
        if reached < most:
            break
        if reached > most:
            best, most = copy.deepcopy(model), reached
    return lambda asked: np.asarray(best.predict(scaler.transform(asked)))  # type: ignore[union-attr]  # one is better than -1


def of_words(x: csr_matrix, labels: np.ndarray, held_x: csr_matrix, held_labels: np.ndarray) -> Answers:
    """Logistic regression on tf-idf (sublinear), from counts of words, (n, words); its penalty is fixed."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if len(known := np.unique(labels)) == 1:
        return lambda asked: np.full(asked.shape[0], known[0])
    model = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(max_iter=1000)).fit(x, labels)
    return lambda asked: np.asarray(model.predict(asked))


def ridge(x: np.ndarray, values: np.ndarray, held_x: np.ndarray, held_values: np.ndarray) -> Answers:
    """Linear regression with an L2 penalty on all but the intercept, (n, features) to (n, outputs).

    The penalty is the best of seven on validation.
    """
    from sklearn.linear_model import Ridge

    flat, penalties = values.reshape(len(values), -1), len(_RIDGE_PENALTIES)
    outputs = flat.shape[1]
    # As outputs of one model, the seven share its decomposition.
    model = Ridge(alpha=np.repeat(_RIDGE_PENALTIES, outputs), solver="svd").fit(x, np.tile(flat, (1, penalties)))
    held = model.predict(held_x).reshape(len(held_x), penalties, outputs)
    errors = np.mean((held - held_values.reshape(len(held_x), 1, outputs)) ** 2, axis=(0, 2))
    best = slice(outputs * (at := int(np.argmin(errors))), outputs * (at + 1))
    weights, intercept = model.coef_[best].T.copy(), model.intercept_[best].copy()
    return lambda asked: np.asarray(asked @ weights + intercept).reshape(len(asked), *values.shape[1:])


def counts(tokens: np.ndarray, vocabulary: int) -> csr_matrix:
    """Counts of each token but 0, the padding, in each row: (n, vocabulary)."""
    from scipy.sparse import csr_matrix

    example, position = np.nonzero(tokens)
    ones = np.ones(len(example), dtype=np.float32)
    return csr_matrix((ones, (example, tokens[example, position])), shape=(len(tokens), vocabulary))


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(answers == labels))
