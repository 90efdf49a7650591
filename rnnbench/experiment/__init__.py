"""From an experiment file to its runs: YAML in, signed RunSpecs out."""
