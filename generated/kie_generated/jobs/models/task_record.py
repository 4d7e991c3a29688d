from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ...types import UNSET, Unset

T = TypeVar("T", bound="TaskRecord")


@_attrs_define
class TaskRecord:
    """
    Attributes:
        task_id (None | str | Unset):
        model (None | str | Unset):
        state (None | str | Unset): waiting, queuing, generating, success or fail; others may come.
        param (None | str | Unset): The request as a JSON string; its `input` may again be a JSON string.
        result_json (None | str | Unset): The result as a JSON string; empty until success.
        fail_code (None | str | Unset):
        fail_msg (None | str | Unset):
        cost_time (int | None | Unset): Documented in milliseconds, reported in seconds.
        create_time (int | None | Unset): Milliseconds since 1970 (UTC), as are the other times.
        update_time (int | None | Unset):
        complete_time (int | None | Unset):
        progress (float | None | Unset): 0 to 100; rarely filled.
        credits_consumed (float | None | Unset):
    """

    task_id: None | str | Unset = UNSET
    model: None | str | Unset = UNSET
    state: None | str | Unset = UNSET
    param: None | str | Unset = UNSET
    result_json: None | str | Unset = UNSET
    fail_code: None | str | Unset = UNSET
    fail_msg: None | str | Unset = UNSET
    cost_time: int | None | Unset = UNSET
    create_time: int | None | Unset = UNSET
    update_time: int | None | Unset = UNSET
    complete_time: int | None | Unset = UNSET
    progress: float | None | Unset = UNSET
    credits_consumed: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        task_id: None | str | Unset
        if isinstance(self.task_id, Unset):
            task_id = UNSET
        else:
            task_id = self.task_id

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        state: None | str | Unset
        if isinstance(self.state, Unset):
            state = UNSET
        else:
            state = self.state

        param: None | str | Unset
        if isinstance(self.param, Unset):
            param = UNSET
        else:
            param = self.param

        result_json: None | str | Unset
        if isinstance(self.result_json, Unset):
            result_json = UNSET
        else:
            result_json = self.result_json

        fail_code: None | str | Unset
        if isinstance(self.fail_code, Unset):
            fail_code = UNSET
        else:
            fail_code = self.fail_code

        fail_msg: None | str | Unset
        if isinstance(self.fail_msg, Unset):
            fail_msg = UNSET
        else:
            fail_msg = self.fail_msg

        cost_time: int | None | Unset
        if isinstance(self.cost_time, Unset):
            cost_time = UNSET
        else:
            cost_time = self.cost_time

        create_time: int | None | Unset
        if isinstance(self.create_time, Unset):
            create_time = UNSET
        else:
            create_time = self.create_time

        update_time: int | None | Unset
        if isinstance(self.update_time, Unset):
            update_time = UNSET
        else:
            update_time = self.update_time

        complete_time: int | None | Unset
        if isinstance(self.complete_time, Unset):
            complete_time = UNSET
        else:
            complete_time = self.complete_time

        progress: float | None | Unset
        if isinstance(self.progress, Unset):
            progress = UNSET
        else:
            progress = self.progress

        credits_consumed: float | None | Unset
        if isinstance(self.credits_consumed, Unset):
            credits_consumed = UNSET
        else:
            credits_consumed = self.credits_consumed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if task_id is not UNSET:
            field_dict["taskId"] = task_id
        if model is not UNSET:
            field_dict["model"] = model
        if state is not UNSET:
            field_dict["state"] = state
        if param is not UNSET:
            field_dict["param"] = param
        if result_json is not UNSET:
            field_dict["resultJson"] = result_json
        if fail_code is not UNSET:
            field_dict["failCode"] = fail_code
        if fail_msg is not UNSET:
            field_dict["failMsg"] = fail_msg
        if cost_time is not UNSET:
            field_dict["costTime"] = cost_time
        if create_time is not UNSET:
            field_dict["createTime"] = create_time
        if update_time is not UNSET:
            field_dict["updateTime"] = update_time
        if complete_time is not UNSET:
            field_dict["completeTime"] = complete_time
        if progress is not UNSET:
            field_dict["progress"] = progress
        if credits_consumed is not UNSET:
            field_dict["creditsConsumed"] = credits_consumed

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        task_id = cast("None | str | Unset", d.pop("taskId", UNSET))

        model = cast("None | str | Unset", d.pop("model", UNSET))

        state = cast("None | str | Unset", d.pop("state", UNSET))

        param = cast("None | str | Unset", d.pop("param", UNSET))

        result_json = cast("None | str | Unset", d.pop("resultJson", UNSET))

        fail_code = cast("None | str | Unset", d.pop("failCode", UNSET))

        fail_msg = cast("None | str | Unset", d.pop("failMsg", UNSET))

        cost_time = cast("int | None | Unset", d.pop("costTime", UNSET))

        create_time = cast("int | None | Unset", d.pop("createTime", UNSET))

        update_time = cast("int | None | Unset", d.pop("updateTime", UNSET))

        complete_time = cast("int | None | Unset", d.pop("completeTime", UNSET))

        progress = cast("float | None | Unset", d.pop("progress", UNSET))

        credits_consumed = cast("float | None | Unset", d.pop("creditsConsumed", UNSET))

        task_record = cls(
            task_id=task_id,
            model=model,
            state=state,
            param=param,
            result_json=result_json,
            fail_code=fail_code,
            fail_msg=fail_msg,
            cost_time=cost_time,
            create_time=create_time,
            update_time=update_time,
            complete_time=complete_time,
            progress=progress,
            credits_consumed=credits_consumed,
        )

        task_record.additional_properties = d
        return task_record

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
