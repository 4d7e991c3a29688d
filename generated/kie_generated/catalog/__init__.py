"""kie.ai catalog: the low-level client, generated from its OpenAPI document."""
