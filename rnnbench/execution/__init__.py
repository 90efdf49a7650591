"""Carries RunSpecs to workers and brings their events back. `base` says what an executor is."""
