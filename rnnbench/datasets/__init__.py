"""Real data: where they are, what is there, how they are prepared and read."""
