"""Text for people and machines: counts, Markdown, strict JSON, and the masking of passwords."""
