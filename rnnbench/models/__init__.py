"""The recurrent architectures. One file each, found through its registration; `base` says what a model is."""
