"""Write the source of an adapter: a file to start from, that a person goes on with.

What a page says comes into it as checked names and as quoted text alone.
"""

from __future__ import annotations

import ast
import builtins
import functools
import json
import keyword
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from kie_registry import schemas
from kie_registry.adapter import Adapter
from kie_registry.building import build_adapter
from kie_registry.contract import Contract, package_name
from kie_registry.errors import SpecError
from kie_registry.schemas import Schema
from kie_registry.specs.documents import Json
from kie_registry.specs.sentences import plain_title, sentence

_TEMPLATES = Path(__file__).parent / "adapter_template"
_LINE_LENGTH = 115
# What the longest names leave of a line; what is longer is left to the adapter to declare by itself.
_LONGEST_NAME = 50
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "dict[str, Any]"}
_MEDIA = ("Image", "Images")
_IMPORTED = frozenset({"Adapter", "Any", "RegisterModel", "hookimpl", "native", *_MEDIA})


@frozen
class Literals:
    """The types of a generated client that list the values of a parameter.

    Attributes:
        values: (module, name) -> the values, in their order.
    """

    values: Mapping[tuple[str, str], tuple[Any, ...]]

    @classmethod
    def of(cls, client: Path) -> Literals:
        """Read them from the directory of a generated client, without importing it."""
        found = {}
        for path in sorted((client / "models").glob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
                    (target,) = node.targets
                    if isinstance(target, ast.Name) and ast.unparse(node.value.value) == "Literal":
                        found[path.stem, target.id] = _values(node.value.slice)
        return cls(found)

    def fitting(self, parameter: str, choices: list[Any]) -> tuple[str, str] | None:
        """Return the module and the name of the type for these choices, the one named like `parameter` first."""
        wanted = tuple(choice for choice in choices if choice is not None)
        same = [place for place, values in self.values.items() if values == wanted]
        wanted_name = re.sub(r"\W|_", "", parameter).lower()

        def unlike(place: tuple[str, str]) -> tuple[bool, int]:
            name = place[1].lower()
            return (wanted_name not in name and name not in wanted_name, len(name))

        return min(same, key=unlike, default=None)


def adapter_source(contract: Json, client: Path, *, clients: str = "kie_generated") -> str:
    """Return the source of a module with the adapter of the model that `contract` describes.

    Args:
        contract: The content of its ``contract.json``.
        client: The directory of its generated client.
        clients: The import name of the package that the client is in.

    Raises:
        SpecError: The extra ``codegen`` is not installed.
    """
    package = package_name(contract["slug"])
    built = build_adapter(Contract.from_json(contract), slug=contract["slug"])
    class_name = _class_name(contract["slug"])
    fields = _Fields(contract, built, Literals.of(client))
    lines, literals = fields.lines(), sorted(fields.literals)
    text = "\n".join(lines)
    while class_name in {*_IMPORTED, *(name for _, name in literals)}:
        class_name += "Model"
    used = [name for name in (*_MEDIA, "native") if re.search(rf"\b{name}\b", text)]
    rendered = _template().render(
        title=plain_title(contract["title"], otherwise=contract["id"]),
        sentence=sentence(contract),
        uses_any="Any" in text,
        ours=sorted(["Adapter", "RegisterModel", "hookimpl", *used]),
        literals=literals,
        clients=clients,
        package=package,
        class_name=class_name,
        contract=json.dumps(package if clients == "kie_generated" else f"{clients}.{package}"),
        aliases=json.dumps([alias]) if (alias := short_name(contract)) else "",
        fields=lines,
    )
    return _formatted(rendered, first_party=clients.partition(".")[0])


def short_name(contract: Json) -> str | None:
    """Return the name that a model goes by beside its id, if it is another."""
    return str(contract["slug"]) if contract["slug"] != contract["id"] else None


class _Fields:
    """The fields of one adapter, as lines of source."""

    def __init__(self, contract: Json, built: type[Adapter], literals: Literals) -> None:
        self._contract = contract
        self._known = literals
        self._names = built.parameter_names
        self._parameters = schemas.parameters(contract["input"])
        self._required = schemas.required(contract["input"])
        self.literals: set[tuple[str, str]] = set()

    def lines(self) -> list[str]:
        """Return a line for each field that can be declared, the required ones first."""
        needed, optional = [], []
        for field, parameter in self._names.items():
            if not _can_be_declared(field) or len(parameter) > _LONGEST_NAME:
                continue
            schema = self._parameters[parameter]
            kind = self._type(field, parameter, schema)
            is_required = parameter in self._required and "default" not in schema
            renamed = json.dumps(parameter) if field != parameter else ""
            if is_required:
                needed.append(f"{field}: {kind}" + (f" = native({renamed})" if renamed else ""))
            else:
                default = f"native({renamed}, default=None)" if renamed else "None"
                optional.append(f"{field}: {kind if kind == 'Any' else f'{kind} | None'} = {default}")
        return [*needed, *optional]

    def _type(self, field: str, parameter: str, schema: Schema) -> str:
        if parameter in self._contract["media"]:
            return "Images" if "array" in schemas.types(schema) or field == "images" else "Image"
        return self._plain_type(parameter, schema)

    def _plain_type(self, parameter: str, schema: Schema) -> str:
        if place := self._known.fitting(parameter, list(schema.get("enum", ()))):
            self.literals.add(place)
            return place[1]
        kinds = [kind for kind in schemas.types(schema) if kind != "null"]
        return " | ".join(dict.fromkeys(self._one(parameter, kind, schema) for kind in kinds)) or "Any"

    def _one(self, parameter: str, kind: str, schema: Schema) -> str:
        if kind != "array":
            return _PLAIN.get(kind, "Any")
        items = schema.get("items")
        return f"list[{self._plain_type(parameter, items) if isinstance(items, Mapping) else 'Any'}]"


def _can_be_declared(field: str) -> bool:
    """Whether `field` may stand in the body of a class, and hides no name that a type is written with."""
    safe = field.isascii() and field.isidentifier() and not keyword.iskeyword(field)
    return safe and len(field) <= _LONGEST_NAME and field not in {*_IMPORTED, *_TYPE_NAMES}


_TYPE_NAMES = {name for name in dir(builtins) if isinstance(getattr(builtins, name), type)} & {
    *("str", "int", "float", "bool", "list", "dict")
}


def _class_name(slug: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", package_name(slug))
    return "".join(word[:1].upper() + word[1:] for word in words)


def _values(node: ast.expr) -> tuple[Any, ...]:
    value = ast.literal_eval(node)
    return value if isinstance(value, tuple) else (value,)


@functools.cache
def _template() -> Any:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise SpecError("this needs the extra 'codegen': pip install 'kie-registry[codegen]'") from error
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  (it is Python; what comes from a page is quoted before)
    )
    return environment.get_template("adapter.py.jinja")


def _formatted(source: str, *, first_party: str) -> str:
    """Return `source` as the pinned formatter writes it, imports sorted, with none of the user's settings."""
    own, others = first_party, "kie_registry"
    if first_party == "kie_generated":
        own, others = others, own
    # Said in full, because the formatter looks into the working directory for what is whose.
    known = f"known-first-party = [{json.dumps(own)}], known-third-party = [{json.dumps(others)}]"
    isort = f"lint.isort = {{ combine-as-imports = true, {known} }}"
    sort = ["check", "--select=I", "--fix-only", "--config", isort]
    for command in (sort, ["format", f"--line-length={_LINE_LENGTH}"]):
        source = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "--quiet", "-"],
            input=source,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        ).stdout
    return source
