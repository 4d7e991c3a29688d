"""Documentation pages for tests, written as kie.ai writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROMPT = {"type": "string", "description": "What to make.", "maxLength": 100}


def document(model: str, title: str = "Acme - Kite", **parameters: Any) -> dict[str, Any]:
    """Return the OpenAPI document of a model with a prompt and further parameters."""
    properties = {"prompt": PROMPT, **parameters}
    body = {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": {"type": "string", "enum": [model]},
            "input": {"type": "object", "required": ["prompt"], "properties": properties},
        },
    }
    content = {"application/json": {"schema": body, "example": {"model": model, "input": {"prompt": "a kite"}}}}
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": "1.0.0"},
        "paths": {
            "/api/v1/jobs/createTask": {
                "post": {
                    "summary": title,
                    "requestBody": {"content": content},
                    "responses": {"200": {"description": "ok"}},
                }
            }
        },
    }


def page(model: str, title: str = "Acme - Kite", **parameters: Any) -> str:
    """Return the page of a model."""
    return around(json.dumps(document(model, title, **parameters), indent=2), title)


def around(text: str, title: str = "Acme - Kite") -> str:
    """Return a page with `text` in the place of its document."""
    return f"# {title}\n\n## OpenAPI Specification\n\n```yaml\n{text}\n```\n"


def write(path: Path, model: str, title: str = "Acme - Kite", **parameters: Any) -> Path:
    """Write the page of a model, and return where it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(model, title, **parameters), "utf-8")
    return path
