"""Contains all the data models used in inputs/outputs"""

from .create_task_data import CreateTaskData
from .create_task_request import CreateTaskRequest
from .create_task_response import CreateTaskResponse
from .image_size import ImageSize
from .nano_banana_edit_input import NanoBananaEditInput
from .output_format import OutputFormat

__all__ = (
    "CreateTaskData",
    "CreateTaskRequest",
    "CreateTaskResponse",
    "ImageSize",
    "NanoBananaEditInput",
    "OutputFormat",
)
