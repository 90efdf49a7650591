"""Which code a result comes from: versions of the built-in parts, and digests of plug-ins, which run as hashed."""
