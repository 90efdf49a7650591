"""What is said above examples: the task and its lag, what a step is, what is asked."""

from __future__ import annotations

from rnnbench.showing.example import Example
from rnnbench.text.wording import count_of

_KINDS = {
    "symbols": "one of {} symbols",
    "numbers": "a number",
    "series": "a value of {}",
    "frames": "a frame of {}",
    "image": "a part of an image, {}",
}


def heading(example: Example, split: str) -> str:
    """The task at its settings in a sentence or two."""
    task = example.task
    lags = {"fixed": "that lag alone", "uniform": "all lags up to it", "far": "the upper half of the lags up to it",
            "log": "all lags up to it, short ones more often"}  # fmt: skip
    size = task.split_sizes().get(split)
    examples = f" of {size:,}" if size else ""
    return (
        f"{task.distance_name.capitalize()} {task.lag}, {task.filler} filler, trained at {lags[task.training_lags]}. "
        f"Some examples{examples} of the {split} split. Data: {task.data_source}."
    )


def reads(example: Example) -> str:
    """What a step is, and what is asked."""
    ports = example.task.ports
    parts = []
    if ports.vocabulary:
        parts.append(f"a token of {ports.vocabulary:,}")
    if width := example.content.shape[1]:
        kind = str(example.display.kind)
        if kind == "numbers" and width > 1:
            parts.append(f"{width} numbers")
        else:
            named = kind == "series" and width == len(example.display.channels)
            counted = ", ".join(example.display.channels) if named else count_of(width, "channel")
            counted = str(width) if kind == "symbols" else counted
            parts.append(_KINDS.get(kind, "{}").format(counted))
    if flags := list(example.display.flags):
        parts.append(f"{'the flags' if len(flags) > 1 else 'the flag'} {', '.join(flags)}")
    return f"A step is {' and '.join(parts)}. Asked: {_asked(example)}, judged by {example.task.score.name}."


def _asked(example: Example) -> str:
    task = example.task
    classes = example.stream.targets.ndim == 2
    what = f"one of {task.outputs:,} classes" if classes else count_of(task.outputs, "number")
    times = len(example.read)
    return what if times == 1 else f"{what} at each of {times:,} steps"
