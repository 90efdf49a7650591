"""`rnnbench generate`."""

from __future__ import annotations

from typing import Annotated

import typer

from rnnbench.cli.options import DataDir, Plugins, Store, TrackingUri


def generate(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run that kept its model (`log_model: best`), by its name or id.")
    ],
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="The text to go on with.")],
    length: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="Characters to write.")] = 300,
    temperature: Annotated[
        float, typer.Option(metavar="T", min=0.0, help="Below 1: likelier characters; 0: the likeliest.")
    ] = 0.8,
    top_k: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="Choose from the K likeliest.  [default: all]")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Another seed gives another text.")] = 0,
    store: Store = None,
    tracking_uri: TrackingUri = None,
    plugins: Plugins = [],  # noqa: B006
    data_dir: DataDir = None,
) -> None:
    """Go on with a text, character by character, as a trained language model does.

    A network that was trained behind a lag reads the end of the text, the lag and the marker, writes as many characters
    as it was asked for in training, and reads what it wrote anew.
    """
    import math

    from rnnbench.cli import output
    from rnnbench.cli.options import load_plugins
    from rnnbench.datasets import location
    from rnnbench.errors import UserError
    from rnnbench.execution.base import quiet_tensorflow
    from rnnbench.tasks.language_model import CharacterTask, encoded
    from rnnbench.tasks.writing import Choice
    from rnnbench.tracking.kept_model import kept_model
    from rnnbench.tracking.location import Location

    if not math.isfinite(temperature):
        raise UserError(f"--temperature {temperature}: a finite number is wanted, 0 or more")
    location.set_directories(data_dir, None)
    load_plugins(plugins)
    kept = kept_model(Location.resolve(store, tracking_uri), run)
    task = kept.task
    if not isinstance(task, CharacterTask):
        raise UserError(f"run '{run}' is no language model: its task is {type(task).__name__}")
    encoded(prompt, task.alphabet, "--prompt")  # said before TensorFlow is loaded
    quiet_tensorflow()
    from rnnbench.training.generation import restored

    written = task.writes(restored(task, kept.model, kept.file), prompt, length, Choice(temperature, top_k), seed)
    output.stdout.out(prompt + written, highlight=False)
