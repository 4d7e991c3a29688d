"""Google's Nano Banana Pro."""

from kie_generated.nano_banana_pro.models.aspect_ratio import AspectRatio
from kie_generated.nano_banana_pro.models.output_format import OutputFormat
from kie_generated.nano_banana_pro.models.resolution import Resolution

from kie_registry import Adapter, Images, RegisterModel, hookimpl, native


class NanoBananaPro(Adapter, contract="nano_banana_pro"):
    """Make an image from text and up to eight reference images, with Google's Nano Banana Pro."""

    prompt: str
    images: Images | None = native("image_input", default=None)
    aspect_ratio: AspectRatio | None = None
    resolution: Resolution | None = None
    output_format: OutputFormat | None = None


@hookimpl
def register_models(register: RegisterModel) -> None:
    """Register the model of this module."""
    register(NanoBananaPro)
