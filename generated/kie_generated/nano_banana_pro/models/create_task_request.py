from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ...types import UNSET, Unset

if TYPE_CHECKING:
    from .nano_banana_pro_input import NanoBananaProInput


T = TypeVar("T", bound="CreateTaskRequest")


@_attrs_define
class CreateTaskRequest:
    """
    Attributes:
        model (Literal['nano-banana-pro']): The model name to use for generation. Required field.

            - Must be `nano-banana-pro` for this endpoint Default: 'nano-banana-pro'.
        input_ (NanoBananaProInput): Input parameters for the generation task
        call_back_url (str | Unset): The URL to receive generation task completion updates. Optional but recommended for
            production use.

            - System will POST task status and results to this URL when generation completes
            - Callback includes generated content URLs and task information
            - Your callback endpoint should accept POST requests with JSON payload containing results
            - Alternatively, use the Get Task Details endpoint to poll task status
    """

    input_: NanoBananaProInput
    model: Literal["nano-banana-pro"] = "nano-banana-pro"
    call_back_url: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        input_ = self.input_.to_dict()

        call_back_url = self.call_back_url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "input": input_,
            }
        )
        if call_back_url is not UNSET:
            field_dict["callBackUrl"] = call_back_url

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from .nano_banana_pro_input import NanoBananaProInput  # noqa: PLC0415

        d = dict(src_dict)
        model = cast(Literal["nano-banana-pro"], d.pop("model"))
        if model != "nano-banana-pro":
            raise ValueError(f"model must match const 'nano-banana-pro', got '{model}'")

        input_ = NanoBananaProInput.from_dict(d.pop("input"))

        call_back_url = d.pop("callBackUrl", UNSET)

        create_task_request = cls(
            model=model,
            input_=input_,
            call_back_url=call_back_url,
        )

        create_task_request.additional_properties = d
        return create_task_request

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
