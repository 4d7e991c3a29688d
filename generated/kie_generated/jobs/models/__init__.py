"""Contains all the data models used in inputs/outputs"""

from .create_task_data import CreateTaskData
from .create_task_request import CreateTaskRequest
from .create_task_response import CreateTaskResponse
from .get_credits_response import GetCreditsResponse
from .get_download_url_request import GetDownloadUrlRequest
from .get_download_url_response import GetDownloadUrlResponse
from .get_task_response import GetTaskResponse
from .task_input import TaskInput
from .task_record import TaskRecord

__all__ = (
    "CreateTaskData",
    "CreateTaskRequest",
    "CreateTaskResponse",
    "GetCreditsResponse",
    "GetDownloadUrlRequest",
    "GetDownloadUrlResponse",
    "GetTaskResponse",
    "TaskInput",
    "TaskRecord",
)
