"""The JSON Schema of the experiment file, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from rnnbench import registry
from rnnbench.experiment.definition import Experiment
from rnnbench.experiment.seeds import SEEDS
from rnnbench.experiment.settings import Training


def experiment_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an experiment file, with the registered tasks and models."""
    schema = Experiment.model_json_schema()
    properties = schema["properties"]
    training = _settings(Training)
    properties["training"] = training
    for owner in (properties, schema["$defs"]["Selection"]["properties"]):
        owner["seeds"] = {**owner["seeds"], "anyOf": [{"type": "integer", "minimum": 1}, _seed_list()]}
        for key in ("type", "items"):
            owner["seeds"].pop(key, None)
    for kind, known in (("task", registry.tasks), ("model", registry.models)):
        schema["$defs"] |= {f"{kind}_{name}": _entry(kind, name, known[name], training) for name in known}
        # Under any other label, an entry must name its class by `task` or `model`.
        variants = [{"$ref": f"#/$defs/{kind}_{name}", "type": "object", "required": [kind]} for name in known]
        properties[f"{kind}s"] = {
            "type": "object",
            "minProperties": 1,
            "description": properties[f"{kind}s"]["description"],
            "properties": {name: _grids([{"$ref": f"#/$defs/{kind}_{name}"}, *variants]) for name in known},
            "additionalProperties": _grids(variants),
        }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "rnnbench experiment", **schema}


def _seed_list() -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"type": "integer", "minimum": 0, "maximum": SEEDS - 1},
        "minItems": 1,
        "uniqueItems": True,
    }


def _grids(variants: list[dict[str, Any]]) -> dict[str, Any]:
    """One entry of these variants, or a list of them: several grids of one label."""
    return {"anyOf": [*variants, {"type": "array", "items": {"anyOf": variants}, "minItems": 1}]}


def _entry(kind: str, name: str, settings: type[BaseModel], training: dict[str, Any]) -> dict[str, Any]:
    entry = _settings(settings)
    entry["properties"] = entry["properties"] | training["properties"] | {kind: {"const": name}}
    if not entry.get("required"):
        entry["type"] = ["object", "null"]
    return entry


def _settings(settings: type[BaseModel]) -> dict[str, Any]:
    """The schema of some settings, each of which may also be a list of values: an axis."""
    schema = settings.model_json_schema()
    schema["properties"] = {
        key: {
            "description": value.pop("description", ""),
            "anyOf": [value, {"type": "array", "items": value, "minItems": 1}],
        }
        for key, value in schema["properties"].items()
    }
    return schema
