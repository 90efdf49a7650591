"""What is asked: YAML in, signed RunSpecs out."""
