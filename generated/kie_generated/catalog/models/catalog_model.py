from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ...types import UNSET, Unset

T = TypeVar("T", bound="CatalogModel")


@_attrs_define
class CatalogModel:
    """
    Attributes:
        model (None | str | Unset):
        slug (None | str | Unset):
        title (None | str | Unset):
        provider (None | str | Unset):
        task_type (list[str] | None | Unset):
        description (None | str | Unset):
        pricing_desc (None | str | Unset):
    """

    model: None | str | Unset = UNSET
    slug: None | str | Unset = UNSET
    title: None | str | Unset = UNSET
    provider: None | str | Unset = UNSET
    task_type: list[str] | None | Unset = UNSET
    description: None | str | Unset = UNSET
    pricing_desc: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        slug: None | str | Unset
        if isinstance(self.slug, Unset):
            slug = UNSET
        else:
            slug = self.slug

        title: None | str | Unset
        if isinstance(self.title, Unset):
            title = UNSET
        else:
            title = self.title

        provider: None | str | Unset
        if isinstance(self.provider, Unset):
            provider = UNSET
        else:
            provider = self.provider

        task_type: list[str] | None | Unset
        if isinstance(self.task_type, Unset):
            task_type = UNSET
        elif isinstance(self.task_type, list):
            task_type = self.task_type

        else:
            task_type = self.task_type

        description: None | str | Unset
        if isinstance(self.description, Unset):
            description = UNSET
        else:
            description = self.description

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
        if slug is not UNSET:
            field_dict["slug"] = slug
        if title is not UNSET:
            field_dict["title"] = title
        if provider is not UNSET:
            field_dict["provider"] = provider
        if task_type is not UNSET:
            field_dict["taskType"] = task_type
        if description is not UNSET:
            field_dict["description"] = description
        if pricing_desc is not UNSET:
            field_dict["pricingDesc"] = pricing_desc

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = cast("None | str | Unset", d.pop("model", UNSET))

        slug = cast("None | str | Unset", d.pop("slug", UNSET))

        title = cast("None | str | Unset", d.pop("title", UNSET))

        provider = cast("None | str | Unset", d.pop("provider", UNSET))

        def _parse_task_type(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                task_type_type_0 = cast(list[str], data)

                return task_type_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("list[str] | None | Unset", data)

        task_type = _parse_task_type(d.pop("taskType", UNSET))

        description = cast("None | str | Unset", d.pop("description", UNSET))

        pricing_desc = cast("None | str | Unset", d.pop("pricingDesc", UNSET))

        catalog_model = cls(
            model=model,
            slug=slug,
            title=title,
            provider=provider,
            task_type=task_type,
            description=description,
            pricing_desc=pricing_desc,
        )

        catalog_model.additional_properties = d
        return catalog_model

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
