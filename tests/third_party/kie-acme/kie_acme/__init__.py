"""Models of Acme for kie-registry."""
