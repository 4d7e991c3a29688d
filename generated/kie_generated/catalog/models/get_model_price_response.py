from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ...types import UNSET, Unset

if TYPE_CHECKING:
    from .get_model_price_data import GetModelPriceData


T = TypeVar("T", bound="GetModelPriceResponse")


@_attrs_define
class GetModelPriceResponse:
    """
    Attributes:
        code (int | None | Unset):
        msg (None | str | Unset):
        data (GetModelPriceData | None | Unset):
    """

    code: int | None | Unset = UNSET
    msg: None | str | Unset = UNSET
    data: GetModelPriceData | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from .get_model_price_data import GetModelPriceData  # noqa: PLC0415

        code: int | None | Unset
        if isinstance(self.code, Unset):
            code = UNSET
        else:
            code = self.code

        msg: None | str | Unset
        if isinstance(self.msg, Unset):
            msg = UNSET
        else:
            msg = self.msg

        data: dict[str, Any] | None | Unset
        if isinstance(self.data, Unset):
            data = UNSET
        elif isinstance(self.data, GetModelPriceData):
            data = self.data.to_dict()
        else:
            data = self.data

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if code is not UNSET:
            field_dict["code"] = code
        if msg is not UNSET:
            field_dict["msg"] = msg
        if data is not UNSET:
            field_dict["data"] = data

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from .get_model_price_data import GetModelPriceData  # noqa: PLC0415

        d = dict(src_dict)
        code = cast("int | None | Unset", d.pop("code", UNSET))

        msg = cast("None | str | Unset", d.pop("msg", UNSET))

        def _parse_data(data: object) -> GetModelPriceData | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                data_type_1 = GetModelPriceData.from_dict(data)

                return data_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("GetModelPriceData | None | Unset", data)

        data = _parse_data(d.pop("data", UNSET))

        get_model_price_response = cls(
            code=code,
            msg=msg,
            data=data,
        )

        get_model_price_response.additional_properties = d
        return get_model_price_response

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
