"""The tasks, one file each, found through the registry; `base` defines the contract."""
