"""Manifests: the jobs of a batch, as people and programs name them."""
