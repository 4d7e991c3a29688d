"""Read a manifest in which each line is a JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from kie_registry.batches.manifests import json_text
from kie_registry.batches.manifests.lines import BrokenLine, Line, line_of
from kie_registry.batches.manifests.source import TextLines, UnusableLine

_HINT = "each line must be a JSON object of its own"


def read_jsonl(file: BinaryIO, name: str, defaults: Mapping[str, Any]) -> Iterator[Line | BrokenLine]:
    """Yield the lines of a JSONL file, as they are asked for; blank ones are left out."""
    lines = TextLines(file, name)
    while True:
        try:
            lines.size = 0
            text = next(lines).strip()
            if text:
                yield _line(lines.number, json_text.parse(text), defaults)
        except StopIteration:
            return
        except UnusableLine as error:
            yield BrokenLine.because(lines.number, str(error))
        except json_text.DuplicateKey as error:
            yield BrokenLine.because(lines.number, str(error))
        except ValueError as error:
            yield BrokenLine.because(lines.number, f"is no JSON: {error}; {_HINT}")


def _line(number: int, data: Any, defaults: Mapping[str, Any]) -> Line | BrokenLine:
    if not isinstance(data, dict):
        return BrokenLine.because(number, f"is no JSON object; {_HINT}")
    return line_of(number, data, defaults)
