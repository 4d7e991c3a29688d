"""What a model looks like in Python: an attrs class whose fields are the common vocabulary.

    class NanoBananaEdit(Adapter, contract="nano_banana_edit", aliases=["nano-banana-edit"]):
        \"\"\"Edit one to ten images after a text instruction.\"\"\"

        prompt: str
        images: Images = native("image_urls")
        aspect_ratio: ImageSize | None = native("image_size", default=None)

An instance holds the parameters of one call. Adapters do no I/O, so that one class serves both clients.
"""

from __future__ import annotations

import inspect
import keyword
import re
import reprlib
import unicodedata
from collections.abc import Container, Iterable, Mapping
from typing import Any, ClassVar, dataclass_transform

import attrs

from kie_registry import schemas
from kie_registry.annotations import annotation, optional
from kie_registry.coercion import as_listed, coerce
from kie_registry.contract import Contract
from kie_registry.errors import PluginError
from kie_registry.vocabulary import common_names

_NATIVE = "kie_registry.native"
# Names that a field cannot have: those of the class itself, and those that a client's own calls take.
_RESERVED = frozenset(
    {"contract", "aliases", "to_input", "parameter_names", "field_names", "self"}
    | {"model", "deadline", "callback_url", "on_event"}
)


def native(name: str, *, default: Any = attrs.NOTHING, kw_only: bool = True) -> Any:
    """Declare a field that the model's own documentation calls `name`; without `default` it is required."""
    return attrs.field(default=default, kw_only=kw_only, metadata={_NATIVE: name})


