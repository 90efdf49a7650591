"""What `show` prints of every task: parts, flags and the answer, in any terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from rnnbench import registry
from rnnbench.cli.views.examples import examples as view
from rnnbench.showing import text
from rnnbench.showing.example import examples
from rnnbench.showing.page import page

BUILT_IN = [name for name in registry.tasks if registry.tasks[name].__module__.startswith("rnnbench.")]


def task_of(name, lag=30, **settings):
    task_class = registry.tasks[name]
    source = {"source": "synthetic"} if "source" in task_class.model_fields else {}
    return task_class(lag=lag, **source, **settings)


def printed(found, encoding="utf-8", colours=None, width=100):
    class Terminal(io.StringIO):
        pass

    file = Terminal()
    Terminal.encoding = encoding
    console = Console(file=file, width=width, color_system=colours, force_terminal=colours is not None, highlight=False)
    console.print(view("a task", found, "test"))
    return file.getvalue()


@pytest.fixture(scope="module", params=BUILT_IN)
def found(request):
    try:
        return list(examples(task_of(request.param), "test", 2))
    except Exception as error:
        if "path" in str(error):
            pytest.skip("a task over a person's own file")
        raise


def test_parts_flags_and_answers_are_told(found):
    told = printed(found)
    for one in found:
        assert f"example {one.number}\n" in told
        for segment in one.segments:
            assert f"  {segment.part}" in told
        for name, flag in one.flags.items():
            assert " ".join(text.where(one, flag).split()[:3]) in told
            assert f"  {name}" in told
        answer = text.answer(one.display, one.stream.targets[0], one.asked)
        assert answer.split()[0] in told.partition(f"example {one.number}\n")[2]
    assert max(map(len, told.splitlines())) <= 100


def test_an_ascii_terminal_gets_ascii(found):
    told = printed(found, encoding="ascii")
    assert told.isascii()
    assert "evidence" in told


def test_a_narrow_terminal_holds_it(found):
    assert max(map(len, printed(found, width=60).splitlines())) <= 60


def test_the_page_asks_nobody_for_anything(found):
    told = page({"a <task>": found}, "test")
    assert "http" not in told.replace('http-equiv="Content-Security-Policy"', "")
    assert "default-src 'none'" in told
    assert "prefers-color-scheme: dark" in told
    assert "a &lt;task&gt;" in told
    for one in found:
        for name in one.flags:
            assert name in told
        for segment in one.segments:
            assert segment.part in told


def test_pictures_are_grey_half_blocks_where_there_are_colours():
    found = list(examples(task_of("sequential_mnist"), "test", 1))
    coloured = printed(found, colours="truecolor")
    assert coloured.count("▀") == 28 * 14
    assert "▀" not in printed(found)


def test_long_fillers_are_shortened_in_the_middle():
    found = list(examples(task_of("copy_memory", lag=400, filler="distractor"), "test", 1))
    told = printed(found)
    assert "… 388 steps of filler …" in told
    assert "... 388 steps of filler ..." in printed(found, encoding="ascii")


def test_words_and_forecasts_are_shown():
    told = printed(list(examples(task_of("sentiment"), "test", 1)))
    assert "good17 good14 word43" in told
    assert "positive" in told
    (one,) = examples(task_of("forecasting"), "test", 1)
    told = printed([one])
    assert "OT: from -2.82 to 1.63, then what is asked" in told
    assert "│" in told
