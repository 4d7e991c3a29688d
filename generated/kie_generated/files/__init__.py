"""kie.ai file upload: the low-level client, generated from its OpenAPI document."""
