"""What every number of a report means, and the source of its definition."""

from __future__ import annotations

DEFINITIONS = [
    (
        "lag",
        "Steps between the last step that carries evidence and the first step where the answer is read. For "
        "copy-memory it is the T of the literature (Arjovsky et al. 2016, section 5.1). Where the distance is not one "
        "number, as for adding in the forms of the literature, the axis is T, the length of the sequence.",
    ),
    (
        "uniform, far and log lags, one fixed lag",
        "What each training step's lag is drawn from for a tested lag L: from the shortest to L (uniform), from L/2 to "
        "L (far), as uniform but log-uniform (log), or L itself (fixed). Validation and test are at exactly L. Uniform "
        "lags ask whether a memory can be held, far lags whether it can be learnt from afar.",
    ),
    (
        "clock",
        "A network that has learnt to answer after so many steps, and holds nothing until it is asked. A run that "
        "solves lag L is called one if it loses more than half of its skill at L − 1 or L + 1. At one fixed lag "
        "nothing else tells a clock from a memory, so results there are marked.",
    ),
    (
        "lead",
        "Steps of filler before the evidence. A network that keeps whatever it saw first fails behind a lead.",
    ),
    (
        "filler",
        "What fills the lag: zeros; one constant symbol (blank); random steps from what the task never asks about "
        "(distractor); or from the evidence's own distribution, so that only a cue tells them apart (decoy).",
    ),
    (
        "skill",
        "(score − memoryless) / (reference − memoryless), for errors whose reference is above 0 of the logarithms. "
        "Memoryless is the best answer without any of the evidence, reference what a simple model reaches with all of "
        "it in view: perfect for generated tasks. Both are levels of the test split, and depend on no model of the "
        "grid. Where the reference does not beat the memoryless level the task asks no memory, and there is no skill.",
    ),
    (
        "frozen",
        "The level of a network at initialisation: recurrent weights as they started, a ridge readout. What passes "
        "there shows no learning.",
    ),
    (
        "solved",
        "Judged run by run: accuracy of at least 0.99 or a mean squared error of at most 0.01 (generated tasks), an "
        "error of at most 1.1 times the reference, or a skill of at least 0.9; and always above the memoryless level "
        "by 2.33 standard errors of the test split.",
    ),
    (
        "success rate",
        "Solved runs among those that finished or diverged, with the exact 95% interval of Clopper & Pearson 1934.",
    ),
    (
        "mean and band",
        "Mean over seeds; none where a run has no score. Below ten seeds the band is the range of the seeds, from ten "
        "on the 95% percentile bootstrap of the mean over seeds and test examples (2000 resamples from a fixed seed).",
    ),
    (
        "memory horizon",
        "The longest tested lag at which a falling fit of the success rate over the lags (isotonic regression, "
        "weighted by runs; de Leeuw et al. 2009) is at least one half, within the training budget. Written at least "
        "where it is the longest lag that was tested.",
    ),
    (
        "steps to solve",
        "Training step of the first validation that solves the task, in runs whose test does; known to within one "
        "evaluation interval. In the median (Kaplan & Meier 1958) all other runs are censored at their last step, "
        "except that a diverged run never solves the task.",
    ),
    (
        "gradient norm",
        "‖dl/ds_t‖₂: the total derivative of one example's readout loss with respect to the joint state at step t, h "
        "and c together where there are both, through all later steps (Pascanu et al. 2013). Taken in float64 on a "
        "fixed batch of validation examples; clipping plays no part in it.",
    ),
    (
        "survival",
        "Of the gradient norm with respect to the joint state: its mean over the evidence steps divided by its value "
        "at the first readout step, median over examples.",
    ),
    (
        "decay per step",
        "exp of the least-squares slope of the logarithm of that median norm against the distance, over the lag: the "
        "factor that a gradient keeps at each step back.",
    ),
    (
        "concordance",
        "Of two runs at the same lag and filler, of which one solved the task: how often that one had the larger "
        "survival at initialisation, a tie counting half (Harrell et al. 1982). One half tells nothing. Beside it that "
        "of the lag alone, across lags. Interval: bootstrap over models.",
    ),
    (
        "readable",
        "What a ridge readout finds of the answer in the state at a distance from the readout. A network that latches "
        "has a gradient near 0 and all of the information.",
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
        "(after Agarwal et al. 2021, who compare all runs with all). Its 95% interval is a bootstrap over seeds.",
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
        "Clopper & Pearson 1934. The use of confidence or fiducial limits illustrated in the case of the binomial. "
        "Biometrika 26",
        "https://doi.org/10.1093/biomet/26.4.404",
    ),
    (
        "de Leeuw, Hornik & Mair 2009. Isotone optimization in R: pool-adjacent-violators algorithm and active set "
        "methods. Journal of Statistical Software 32",
        "https://doi.org/10.18637/jss.v032.i05",
    ),
    (
        "Harrell, Califf, Pryor, Lee & Rosati 1982. Evaluating the yield of medical tests. JAMA 247",
        "https://doi.org/10.1001/jama.1982.03320430047030",
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
    ("Tallec & Ollivier 2018. Can recurrent neural networks warp time? ICLR", "https://arxiv.org/abs/1804.11188"),
]  # fmt: skip
"""Sources of definitions, tasks and models, and the address of each. Published scores carry their own source."""
