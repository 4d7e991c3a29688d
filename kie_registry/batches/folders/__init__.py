"""The output folder of a batch."""
