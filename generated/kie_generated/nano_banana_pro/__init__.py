"""Google - Nano Banana Pro: the low-level client, generated from its OpenAPI document."""
