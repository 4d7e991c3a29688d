"""Make a plugin: a distribution of one or more models, ready to publish, from their pages."""

from __future__ import annotations

import ast
import datetime
import json
import keyword
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen

from kie_registry import schemas
from kie_registry._version import __version__
from kie_registry.building import build_adapter
from kie_registry.contract import Contract
from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json
from kie_registry.specs.published import Published
from kie_registry.specs.scaffold import Addition, Project, add_model
from kie_registry.specs.sentences import sentence

_TEMPLATE = Path(__file__).parent / "plugin_template"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)
_OURS = frozenset({"kie_registry", "kie_generated", "kie_models"})
# What stands in the README for a file, and for a value that the page gives no short example of.
_FILES = {"image": "photo.jpg", "video": "clip.mp4", "audio": "voice.mp3"}
_SHORT = 200


@frozen
class Plugin:
    """A plugin that was made.

    Attributes:
        directory: Where it is.
        models: The ids of its models.
    """

    directory: Path
    models: tuple[str, ...]


@frozen
class _Model:
    """What the template says of one model."""

    id: str
    names: list[str]
    module: str
    class_name: str
    sentence: str
    call: str


def new_plugin(
    documents: Iterable[tuple[str, Published]],
    *,
    name: str,
    out: Path,
    today: datetime.date,
    on_failure: Callable[[SpecError], None],
) -> Plugin:
    """Make a plugin called `name` in the directory `out`, of the models that `documents` describe.

    Args:
        documents: Each with the name of the file or the address that it was read from.
        name: The name of the distribution; its import name is made from it.
        out: A directory that is empty, or not there yet.
        today: The date for the provenance of the specs.
        on_failure: Called for each document that cannot be used; the others are.

    Raises:
        SpecError: The name cannot be used, `out` cannot be written or holds something, or none of the
            documents can be used; nothing was written then.
    """
    package = import_name(name)
    _check_empty(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=f".{name}-") as scratch:
            made = Path(scratch) / name
            source = made / "src" / package
            source.mkdir(parents=True)
            project = Project(made / "specs", source / "clients", f"{package}.clients", source, package, None)
            additions = _add_all(documents, project, today=today, on_failure=on_failure)
            models = [_of(addition) for addition in additions]
            _render(made, name=name, package=package, models=models, year=str(today.year))
            if out.exists():
                out.rmdir()
            shutil.move(made, out)
    except OSError as error:
        raise SpecError(f"{out}: cannot be written: {error.strerror or error}") from error
    return Plugin(out, tuple(model.id for model in models))


def import_name(name: str) -> str:
    """Return the import name for a distribution called `name`.

    Raises:
        SpecError: It is no name of a distribution, or its import name would be no name or another's.
    """
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"{name!r} is no name of a distribution: letters, digits and . _ - between them, as in kie-flux"
        )
    package = re.sub(r"[-_.]+", "_", name).lower()
    better = f"{name.lower()}-models" if package.startswith("kie") else f"kie-{name.lower()}"
    if not package.isidentifier() or keyword.iskeyword(package):
        raise SpecError(f"{name!r} would be imported as {package}, which Python cannot import; try {better}")
    if package in _OURS or package in sys.stdlib_module_names:
        raise SpecError(f"{name!r} would be imported as {package}, which is there already; try {better}")
    owners = {re.sub(r"[-_.]+", "-", owner).lower() for owner in packages_distributions().get(package, ())}
    if owners - {re.sub(r"[-_.]+", "-", name).lower()}:
        raise SpecError(
            f"{name!r} would be imported as {package}, as {' and '.join(sorted(owners))} is; try {better}"
        )
    return package


def _check_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SpecError(f"{out}: is there already, and a plugin needs a directory of its own; name another")


def _add_all(
    documents: Iterable[tuple[str, Published]],
    project: Project,
    *,
    today: datetime.date,
    on_failure: Callable[[SpecError], None],
) -> Collection[Addition]:
    added: dict[str, Addition] = {}
    for read_from, published in documents:
        try:
            addition = add_model(published, project, source=read_from, today=today, replace=True)
        except SpecError as error:
            on_failure(error)
        else:
            added[addition.id] = addition
    if not added:
        raise SpecError("no plugin was made, because there is no model for it")
    return added.values()


def _render(made: Path, **values: Any) -> None:
    """Let cookiecutter write the files around the models; it runs no hooks and keeps nothing of ours."""
    try:
        from cookiecutter.generate import generate_files  # type: ignore[import-untyped]
    except ImportError as error:
        raise SpecError("making plugins needs the extra 'codegen': pip install 'kie-registry[codegen]'") from error
    version = ".".join(__version__.split(".")[:2])
    generate_files(
        _TEMPLATE,
        {"cookiecutter": {**values, "registry_version": version}},
        made.parent,
        overwrite_if_exists=True,
        accept_hooks=False,
    )


def _of(addition: Addition) -> _Model:
    tree = ast.parse(addition.adapter.read_text("utf-8"))
    class_name = next(node.name for node in tree.body if isinstance(node, ast.ClassDef))
    return _Model(
        addition.id,
        addition.names,
        addition.adapter.stem,
        class_name,
        sentence(addition.contract),
        f"{class_name}({_arguments(addition.contract)})",
    )


def _arguments(contract: Json) -> str:
    """Return what a call of the model must be given, as Python."""
    parameters, required = schemas.parameters(contract["input"]), schemas.required(contract["input"])
    built = build_adapter(Contract.from_json(contract), slug=contract["slug"])
    example = contract["example"] or {}
    given = [
        f"{field}={_value(field, name, parameters[name], contract, example)}"
        for field, name in built.parameter_names.items()
        if field == "prompt" or (name in required and "default" not in parameters[name])
    ]
    return ", ".join(given)


def _value(field: str, name: str, schema: schemas.Schema, contract: Json, example: Json) -> str:
    if field == "prompt":
        return '"a lighthouse at dawn"'
    if name in contract["media"]:
        file = _FILES.get(contract["media"][name].get("kind", "image"), "file")
        return json.dumps([file] if "array" in schemas.types(schema) else file)
    shown = repr(example.get(name, "..."))
    if len(shown) <= _SHORT and shown.isascii() and "`" not in shown:
        return shown
    kind = next(iter(schemas.types(schema)), "")
    return {"string": '"..."', "array": "[...]", "object": "{...}"}.get(kind, "...")
