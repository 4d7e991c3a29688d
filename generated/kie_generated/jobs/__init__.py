"""kie.ai jobs: the low-level client, generated from its OpenAPI document."""
