"""Texts of the user's: tables and folders, vocabularies, splits and levels."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench.datasets.own.labels import with_validation
from rnnbench.errors import UserError, UserNote
from rnnbench.tasks import own_file
from rnnbench.tasks.stream import joined
from rnnbench.tasks.texts import Texts
from tests.tasks.own_files import planned

GOOD = [(f"a fine film, number {i} of them", "good") for i in range(30)]
BAD = [(f"A dull film! number {i} of them", "bad") for i in range(30)]
ROWS = [row for pair in zip(GOOD, BAD, strict=True) for row in pair]


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNBENCH_CACHE_DIR", str(tmp_path / "cache"))


def csv(tmp_path: Path, rows=ROWS, header="text,label") -> Path:
    file = tmp_path / "texts.csv"
    file.write_text("\n".join([header, *(",".join(f'"{cell}"' for cell in row) for row in rows)]) + "\n")
    return file


def texts(path: Path, **given) -> Texts:
    task = Texts(**{"path": str(path), "lag": 2, "length": 4, **given})
    task.fingerprint()  # it forgets what another test's file of this name held
    return task


def sizes(task: Texts) -> dict[str, int]:
    return {split: len(task.examples(split).targets) for split in ("train", "validation", "test")}


def test_a_table_in_any_format_is_the_same_task(tmp_path):
    frame = pd.DataFrame(ROWS, columns=["text", "label"])
    files = [csv(tmp_path), *(tmp_path / name for name in ("t.csv.gz", "t.jsonl", "t.parquet", "semicolon.csv"))]
    files[1].write_bytes(gzip.compress(files[0].read_bytes()))
    frame.to_json(files[2], orient="records", lines=True)
    frame.to_parquet(files[3])
    frame.to_csv(files[4], sep=";", index=False)
    tasks = [texts(file) for file in files]
    for split in ("train", "validation", "test"):
        first = tasks[0].examples(split)
        for task in tasks[1:]:
            assert np.array_equal(task.examples(split).evidence, first.evidence)
            assert np.array_equal(task.examples(split).targets, first.targets)


def test_shapes_are_found_in_the_file(tmp_path):
    task = texts(csv(tmp_path))
    assert task.facts == {
        "classes": ["bad", "good"],
        "sizes": {"train": 42, "validation": 6, "test": 12},
        "told": [],
        "notes": [],
    }
    assert (task.layout, task.ports, task.outputs) == ((4, 2, 1), (1, 10_002, 32), 2)
    assert sizes(task) == task.split_sizes()
    stream = task.train_batch(0, 0, 8)
    assert (stream.tokens[:, 4:6] == 10_000).all()
    assert (stream.tokens[:, 6] == 10_001).all()


def test_each_class_has_the_same_shares(tmp_path):
    task = texts(csv(tmp_path))
    assert [np.bincount(task.examples(split).targets).tolist() for split in ("train", "validation", "test")] == [
        [21, 21],
        [3, 3],
        [6, 6],
    ]


def test_the_vocabulary_is_of_the_training_texts(tmp_path):
    rows = [(f"w{i} same", "ab"[i % 2]) for i in range(40)]
    task = texts(csv(tmp_path, rows), length=2)
    assert (task.examples("train").evidence > 1).all()
    for split in ("validation", "test"):
        assert (task.examples(split).evidence[:, 0] == 1).all()
        assert (task.examples(split).evidence[:, 1] == 2).all()


@pytest.mark.parametrize("tokens", ["words", "characters"])
def test_tokens_have_names(tmp_path, tokens):
    task = texts(csv(tmp_path), tokens=tokens, length=60)
    between = " " if tokens == "words" else ""
    shown = {between.join(task.token_names[token] for token in row if token) for row in task.examples("train").evidence}
    assert shown <= {text.lower().replace("!", "") if tokens == "words" else text for text, _ in [*ROWS]} | {
        text.lower().replace("!", "").replace(",", "") for text, _ in ROWS
    }
    assert task.token_names[:2] == ("", "(unknown)")
    assert task.display().classes == ("bad", "good")
    assert task.display().words(np.array([0, 1, 2, 9_000])) == ["", "(unknown)", task.token_names[2], "#9000"]


def test_numbers_are_labels_sorted_by_size(tmp_path):
    rows = [(f"text {i}", str(label)) for i in range(8) for label in (10, 9, 2)]
    assert texts(csv(tmp_path, rows)).facts["classes"] == ["2", "9", "10"]
    half = [(f"text {i}", str(label)) for i in range(8) for label in (0.5, 2)]
    assert texts(csv(tmp_path, half)).facts["classes"] == ["0.5", "2"]


def test_characters(tmp_path):
    task = texts(csv(tmp_path), tokens="characters", length=8)
    assert task.ports == (1, 502, 32)
    assert task.levels()["bag of characters"] == task.reference()
    kept = task.examples("train").evidence
    assert len(np.unique(kept)) <= len(set("".join(text for text, _ in ROWS)))


def test_levels_and_decoys(tmp_path):
    task = texts(csv(tmp_path), filler="decoy", lag=5, length=7)
    levels = task.levels()
    assert levels["memoryless"] == levels["majority class"] == 0.5
    assert levels["reference"] == levels["bag of words"] == 1
    assert 0 <= levels["position-blind"] <= 1
    drawn = joined(task.split("test")).tokens[:, 7:-1]
    assert set(np.unique(drawn).tolist()) <= set(np.unique(task.examples("train").evidence).tolist())


def test_a_column_says_the_splits(tmp_path):
    named = ["train", "Training", " dev", "TEST"]
    rows = [(*row, named[i // 2 % 4]) for i, row in enumerate(ROWS)]
    task = texts(csv(tmp_path, rows, "text,label,part"), split="part")
    assert sizes(task) == {"train": 32, "validation": 14, "test": 14}


def test_without_validation_an_eighth_of_training_is_drawn(tmp_path):
    rows = [(*row, "test" if i >= 40 else "train") for i, row in enumerate(ROWS)]
    task = texts(csv(tmp_path, rows, "text,label,part"), split="part")
    assert sizes(task) == {"train": 36, "validation": 4, "test": 20}
    assert np.bincount(task.examples("validation").targets).tolist() == [2, 2]


def folder(tmp_path: Path, splits=("",), n=12) -> Path:
    for split in splits:
        for label, word in (("neg", "dull"), ("pos", "fine")):
            place = tmp_path / "reviews" / split / label
            place.mkdir(parents=True)
            for i in range(n):
                (place / f"{i}.txt").write_text(f"a {word} film {split}{i}")
    return tmp_path / "reviews"


def test_a_folder_a_class(tmp_path):
    root = folder(tmp_path)
    (root / "README").write_text("not a text")
    (root / ".hidden").mkdir()
    task = texts(root)
    assert task.facts["classes"] == ["neg", "pos"]
    assert sum(sizes(task).values()) == 24
    assert task.reference() == 1


def test_folders_of_splits(tmp_path):
    task = texts(folder(tmp_path, ("train", "test")))
    assert sizes(task) == {"train": 22, "validation": 2, "test": 24}
    whole = texts(folder(tmp_path / "whole", ("train", "val", "test"), 3))
    assert sizes(whole) == {"train": 6, "validation": 6, "test": 6}


def test_folders_called_by_numbers_are_sorted_by_these(tmp_path):
    for label in ("10", "9"):
        (tmp_path / "n" / label).mkdir(parents=True)
        for i in range(12):
            (tmp_path / "n" / label / str(i)).write_text(f"text {i}")
    assert texts(tmp_path / "n").facts["classes"] == ["9", "10"]


def test_a_changed_text_changes_the_fingerprint_and_what_is_read(tmp_path):
    file = csv(tmp_path)
    task = texts(file)
    before = task.fingerprint(), task.examples("train").evidence
    file.write_text(file.read_text().replace(" of them", ""))
    assert texts(file).fingerprint() != before[0]
    assert not np.array_equal(texts(file).examples("train").evidence, before[1])


def test_texts_without_words_are_padding_and_said_once(tmp_path):
    file = csv(tmp_path, [*ROWS, ("?!", "good")])
    own_file._say.cache_clear()
    said = "texts.csv: 1 texts hold no words, the first in line 62: all padding"
    with pytest.warns(UserNote, match=said):
        texts(file).look()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        texts(file, lag=7).look()
    missing = csv(tmp_path, [*ROWS, ("", "good")])
    assert sum(texts(missing, missing="mask").facts["sizes"].values()) == 61


def table(*rows: str) -> str:
    return "\n".join(rows) + "\n"


FINE = tuple(f"text {i},{'ab'[i % 2]}" for i in range(20))
WRONG = {
    "unknown text": (table("txt,label", *FINE), {}, "no column 'text' (did you mean 'txt'?); columns: txt, label"),
    "unknown label": (table("text,class", *FINE), {}, "no column 'label'; columns: text, class"),
    "unknown split": (table("text,label", *FINE), {"split": "part"}, "no column 'part'"),
    "one column": (table("text,label", *FINE), {"label": "text"}, "`text` and `label` are both 'text'"),
    "numbers": (table("text,label", *(f"{i},a" for i in range(9))), {}, "column 'text' holds numbers, not texts"),
    "one class": (table("text,label", *(f"text {i},a" for i in range(9))), {}, "every text has the label 'a'"),
    "no classes": (table("text,label", *(f"text {i},{i}" for i in range(9))), {}, "9 different labels in 9 texts"),
    "rare class": (
        table("text,label", *FINE, "more,c", "again,c"),
        {},
        "the label 'c' has 2 texts (line 22 and line 23); a split by shares needs 3 of each class",
    ),
    "no label": (table("text,label", *FINE, "more,"), {}, "line 22, column 'label': the label is missing (1 in all)"),
    "no text": (table("text,label", *FINE, ",a"), {}, "1 missing text, the first in line 22"),
    "NaN label": (table("text,label", *(f"t{i},{i % 2}" for i in range(9)), "t,nan"), {}, "line 11, column 'label'"),
    "ragged": (table("text,label", *FINE, "a,b,c"), {}, "line 22 has 3 cells, but the header names 2"),
    "no rows": (table("text,label"), {}, "holds no rows"),
    "empty": ("", {}, "is empty"),
    "later label": (
        table("text,label,part", *(f"{row},train" for row in FINE), "u,c,val", "v,a,test", "w,b,test"),
        {"split": "part"},
        "line 22: the label 'c' of a validation text is not in training",
    ),
    "one class in test": (
        table("text,label,part", *(f"{row},train" for row in FINE), "u,a,val", "v,a,test"),
        {"split": "part"},
        "every test text has the label 'a'",
    ),
    "no test": (table("text,label,part", *(f"{row},train" for row in FINE)), {"split": "part"}, "no validation rows"),
    "unknown part": (
        table("text,label,part", *(f"{row},trian" for row in FINE)),
        {"split": "part"},
        "'trian' is not train, validation or",
    ),
    "no words": (
        table("text,label", *(f"?!,{'ab'[i % 2]}" for i in range(20))),
        {},
        "no training text holds any words",
    ),
    "dates": (table("text,label", *FINE), {"split": ["2017-01-01", "2018-01-01"]}, "a split by dates is for series"),
    "shares": (table("text,label", *FINE), {"split": [0.5, 0.2, 0.2]}, "the shares add up to 0.9, not to 1"),
    "large batch": (table("text,label", *FINE), {"batch_size": 64}, "64 is too many: there are 14 training examples"),
    "length": (table("text,label", *FINE), {"length": 0}, "0 is not valid"),
    "forward": (table("text,label", *FINE), {"missing": "forward"}, "'forward' is not valid"),
}


def plan(tmp_path: Path, path: str, extra: dict) -> None:
    planned(tmp_path, "texts", **{"path": path, **extra})


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_table_is_one_line_at_plan(tmp_path, case):
    content, extra, said = WRONG[case]
    (tmp_path / "own.csv").write_text(content)
    with pytest.raises(UserError) as caught:
        plan(tmp_path, "own.csv", dict(extra))
    message = str(caught.value)
    assert said in message
    assert "own.yaml:" in message
    assert "\n" not in message


def test_bytes_that_are_no_text_are_told_with_their_position(tmp_path):
    content = table("text,label", *FINE).encode()
    (tmp_path / "own.csv").write_bytes(content + b"caf\xe9,a\n")
    with pytest.raises(UserError, match=f"byte 0xE9 at position {len(content) + 3} "):
        plan(tmp_path, "own.csv", {})
    root = folder(tmp_path)
    (root / "pos" / "3.txt").write_bytes(b"caf\xe9")
    with pytest.raises(UserError, match=r"pos/3.txt: byte 0xE9 at position 3 is not UTF-8; save it as UTF-8"):
        plan(tmp_path, "reviews", {})


def _emptied(root):
    (root / "neutral").mkdir()


def _flat(root):
    for place in ("neg", "pos"):
        (root / place).rename(root.parent / place)
    (root / "a.txt").write_text("a")


def _without_test(root):
    (root / "train").mkdir()
    for place in ("neg", "pos"):
        (root / place).rename(root / "train" / place)


def _mixed(root):
    _without_test(root)
    (root / "neutral").mkdir()


def _bare_splits(root):
    for place in ("neg", "pos"):
        (root / place).rename(root.parent / place)
    for split in ("train", "test"):
        (root / split).mkdir()
        (root / split / "a.txt").write_text("a")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_emptied, "the folder 'neutral' holds no files"),
        (_flat, "the folder holds no folders: one for each class is wanted"),
        (_without_test, "there is a folder 'train', but none called 'test'"),
        (_mixed, "the folder 'neutral' stands beside 'train', but is no split"),
        (_bare_splits, "the folders of the splits hold no folders"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line(tmp_path, spoil, said):
    root = folder(tmp_path)
    spoil(root)
    with pytest.raises(UserError) as caught:
        plan(tmp_path, "reviews", {})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60).map(lambda more: [*"aaabbbccc", *more]))
def test_splits_are_disjoint_and_complete(tmp_path, labels):
    rows = [(f"unique{i} text", label) for i, label in enumerate(labels)]
    task = texts(csv(tmp_path, rows), length=2)
    read, codes, found = task._read()
    assert sorted(np.concatenate(list(found.values())).tolist()) == list(range(len(rows)))
    assert [read.labels.iloc[row] for row in range(len(rows))] == [codes.classes[code] for code in codes.codes]
    assert set(codes.codes[found["train"]]) == set(range(3))


@given(st.lists(st.tuples(st.sampled_from(["train", "test"]), st.integers(0, 2)), min_size=1, max_size=80))
def test_drawn_validation_texts_are_of_training_alone(cells):
    column = pd.Series([split for split, _ in cells])
    codes = np.array([code for _, code in cells])
    try:
        found = with_validation(column, "f", codes)
    except UserError:
        assert max(np.bincount(codes[(column == "train").to_numpy()], minlength=1)) < 8
        return
    assert ((found == column) | ((found == "validation") & (column == "train"))).all()
    for code in set(codes):
        of_class = found[(codes == code) & (column == "train").to_numpy()]
        if {"train", "test"} <= set(column):
            assert (of_class == "validation").sum() == len(of_class) // 8
