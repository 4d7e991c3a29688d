"""Plans: the jobs of a batch, checked, and known again."""