@dataclass_transform(kw_only_default=True, field_specifiers=(native, attrs.field))
class Adapter:
    """The base of all models.

    A subclass names its contract: a package in ``kie_generated``, the dotted name of another generated
    package, or a `Contract`. Parameters of the contract that the class does not declare become fields as
    well, so that nothing the model takes is out of reach. A field of None is left out of the request.

    Raises:
        PluginError: When the class is made: a field that the contract does not know, or a common name
            for one parameter that is the native name of another.
    """

    contract: ClassVar[Contract]
    aliases: ClassVar[tuple[str, ...]] = ()
    parameter_names: ClassVar[Mapping[str, str]] = {}
    """Field name -> native name."""
    field_names: ClassVar[Mapping[str, str]] = {}
    """Native name -> field name."""

    def __init_subclass__(
        cls, *, contract: str | Contract | None = None, aliases: Iterable[str] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if contract is None:
            return
        cls.contract = contract if isinstance(contract, Contract) else Contract.load(contract)
        cls.aliases = tuple(aliases)
        _verify(cls, _declared(cls))
        _declare_the_rest(cls)
        attrs.define(cls, slots=False, kw_only=True, eq=False, repr=False)
        cls.parameter_names = {
            field.name: field.metadata.get(_NATIVE, field.name)
            for field in attrs.fields(cls)  # type: ignore[arg-type]
        }
        cls.field_names = {native_name: name for name, native_name in cls.parameter_names.items()}

    def __repr__(self) -> str:
        """Return the parameters in short: a file may be given as its bytes."""
        given = ((name, getattr(self, name)) for name in self.parameter_names)
        shown = ", ".join(f"{name}={reprlib.repr(value)}" for name, value in given if value is not None)
        return f"{type(self).__name__}({shown})"

    def to_input(self) -> dict[str, Any]:
        """Return the model's own input: native name -> value, files still as they were given.

        Override it for what a table of names cannot say; it must be pure.
        """
        given = {
            native_name: value
            for name, native_name in self.parameter_names.items()
            if (value := getattr(self, name)) is not None
        }
        return native_input(self.contract, given)


def native_input(contract: Contract, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` (native name -> value) in the forms that the contract asks for.

    Required parameters with a documented default are filled in, because kie.ai does not apply its defaults; a
    default that would be taken for a local file is not: only a caller says what is uploaded. Of
    an input made of branches, where it fits none of them as it is given, the first is taken that it fits
    with that branch's own forms and defaults.
    """
    from kie_registry.slots import find_media

    parameters = contract.parameters
    branches = [branch for part in schemas.parts(contract.input) for branch in schemas.alternatives(part)]
    if branches:
        # An iterator can be read only once, and each branch will be tried.
        given = {name: as_listed(value, {}) for name, value in given.items()}
    result = _completed(contract, given, parameters, contract.required)
    if not branches or contract.holds(find_media(contract, result).checked):
        return result
    for branch in branches:
        needed = contract.required | schemas.required(branch)
        made = _completed(contract, given, {**parameters, **schemas.parameters(branch)}, needed)
        if contract.holds(find_media(contract, made).checked):
            return made
    return result


def _completed(
    contract: Contract, given: Mapping[str, Any], parameters: Mapping[str, schemas.Schema], needed: Container[str]
) -> dict[str, Any]:
    from kie_registry.slots import find_media

    result = {
        name: as_listed(value, parameters.get(name, {}))
        if name in contract.media
        else coerce(value, parameters.get(name, {}))
        for name, value in given.items()
    }
    for name, schema in contract.parameters.items():
        default = parameters[name].get("default", schema.get("default"))
        left_out = name in needed and name not in result and default is not None
        # Whoever says it in the deprecated way does not mean the default.
        left_out = left_out and not any(contract.replaced_by.get(other) == name for other in given)
        if left_out and not find_media(contract, {name: default}).slots:
            result[name] = default
    return result


def field_name(name: str) -> str:
    """Return the name of the field for a parameter whose own name Python may not allow."""
    # Python reads an identifier in its normal form, and would not find it again in another.
    safe = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name)).lstrip("_")
    if not safe.isidentifier():
        safe = "p_" + re.sub(r"\W", "_", safe, flags=re.ASCII)
    return f"{safe}_" if keyword.iskeyword(safe) or safe in _RESERVED else safe


def _declared(cls: type[Adapter]) -> dict[str, str]:
    """Return field name -> native name for the fields that `cls` declares itself."""
    annotations = inspect.get_annotations(cls)
    fields = [name for name in annotations if not _is_class_variable(annotations[name])]
    return {name: _native_name(cls, name) for name in fields}


def _declare_the_rest(cls: type[Adapter]) -> None:
    """Give `cls` a field for each parameter of the contract that it does not declare itself."""
    declared = _declared(cls)
    annotations = dict(inspect.get_annotations(cls))
    for common, name in common_names(cls.contract.input).items():
        if name in declared.values():
            continue
        field = field_name(common if common not in annotations else name)
        parameters = cls.contract.parameters
        while field in annotations or (field in parameters and field != name):
            field += "_"
        schema = parameters[name]
        required = name in cls.contract.required and "default" not in schema
        takes = annotation(schema, is_file=name in cls.contract.media)
        annotations[field] = takes if required else optional(takes)
        setattr(cls, field, native(name) if required else native(name, default=None))
    cls.__annotations__ = annotations


def _is_class_variable(annotation: Any) -> bool:
    return "ClassVar" in (annotation if isinstance(annotation, str) else repr(annotation))


def _native_name(cls: type[Adapter], name: str) -> str:
    declared: Any = cls.__dict__.get(name)
    metadata: Mapping[str, str] = getattr(declared, "metadata", None) or {}
    return metadata.get(_NATIVE, name)


def _verify(cls: type[Adapter], declared: Mapping[str, str]) -> None:
    place = f"{cls.__module__}.{cls.__qualname__}"
    known = cls.contract.parameters
    for name, value in vars(cls).items():
        if _NATIVE in (getattr(value, "metadata", None) or {}) and name not in declared:
            raise PluginError(place, f"the field {name} needs a type: {name}: str = native(...)")
    for name, native_name in declared.items():
        if native_name not in known:
            raise PluginError(
                place,
                f"the field {name} stands for the parameter {native_name!r}, which {cls.contract.id} does "
                f"not have; it has {', '.join(known)}",
            )
        if name != native_name and name in known:
            raise PluginError(
                place,
                f"the field {name} stands for {native_name!r}, but {cls.contract.id} has a parameter "
                f"{name!r} of its own; a native name always means that parameter",
            )
