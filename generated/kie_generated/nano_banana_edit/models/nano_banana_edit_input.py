from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ...types import UNSET, Unset
from .image_size import ImageSize, check_image_size
from .output_format import OutputFormat, check_output_format

T = TypeVar("T", bound="NanoBananaEditInput")


@_attrs_define
class NanoBananaEditInput:
    """Input parameters for the generation task

    Attributes:
        prompt (str): The prompt for image editing (Max length: 5000 characters)
        image_urls (list[str]): List of URLs of input images for editing,up to 10 images. (File URL after upload, not
            file content; Accepted types: image/jpeg, image/png, image/webp; Max size: 10.0MB)
        output_format (OutputFormat | Unset): Output format for the images Default: "png"
        image_size (ImageSize | Unset): Aspect ratio of the edited image Default: "1:1"
    """

    prompt: str
    image_urls: list[str]
    output_format: OutputFormat | Unset = UNSET
    image_size: ImageSize | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt = self.prompt

        image_urls = self.image_urls

        output_format: str | Unset = UNSET
        if not isinstance(self.output_format, Unset):
            output_format = self.output_format

        image_size: str | Unset = UNSET
        if not isinstance(self.image_size, Unset):
            image_size = self.image_size

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "prompt": prompt,
                "image_urls": image_urls,
            }
        )
        if output_format is not UNSET:
            field_dict["output_format"] = output_format
        if image_size is not UNSET:
            field_dict["image_size"] = image_size

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        prompt = d.pop("prompt")

        image_urls = cast(list[str], d.pop("image_urls"))

        _output_format = d.pop("output_format", UNSET)
        output_format: OutputFormat | Unset
        if isinstance(_output_format, Unset):
            output_format = UNSET
        else:
            output_format = check_output_format(_output_format)

        _image_size = d.pop("image_size", UNSET)
        image_size: ImageSize | Unset
        if isinstance(_image_size, Unset):
            image_size = UNSET
        else:
            image_size = check_image_size(_image_size)

        nano_banana_edit_input = cls(
            prompt=prompt,
            image_urls=image_urls,
            output_format=output_format,
            image_size=image_size,
        )

        nano_banana_edit_input.additional_properties = d
        return nano_banana_edit_input

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
