"""Tables and statistics of results: no store, no TensorFlow."""
