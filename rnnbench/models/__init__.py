"""The recurrent architectures. One file each, found by its registration; `base` says what a model is."""
