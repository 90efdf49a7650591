"""What every number of a report means, and the source of its definition."""

from __future__ import annotations

DEFINITIONS = [
    (
        "lag",
        "Steps between the last step that carries evidence and the first step where the answer is read. For "
        "copy-memory it is the T of the literature (Arjovsky et al. 2016, section 5.1). For adding in the literature's "
        "form, whose evidence is spread over its T steps, it is T/2 − 1: the fewest steps between the first addend, "
        "which stands in the first half, and the readout.",
    ),
    (
        "filler",
        "What fills the lag: the same empty step throughout (blank), or random steps that carry nothing of the answer "
        "(distractor).",
    ),
    (
        "skill",
        "(score − level) / (perfect − level). The level is the score of the best answer without memory: chance, the "
        "most frequent class or the naive forecast, on the test split. 0 is no better than that, 1 is perfect.",
    ),
    (
        "solved",
        "The test score reaches the task's threshold (copy-memory: recall accuracy of at least 0.99; adding: mean "
        "squared error of at most 0.01). For a task without a threshold: the skill is at least 90% of the median skill "
        "that the same model has at lag 0, and that median is positive.",
    ),
    (
        "success rate",
        "Solved runs among those that finished or diverged, with the 95% score interval of Wilson 1927.",
    ),
    (
        "IQM",
        "Interquartile mean (Agarwal et al. 2021): the mean without the lowest and the highest quarter of the seeds, "
        "both rounded down to whole seeds, so that it is the plain mean of fewer than four. It can hide the few seeds "
        "that fail, or the few that succeed: read it with the counts of solved runs. Interval: 95% percentile "
        "bootstrap over 2000 resamples from a fixed seed; none where there is one seed or all seeds agree. A diverged "
        "run without a score ranks below all others; where trimming does not remove it there is no IQM.",
    ),
    (
        "memory horizon",
        "The longest lag of the grid at which at least half of the seeds solve the task within the training budget, "
        "provided that at least half do at every shorter lag too.",
    ),
    (
        "steps to solve",
        "Training step of the first validation from which on all validations reach the task's threshold, in runs whose "
        "test score reaches it too; known to within one evaluation interval. In the median (Kaplan & Meier 1958) all "
        "other runs are censored at their last step, except that a diverged run never solves the task.",
    ),
    (
        "gradient norm",
        "‖dl/dh_t‖₂: the total derivative of one example's readout loss with respect to the state at step t, through "
        "all later steps (Pascanu et al. 2013); for LSTM with respect to c_t too. Taken in float64 on a fixed batch of "
        "validation examples; clipping plays no part in it.",
    ),
    (
        "survival",
        "Of the gradient norm with respect to h, median over examples: its mean over the evidence steps divided by its "
        "value at the first readout step.",
    ),
    (
        "decay per step",
        "exp of the least-squares slope of the logarithm of that median norm against the distance, over the lag: the "
        "factor that a gradient keeps at each step back.",
    ),
    (
        "Spearman's ρ",
        "Rank correlation of skill and survival over runs (Spearman 1904). Both fall as the lag grows, so it is also "
        "given between runs of the same lag: of the ranks within each lag, less their mean.",
    ),
    (
        "σ_max and spectral radius",
        "Largest singular value, and largest modulus of an eigenvalue, of a gate's recurrent matrix U. For a tanh "
        "layer ‖∂h_T/∂h_t‖₂ is at most σ_max(U) to the power T − t (Pascanu et al. 2013, section 2). The spectral "
        "radius gives that bound only where the two are equal, as for a normal U.",
    ),
    (
        "saturation",
        "Share of gate values below 0.1 (closed) or above 0.9 (open), as in Karpathy et al. 2015, and of tanh values "
        "beyond ±0.8: the same points of the same curve, where its slope has fallen to 36% of its largest.",
    ),
    (
        "probability of improvement",
        "P(skill of one model > skill of another) over pairs of runs at the same lag and seed, ties counting half "
        "(after Agarwal et al. 2021, who compare all runs with all). Its Wilson interval takes the pairs as "
        "independent.",
    ),
    (
        "diverged",
        "The loss or a gradient was no longer finite. This is a result: the run counts as not solved.",
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
"""Sources of definitions, tasks and models, and the address of each. Published scores carry their own source."""
