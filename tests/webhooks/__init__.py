"""Callbacks: their signature, what they say, and what takes them."""
