"""The flows: submitting, waiting, uploading, saving. Each is a generator of effects, without I/O of its own."""
