"""One run in a worker: a RunSpec goes in, a stream of events comes out."""
