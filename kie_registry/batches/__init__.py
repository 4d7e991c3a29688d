"""Batches: thousands of jobs from a manifest, on one machine or on many, each paid once."""
