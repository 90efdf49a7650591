"""Text for people and machines: counts, Markdown, strict JSON, and passwords kept out of all of it."""
