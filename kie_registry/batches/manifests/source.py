"""The lines of a text file, one after the other, numbered, none of them larger than memory can hold."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from kie_registry.errors import InvalidRequest

MAX_LINE = 1 << 20
"""The most bytes that one line of a manifest may have."""

_CHUNK = 1 << 16
_OTHER_TEXTS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


class UnusableLine(ValueError):
    """A line that cannot be read; the message says why. The next one can be asked for."""


class TextLines:
    """An iterator over the lines of a file, with their ends.

    Args:
        file: The file, opened in binary mode. It must be UTF-8; a byte order mark is skipped.
        name: What to call it in messages.

    Attributes:
        number: The number of the line that was asked for last, from 1.
        size: The bytes that were read since somebody set it to 0.

    Raises:
        InvalidRequest: It is in another encoding.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.number = 0
        self.size = 0
        self._file = file
        head = file.read(len(codecs.BOM_UTF8))
        if (encoding := _OTHER_TEXTS.get(head[:2])) is not None:
            raise InvalidRequest(f"{name}: is {encoding} and not UTF-8; save it as UTF-8")
        self._left = b"" if head == codecs.BOM_UTF8 else head

    def __iter__(self) -> TextLines:
        return self

    def __next__(self) -> str:
        """Return the next line.

        Raises:
            UnusableLine: It is too long, or not UTF-8.
        """
        line = self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.size += len(line)
        if len(line) > MAX_LINE or self.size > MAX_LINE:
            self._skip(line)
            raise UnusableLine(f"has more than {MAX_LINE:,} bytes, the most that a line may have")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            wrong = f"0x{line[error.start]:02x}, its byte {error.start + 1},"
            raise UnusableLine(f"is not UTF-8: {wrong} is no character; save the file as UTF-8") from None

    def _read(self) -> bytes:
        left, self._left = self._left, b""
        if b"\n" in left:
            # Only where the first lines have no more than two bytes.
            at = left.index(b"\n") + 1
            self._left = left[at:]
            return left[:at]
        return left + self._file.readline(MAX_LINE + 1 - len(left))

    def _skip(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._file.readline(_CHUNK)
