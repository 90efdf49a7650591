"""`rnnbench bench`: a training step of the suite's layers against its peers and against bare matrix products."""
