"""The figures of the report. One file a figure, found by its registration; `base` says what a figure is."""
