"""Contains all the data models used in inputs/outputs"""

from .upload_base_64_request import UploadBase64Request
from .upload_response import UploadResponse
from .upload_stream_request import UploadStreamRequest
from .upload_url_request import UploadUrlRequest
from .uploaded_file import UploadedFile

__all__ = (
    "UploadBase64Request",
    "UploadedFile",
    "UploadResponse",
    "UploadStreamRequest",
    "UploadUrlRequest",
)
