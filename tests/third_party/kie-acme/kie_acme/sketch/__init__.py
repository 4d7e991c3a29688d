from typing import Literal

from kie_registry import Adapter, Image, hookimpl, native


class Sketch(Adapter, contract="kie_acme.sketch", aliases=["sketch"]):
    """Turn a photo into a sketch."""

    prompt: str = native("text")
    image: Image = native("image_url")
    style: Literal["pencil", "ink"] | None = None


@hookimpl
def register_models(register):
    register(Sketch)
