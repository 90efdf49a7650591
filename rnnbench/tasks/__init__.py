"""The tasks. One file a task, found by its registration; `base` says what a task is."""
