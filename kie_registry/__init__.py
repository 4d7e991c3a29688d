"""One call for every kie.ai model."""
