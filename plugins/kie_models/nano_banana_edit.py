"""Google's Nano Banana Edit."""

from kie_generated.nano_banana_edit.models.image_size import ImageSize
from kie_generated.nano_banana_edit.models.output_format import OutputFormat

from kie_registry import Adapter, Images, RegisterModel, hookimpl, native


class NanoBananaEdit(Adapter, contract="nano_banana_edit", aliases=["nano-banana-edit"]):
    """Edit one to ten images after a text instruction, with Google's Nano Banana Edit."""

    prompt: str
    images: Images = native("image_urls")
    aspect_ratio: ImageSize | None = native("image_size", default=None)
    output_format: OutputFormat | None = None


@hookimpl
def register_models(register: RegisterModel) -> None:
    """Register the model of this module."""
    register(NanoBananaEdit)
