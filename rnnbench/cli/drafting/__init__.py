"""A first experiment for a file of the user's own: what `rnnbench new experiment` writes."""
