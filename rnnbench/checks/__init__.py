"""The checks that a correct suite passes; `rnnbench validate` and the tests run the same ones.

Each is a small function that yields findings: what is expected, what was found, the tolerance, and the source.

 1. copy-memory: its layout, and the cross entropy of a memoryless answer
 2. adding: its marks, and the error of answering 1
 3. initial weights and parameter counts
 4. the gradient probe against finite differences, for every registered model
 5. sigma_max(U)^lag bounds the gradient of SimpleRNN; the spectral radius does not
 6. decay of the gradient per step at initialisation
 7. SimpleRNN does not learn to add over 200 steps                  (trains)
 8. GRU and LSTM learn to add over 50 steps                         (trains)
 9. no cell recalls what it cannot in 600 steps: a leak would show  (trains)
10. every cell recalls what it can                                  (trains)
11. the naive forecast on every test window of ETTh1                (needs the data)
12. the statistics on hand-made tables
13. an untrained network, and one of shuffled answers, have no memory horizon
14. SimpleRNN at one fixed lag is called a clock                    (trains)
15. GRU with chrono initialisation and uniform lags is none         (trains)
16. asked at every step, a network needs the marker                 (trains)
17. a frozen SimpleRNN passes blanks and no distractors
18. data that ask nothing, one seed, all diverged: true verdicts
19. networks set by hand: a latch, a latch on the first step, a delay line
20. the known order in which LSTMs learn                            (trains)

Every registered task and model, plug-ins included, must also keep its contract: `contracts`.
"""
