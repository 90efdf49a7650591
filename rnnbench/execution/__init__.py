"""Sends RunSpecs to workers and brings their events back. `base` defines what an executor is."""
