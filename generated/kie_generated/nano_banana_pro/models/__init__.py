"""Contains all the data models used in inputs/outputs"""

from .aspect_ratio import AspectRatio
from .create_task_data import CreateTaskData
from .create_task_request import CreateTaskRequest
from .create_task_response import CreateTaskResponse
from .nano_banana_pro_input import NanoBananaProInput
from .output_format import OutputFormat
from .resolution import Resolution

__all__ = (
    "AspectRatio",
    "CreateTaskData",
    "CreateTaskRequest",
    "CreateTaskResponse",
    "NanoBananaProInput",
    "OutputFormat",
    "Resolution",
)
