"""One experiment from its plan to its report."""
