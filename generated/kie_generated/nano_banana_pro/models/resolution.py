from typing import Literal

Resolution = Literal["1K", "2K", "4K"]

RESOLUTION_VALUES: tuple[Resolution, ...] = (
    "1K",
    "2K",
    "4K",
)


def check_resolution(value: str) -> Resolution:
    if value in RESOLUTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RESOLUTION_VALUES!r}")
