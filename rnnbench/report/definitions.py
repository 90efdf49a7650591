"""What the quantities mean, and where that was read."""

from __future__ import annotations

DEFINITIONS = [
    (
        "lag",
        "Steps between the last step that carries evidence and the step where the answer is read. For copy-"
        "memory the T of the literature (Arjovsky et al. 2016, section 5.1). For adding in the literature's form, "
        "whose evidence is spread over its T steps, T/2 − 1: what surely lies between the first addend's half and the "
        "readout.",
    ),
    (
        "filler",
        "What stands in the lag: the same empty step (blank) or random steps that say nothing of the answer "
        "(distractor).",
    ),
    (
        "skill",
        "(score − level) / (perfect − level), the level being chance or the naive forecast: 0 is no better "
        "than that, 1 is perfect.",
    ),
    (
        "solved",
        "A score at the task's threshold (copy-memory: recall accuracy of at least 0.99; adding: mean squared error "
        "of at most 0.01). For tasks without "
        "one: at least 90% of the model's own median skill at lag 0.",
    ),
    (
        "success rate",
        "Runs that solved the task among those that ended, with the 95% interval of Wilson 1927.",
    ),
    (
        "IQM",
        "Interquartile mean: the mean without the lowest and highest quarter of the seeds; 95% percentile "
        "bootstrap interval of 2000 seeded resamples (Agarwal et al. 2021). No interval where there is one "
        "seed or all seeds agree. A diverged run without a score ranks below all others; where trimming does "
        "not remove it there is no IQM.",
    ),
    (
        "memory horizon",
        "The longest lag at which at least half of the seeds solve the task within the budget and every "
        "shorter lag passes too.",
    ),
    (
        "steps to solve",
        "Training steps until the validation score reached the threshold; the median counts runs that never "
        "did as censored (Kaplan & Meier 1958).",
    ),
    (
        "gradient norm",
        "‖dl/dh_t‖₂, the total derivative of one example's readout loss by the state at step t, through all "
        "later steps, before any clipping; for LSTM by c_t too (Pascanu et al. 2013).",
    ),
    (
        "survival",
        "Mean gradient norm over the evidence steps divided by the norm at the readout step.",
    ),
    (
        "decay per step",
        "exp(slope of the log gradient norm over the lag): the factor a gradient keeps at each step back.",
    ),
    (
        "σ_max and spectral radius",
        "Largest singular value and largest modulus of an eigenvalue of the recurrent matrix U of a gate. For a tanh "
        "cell no gradient outlasts σ_max(U) to the power of the distance; the radius bounds nothing (Pascanu et al. "
        "2013, section 2).",
    ),
    (
        "saturation",
        "Share of gate values below 0.1 (closed) or above 0.9 (open) (Karpathy et al. 2015), and of tanh "
        "values beyond ±0.8, the same points of the curve, where its slope has fallen to 36%.",
    ),
    (
        "probability of improvement",
        "P(skill of one model > skill of another) over runs of the same lag and seed, ties counting half (after "
        "Agarwal et al. 2021, who compare all runs with all).",
    ),
    (
        "diverged",
        "The loss or a gradient stopped being finite. A result: the run counts as not solved.",
    ),
]
"""Term and meaning, with the source."""

REFERENCES = [
    (
        "Agarwal, Schwarzer, Castro, Courville & Bellemare 2021. Deep reinforcement learning at the edge of the "
        "statistical precipice. NeurIPS",
        "https://arxiv.org/abs/2108.13264",
    ),
    (
        "Arjovsky, Shah & Bengio 2016. Unitary evolution recurrent neural networks. ICML",
        "https://arxiv.org/abs/1511.06464",
    ),
    (
        "Bai, Kolter & Koltun 2018. An empirical evaluation of generic convolutional and recurrent networks for "
        "sequence modeling",
        "https://arxiv.org/abs/1803.01271",
    ),
    (
        "Bengio, Simard & Frasconi 1994. Learning long-term dependencies with gradient descent is difficult. IEEE "
        "Transactions on Neural Networks 5",
        "https://doi.org/10.1109/72.279181",
    ),
    (
        "Cho et al. 2014. Learning phrase representations using RNN encoder-decoder for statistical machine "
        "translation. EMNLP",
        "https://arxiv.org/abs/1406.1078",
    ),
    (
        "Hochreiter & Schmidhuber 1997. Long short-term memory. Neural Computation 9",
        "https://doi.org/10.1162/neco.1997.9.8.1735",
    ),
    (
        "Kaplan & Meier 1958. Nonparametric estimation from incomplete observations. Journal of the American "
        "Statistical Association 53",
        "https://doi.org/10.1080/01621459.1958.10501452",
    ),
    ("Karpathy, Johnson & Fei-Fei 2015. Visualizing and understanding recurrent networks",
     "https://arxiv.org/abs/1506.02078"),
    ("Pascanu, Mikolov & Bengio 2013. On the difficulty of training recurrent neural networks. ICML",
     "https://arxiv.org/abs/1211.5063"),
    (
        "Spearman 1904. The proof and measurement of association between two things. American Journal of Psychology 15",
        "https://doi.org/10.2307/1412159",
    ),
    ("Tallec & Ollivier 2018. Can recurrent neural networks warp time? ICLR", "https://arxiv.org/abs/1804.11188"),
    (
        "Wilson 1927. Probable inference, the law of succession, and statistical inference. Journal of the American "
        "Statistical Association 22",
        "https://doi.org/10.1080/01621459.1927.10502953",
    ),
]  # fmt: skip
"""What this page cites by name, and the address of each. Published scores carry their own source."""
