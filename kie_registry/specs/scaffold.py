"""Add a model to a project: its spec, its client, its entry points, and an adapter file to start from.

A project is a checkout of this repository, or a plugin distribution. What fails leaves nothing behind.
"""

from __future__ import annotations

import ast
import datetime
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from kie_registry import schemas
from kie_registry.contract import package_name
from kie_registry.errors import SpecError
from kie_registry.specs.adapters import adapter_source, short_name
from kie_registry.specs.codegen import generate
from kie_registry.specs.documents import Json
from kie_registry.specs.entry_points import add_entry_points
from kie_registry.specs.published import Published
from kie_registry.specs.undo import undone_on_failure
from kie_registry.specs.vendor import keep


@frozen
class Project:
    """Where a project keeps what belongs to its models.

    Attributes:
        specs: The directory of the vendored specs.
        clients: The directory of the package with the generated clients.
        clients_name: The import name of that package.
        adapters: The directory of the package with the adapters.
        adapters_name: The import name of that package.
        pyproject: The file with the entry points; None where they are written otherwise.
    """

    specs: Path
    clients: Path
    clients_name: str
    adapters: Path
    adapters_name: str
    pyproject: Path | None

    @classmethod
    def checkout(cls, root: Path) -> Project:
        """Return the layout of a checkout of this repository.

        Raises:
            SpecError: There is none at `root`.
        """
        pyproject = root / "pyproject.toml"
        try:
            name = tomllib.loads(pyproject.read_text("utf-8"))["project"]["name"]
        except (OSError, ValueError, LookupError, TypeError):
            name = None
        if name != "kie-registry":
            raise SpecError(
                f"{root} holds no checkout of kie-registry. `kie specs add` works in one; "
                "`kie models add` adds a model for yourself, `kie plugins new` makes a distribution of it"
            )
        generated = root / "generated" / "kie_generated"
        return cls(
            root / "specs", generated, "kie_generated", root / "plugins" / "kie_models", "kie_models", pyproject
        )


@frozen
class Addition:
    """A model that was added to a project.

    Attributes:
        contract: The content of its ``contract.json``.
        adapter: The file of its adapter.
        is_new: Whether that file was written now, rather than left as it was.
        notes: What a person must look at in an adapter file that was left as it was.
    """

    contract: Json
    adapter: Path
    is_new: bool
    notes: tuple[str, ...]

    @property
    def id(self) -> str:
        """The model id."""
        return str(self.contract["id"])

    @property
    def names(self) -> list[str]:
        """The id, and the short name where it has one."""
        return _names(self.contract)


def add_model(
    published: Published, project: Project, *, source: str, today: datetime.date, replace: bool = False
) -> Addition:
    """Add the model that `published` describes to `project`.

    A model that is there already gets the newer spec and client; its adapter file is left alone unless
    `replace` is true.

    Args:
        published: One document.
        project: Where to.
        source: The name of the file or the address that it was read from, for the provenance.
        today: The date for the provenance.
        replace: Whether to write an adapter file anew that is there already.

    Raises:
        SpecError: The document cannot be used, or a name of the model is taken; nothing was added then.
    """
    try:
        return _add(published, project, source=source, today=today, replace=replace)
    except OSError as error:
        place = error.filename or project.specs.parent
        raise SpecError(f"{place}: cannot be written: {error.strerror}; nothing was added") from error


def _add(published: Published, project: Project, *, source: str, today: datetime.date, replace: bool) -> Addition:
    others = [project.pyproject] if project.pyproject else []
    with undone_on_failure(project.specs, project.clients, project.adapters, *others):
        before = _contracts(project)
        (slug,) = keep([published], project.specs, source=source, today=today)
        package = package_name(slug)
        adapter = project.adapters / f"{package}.py"
        generate(project.specs, project.clients)
        contract = _contracts(project)[slug]
        if project.pyproject:
            add_entry_points(project.pyproject, _names(contract), f"{project.adapters_name}.{package}")
        notes: tuple[str, ...] = ()
        if is_new := replace or not adapter.exists():
            source_code = adapter_source(contract, project.clients / package, clients=project.clients_name)
            adapter.write_text(source_code, "utf-8")
        elif slug in before:
            notes = tuple(_advice(adapter, before[slug], contract))
        return Addition(contract, adapter, is_new, notes)


def _names(contract: Json) -> list[str]:
    return [name for name in (str(contract["id"]), short_name(contract)) if name]


def _contracts(project: Project) -> Mapping[str, Json]:
    """Return slug -> contract for every model of `project`."""
    found = [json.loads(path.read_text("utf-8")) for path in project.clients.glob("*/contract.json")]
    return {contract["slug"]: contract for contract in found}


def _advice(adapter: Path, before: Json, after: Json) -> Iterator[str]:
    """Say what an adapter file that was written for one edition must be looked at for in another."""
    declared = _declared(adapter)
    old, new = schemas.parameters(before["input"]), schemas.parameters(after["input"])
    needed = schemas.required(after["input"]) - schemas.required(before["input"])
    for name in old:
        if name not in new and name in declared.values():
            yield f"remove the field for {name!r}: the model has it no longer"
    for name in new:
        if name not in old:
            yield f"declare a field for {name!r}, which is new; until then it is a field without a type"
        elif name in needed and "default" not in new[name]:
            yield f"take the default from the field for {name!r}: it is required now"
        elif old[name].get("enum") != new[name].get("enum") or schemas.types(old[name]) != schemas.types(
            new[name]
        ):
            yield f"look at the type of the field for {name!r}: its values changed"


def _declared(adapter: Path) -> dict[str, str]:
    """Return field -> native name for what the classes of a file declare, without importing it."""
    fields = {}
    for node in ast.walk(ast.parse(adapter.read_text("utf-8"))):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name: Any = node.target.id
            if (
                isinstance(node.value, ast.Call)
                and node.value.args
                and isinstance(node.value.args[0], ast.Constant)
            ):
                name = node.value.args[0].value
            fields[node.target.id] = str(name)
    return fields
