"""Seeing to many jobs at once, on one machine or on many."""
