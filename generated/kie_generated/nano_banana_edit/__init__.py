"""Google - Nano Banana Edit: the low-level client, generated from its OpenAPI document."""
