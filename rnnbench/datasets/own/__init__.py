"""The user's own files: where they are, how they are read, split and completed."""
