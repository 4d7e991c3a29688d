from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ...types import UNSET, Unset
from .aspect_ratio import AspectRatio, check_aspect_ratio
from .output_format import OutputFormat, check_output_format
from .resolution import Resolution, check_resolution

T = TypeVar("T", bound="NanoBananaProInput")


@_attrs_define
class NanoBananaProInput:
    """Input parameters for the generation task

    Attributes:
        prompt (str): A text description of the image you want to generate (Max length: 10000 characters)
        image_input (list[str] | Unset): Input images to transform or use as reference (supports up to 8 images) (File
            URL after upload, not file content; Accepted types: image/jpeg, image/png, image/webp; Max size: 30.0MB)
        aspect_ratio (AspectRatio | Unset): Aspect ratio of the generated image Default: "1:1"
        resolution (Resolution | Unset): Resolution of the generated image Default: "1K"
        output_format (OutputFormat | Unset): Format of the output image Default: "png"
    """

    prompt: str
    image_input: list[str] | Unset = UNSET
    aspect_ratio: AspectRatio | Unset = UNSET
    resolution: Resolution | Unset = UNSET
    output_format: OutputFormat | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        image_input: list[str] | Unset = UNSET
        if not isinstance(self.image_input, Unset):
            image_input = self.image_input

        aspect_ratio: str | Unset = UNSET
        if not isinstance(self.aspect_ratio, Unset):
            aspect_ratio = self.aspect_ratio

        resolution: str | Unset = UNSET
        if not isinstance(self.resolution, Unset):
            resolution = self.resolution

        output_format: str | Unset = UNSET
        if not isinstance(self.output_format, Unset):
            output_format = self.output_format

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "prompt": prompt,
            }
        )
        if image_input is not UNSET:
            field_dict["image_input"] = image_input
        if aspect_ratio is not UNSET:
            field_dict["aspect_ratio"] = aspect_ratio
        if resolution is not UNSET:
            field_dict["resolution"] = resolution
        if output_format is not UNSET:
            field_dict["output_format"] = output_format

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        prompt = d.pop("prompt")

        image_input = cast(list[str], d.pop("image_input", UNSET))

        _aspect_ratio = d.pop("aspect_ratio", UNSET)
        aspect_ratio: AspectRatio | Unset
        if isinstance(_aspect_ratio, Unset):
            aspect_ratio = UNSET
        else:
            aspect_ratio = check_aspect_ratio(_aspect_ratio)

        _resolution = d.pop("resolution", UNSET)
        resolution: Resolution | Unset
        if isinstance(_resolution, Unset):
            resolution = UNSET
        else:
            resolution = check_resolution(_resolution)

        _output_format = d.pop("output_format", UNSET)
        output_format: OutputFormat | Unset
        if isinstance(_output_format, Unset):
            output_format = UNSET
        else:
            output_format = check_output_format(_output_format)

        nano_banana_pro_input = cls(
            prompt=prompt,
            image_input=image_input,
            aspect_ratio=aspect_ratio,
            resolution=resolution,
            output_format=output_format,
        )

        nano_banana_pro_input.additional_properties = d
        return nano_banana_pro_input

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
