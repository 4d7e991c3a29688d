"""Batches on many machines: a queue in PostgreSQL, and workers."""
