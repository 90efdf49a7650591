"""What flows back through time, and the other diagnostics of a network between two training steps."""
