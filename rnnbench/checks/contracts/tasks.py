"""The contract of a task, check by check."""

from __future__ import annotations

from rnnbench.checks.contracts import apart, data, feeding, fillers, lags, leads, levels, scoring
from rnnbench.checks.contracts.check import Check
from rnnbench.checks.contracts.points import Points

_DATA = ("inputs", "targets", "batches and splits")
_ALL = (*_DATA, "examples apart", "scores")
"""With these, because a learner that has seen an example may recognise it by its filler."""

TASK_CHECKS: tuple[Check[Points], ...] = (
    Check("inputs", "finite, of the declared shape and dtype", data.inputs),
    Check("targets", "in range, one for each step that is read", data.targets, _DATA[:1]),
    Check("batches and splits", "functions of their arguments", data.functions_of_their_arguments, _DATA[:2]),
    Check("examples apart", "no split stands in another", apart.splits_apart, _DATA),
    Check("lag", "evidence and answers the same at every lag", data.same_at_every_lag, _DATA),
    Check("filler", "one meaning, and changes the lag alone", fillers.fillers, _DATA),
    Check("lead", "filler before the evidence, and no more", leads.leads, _DATA),
    Check("training lags", "the same task at every shorter lag", lags.training_lags, (*_DATA, "lead")),
    Check("tested", "the split at other lags and leads", leads.tested, (*_DATA, "lead", "training lags")),
    Check("marker", "can be taken away alone", leads.marker, (*_DATA, "lead")),
    Check("fed back", "each read step is fed the answer before", feeding.fed_back, _DATA),
    Check("loss", "one number an example, blind to lag and padding", scoring.losses, _DATA),
    Check("scores", "of each example, finite, in the declared direction", scoring.scores, _DATA),
    Check("metric", "the same however a split is cut", scoring.split_metric, (*_DATA, "scores")),
    Check("memoryless level", "memoryless() is reached without memory", levels.memoryless_level, _ALL),
    Check("levels", "memoryless and reference, skill 0 and 1", levels.named_levels, (*_ALL, "memoryless level")),
    Check("solved", "by no constant answer", levels.solved_by_memory, (*_ALL, "memoryless level", "levels")),
    Check("answer", "told by the evidence alone", levels.only_in_the_evidence, _ALL),
)
