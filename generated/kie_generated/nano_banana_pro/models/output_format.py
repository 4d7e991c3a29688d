from typing import Literal

OutputFormat = Literal["png", "jpg"]

OUTPUT_FORMAT_VALUES: tuple[OutputFormat, ...] = (
    "png",
    "jpg",
)


def check_output_format(value: str) -> OutputFormat:
    if value in OUTPUT_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OUTPUT_FORMAT_VALUES!r}")
