"""Run openapi-python-client with our configuration and templates, and the formatter after it."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kie_registry.errors import SpecError
from kie_registry.schemas import alternatives, parameters, required
from kie_registry.specs.documents import Json, walk

_HERE = Path(__file__).parent
_TEMPLATES = _HERE / "templates"
_FORMATTER = (
    "--isolated",
    "--no-cache",
    "--no-respect-gitignore",
    "--quiet",
    "--target-version=py311",
    "--line-length=100",
)


def run_generator(slug: str, document: Json, target: Path) -> None:
    """Let openapi-python-client write the package for `document` into the directory `target`.

    Raises:
        SpecError: It refuses the document, or would leave something out; `slug` is named.
    """
    try:
        from openapi_python_client import Project
        from openapi_python_client.config import Config, ConfigFile, MetaType
        from openapi_python_client.parser import GeneratorData
        from openapi_python_client.parser.errors import GeneratorError
    except ImportError as error:
        raise SpecError("generating needs the extra 'codegen': pip install 'kie-registry[codegen]'") from error
    config = Config.from_sources(
        ConfigFile.load_from_path(_HERE / "openapi-python-client.yaml"),
        MetaType.NONE,
        document_source=target,
        file_encoding="utf-8",
        overwrite=True,
        output_path=target,
    )
    with _told_of(slug):
        data = GeneratorData.from_dict(_for_the_generator(document), config=config)
    if isinstance(data, GeneratorError):
        raise SpecError(f"{slug}: the generator refuses it: {data.header} {data.detail or ''}")
    if folders := sorted(set(data.endpoint_collections_by_tag) - {"default"}):
        raise SpecError(f"{slug}: operations with tags would be left out; remove {', '.join(folders)}")
    project = Project(openapi=data, config=config, custom_template_path=_TEMPLATES)
    project.env.bytecode_cache = _compiled_templates()
    project.env.globals["spec_order"] = {
        name: [value for value in schema["enum"] if value is not None]
        for name, schema in document["components"]["schemas"].items()
        if "enum" in schema
    }
    with _told_of(slug):
        errors = _build_quietly(project)
    if errors:
        details = "; ".join(f"{error.header} {error.detail or ''}".strip() for error in errors)
        raise SpecError(f"{slug}: the generator leaves something out: {details}")


@contextlib.contextmanager
def _told_of(slug: str) -> Iterator[None]:
    """Name the spec: for what it cannot take, the generator also raises whatever happens to be raised."""
    try:
        yield
    except Exception as error:
        raise SpecError(f"{slug}: the generator fails at it: {type(error).__name__}: {error}") from error


@functools.cache
def _compiled_templates() -> Any:
    """Return a cache that all specs share: compiling the templates takes four fifths of the time otherwise."""
    from jinja2 import BytecodeCache
    from jinja2.bccache import Bucket

    class InMemory(BytecodeCache):
        def __init__(self) -> None:
            self._compiled: dict[str, bytes] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            if bucket.key in self._compiled:
                bucket.bytecode_from_string(self._compiled[bucket.key])

        def dump_bytecode(self, bucket: Bucket) -> None:
            self._compiled[bucket.key] = bucket.bytecode_to_string()

    return InMemory()


def _build_quietly(project: Any) -> list[Any]:
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        return list(project.build())


def _for_the_generator(document: Json) -> Json:
    """Return `document` as the generator can take it; nothing of this reaches the contract.

    Inputs made of alternatives become the union of their parameters, and enums for which Python has no Literal
    become their type. Defaults of optional parameters become words: the generated classes would send a default
    that the caller never gave.
    """
    seen = copy.deepcopy(document)
    schemas = seen["components"]["schemas"]
    for name, schema in schemas.items():
        if alternatives(schema) or schema.get("allOf"):
            schemas[name] = _union(schema)
        for _, node in walk(schemas[name]):
            if {type(value) for value in node.get("enum", ()) if value is not None} not in (set(), {str}, {int}):
                del node["enum"]
    for schema in schemas.values():
        for name in schema.get("properties", {}):
            _word_default(schema, name, schemas)
    return seen


def _union(schema: Json) -> Json:
    return {
        "type": "object",
        "description": schema.get("description", ""),
        "properties": parameters(schema),
        "required": sorted(required(schema)),
    }


def _word_default(schema: Json, name: str, schemas: Json) -> None:
    parameter = target = schema["properties"][name]
    if "$ref" in parameter:
        target = schemas[parameter["$ref"].rsplit("/", 1)[-1]]
    if "default" not in target:
        return
    default = target["default"]
    if name not in schema.get("required", ()):
        del target["default"]
        said = target.get("description", "").rstrip()
        target["description"] = f"{said} Default: {json.dumps(default)}".strip()
    elif target is not parameter:
        # The generator overlooks the default of a schema that is only referred to.
        schema["properties"][name] = {"allOf": [parameter], "default": default}


def format_code(directory: Path) -> None:
    """Format the code in `directory`, with the pinned formatter and none of the user's settings."""
    lint = ["check", "--fix-only", "--select=I,F401,F811,UP", *_FORMATTER]
    for command in (lint, ["format", *_FORMATTER]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(directory)], check=True)  # noqa: S603
