"""`rnnbench schema`."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON Schema of the experiment file, for editors that complete YAML."""
    from rnnbench.cli.output import print_json
    from rnnbench.experiment.json_schema import experiment_schema

    print_json(experiment_schema())
