from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ...types import UNSET, Unset

T = TypeVar("T", bound="GetModelPriceData")


@_attrs_define
class GetModelPriceData:
    """
    Attributes:
        model (None | str | Unset):
        pricing_desc (None | str | Unset):
    """

    model: None | str | Unset = UNSET
    pricing_desc: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        pricing_desc: None | str | Unset
        if isinstance(self.pricing_desc, Unset):
            pricing_desc = UNSET
        else:
            pricing_desc = self.pricing_desc

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if model is not UNSET:
            field_dict["model"] = model
        if pricing_desc is not UNSET:
            field_dict["pricingDesc"] = pricing_desc

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = cast("None | str | Unset", d.pop("model", UNSET))

        pricing_desc = cast("None | str | Unset", d.pop("pricingDesc", UNSET))

        get_model_price_data = cls(
            model=model,
            pricing_desc=pricing_desc,
        )

        get_model_price_data.additional_properties = d
        return get_model_price_data

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
