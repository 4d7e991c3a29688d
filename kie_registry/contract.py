"""A model's contract at run time: what it takes, and what is wrong with what it is given."""

from __future__ import annotations

import json
import keyword
import pkgutil
import re
import reprlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import define, field, fields_dict, frozen

from kie_registry import schemas
from kie_registry.errors import PluginError
from kie_registry.violations import LISTS_CHOICES, Violation, read_errors
from kie_registry.wording import clip

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

BUILT_IN = "kie_generated"


@frozen
class MediaLimits:
    """What the documentation says of the files that a parameter takes.

    Attributes:
        types: The accepted MIME types; empty where the documentation lists none.
        max_bytes: The largest size of one file in bytes; None where the documentation states none.
        kind: What the files are: image, video, audio, or file where that is not known.
        schemes: The schemes of further URLs that are accepted beside http and https.
    """

    types: tuple[str, ...] = ()
    max_bytes: int | None = None
    kind: str = "file"
    schemes: tuple[str, ...] = ()


@define(slots=False, eq=False)
class Contract:
    """What kie.ai documents of one model.

    Attributes:
        id: The model id.
        title: The name for people.
        output: What comes out: image, video, audio or file.
        input: The JSON Schema of the input, with all constraints; flat, or made of branches.
        media: Path -> limits, for what takes the URL of a file. A path is a native parameter, or leads into
            one: ``elements[].image_urls`` is the key ``image_urls`` of each item of ``elements``.
        replaced_by: Deprecated native parameter -> the one that replaces it.
        example: The input that the documentation gives as an example, or None.
        client: The import name of the package that the contract came from, where its generated client is
            looked for; None for a contract made in code.
    """

    id: str
    title: str
    output: str
    input: Mapping[str, Any] = field(repr=False)
    media: Mapping[str, MediaLimits] = field(repr=False, factory=dict)
    replaced_by: Mapping[str, str] = field(repr=False, factory=dict)
    example: Mapping[str, Any] | None = field(repr=False, default=None)
    client: str | None = None

    @classmethod
    def load(cls, package: str) -> Contract:
        """Load the contract of a generated package: its name in ``kie_generated``, or a dotted import name.

        Raises:
            PluginError: There is no such package, or no contract in it.
        """
        name = package if "." in package else f"{BUILT_IN}.{package}"
        try:
            content = pkgutil.get_data(name, "contract.json")
        except ImportError as error:
            raise PluginError(name, f"the package of the contract cannot be imported: {error}") from error
        except OSError as error:
            raise PluginError(name, f"there is no contract.json in this package: {error}") from error
        if content is None:
            raise PluginError(name, f"there is no package, or no module named {name}, to read a contract from")
        try:
            return cls.from_json(json.loads(content), client=name)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
            raise PluginError(name, f"its contract.json is none: {problem}") from error

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, client: str | None = None) -> Contract:
        """Make a contract from the content of a ``contract.json``."""
        return cls(
            id=data["id"],
            title=data["title"],
            output=data["output"],
            input=data["input"],
            media={path: _limits(limits) for path, limits in data["media"].items()},
            replaced_by=data["replaced_by"],
            example=data["example"],
            client=client,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields, without what was derived from them."""
        return {name: getattr(self, name) for name in fields_dict(type(self))}

    @cached_property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Native name -> JSON Schema, in the order of the documentation; those of all branches."""
        return schemas.parameters(self.input)

    @cached_property
    def required(self) -> frozenset[str]:
        """The native names without which the model does not run, whatever the branch."""
        return schemas.required(self.input)

    @cached_property
    def _validator(self) -> Draft202012Validator:
        from jsonschema_rs import Draft202012Validator

        return Draft202012Validator(dict(self.input), validate_formats=False)

    def holds(self, native_input: Mapping[str, Any]) -> bool:
        """Whether `native_input` is what the contract asks for."""
        return not _unsayable(native_input) and self._validator.is_valid(native_input)

    def violations(self, native_input: Mapping[str, Any]) -> list[Violation]:
        """Return every place where `native_input` breaks the contract; empty where it holds, and only there."""
        if _unsayable(native_input):
            return self._with_unsayable(native_input)
        if self._validator.is_valid(native_input):
            return []
        found = read_errors(self._validator.iter_errors(native_input), self.input)
        # One message for a parameter says enough, and a list of what it takes says more than its type.
        found.sort(key=lambda violation: LISTS_CHOICES not in violation.message)
        first: dict[str, Violation] = {}
        for violation in found:
            first.setdefault(violation.native, violation)
        if not first:
            return [Violation("", "it is not what the model takes")]
        order = {name: at for at, name in enumerate(["", *self.parameters])}
        return sorted(first.values(), key=lambda violation: order.get(violation.native, -1))

    def _with_unsayable(self, native_input: Mapping[str, Any]) -> list[Violation]:
        """Name what JSON cannot hold, and check the rest without it."""
        said, unsayable = {}, []
        for name, value in native_input.items():
            if (wrong := _unsayable(value) or _unsayable({name: value})) is None:
                said[name] = value
            else:
                takes = " or ".join(schemas.types(self.parameters.get(name, {}))) or "any value of JSON"
                message = f"{wrong}; it takes {takes}" if "type" in wrong else wrong
                unsayable.append(Violation(str(name), message))
        names = {violation.native for violation in unsayable}
        rest = [violation for violation in self.violations(said) if violation.native not in names]
        return [*unsayable, *rest]


def _limits(limits: Mapping[str, Any]) -> MediaLimits:
    return MediaLimits(
        tuple(limits["types"]), limits["max_bytes"], limits.get("kind", "file"), tuple(limits.get("schemes", ()))
    )


def package_name(slug: str) -> str:
    """Return the name of the package in ``kie_generated`` for a spec."""
    name = re.sub(r"\W", "_", slug)
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"m_{name}"


def _unsayable(value: Any) -> str | None:
    """Say why JSON cannot hold `value`; None where it can."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate), which cannot be sent"
    except (TypeError, ValueError, RecursionError):
        return f"{_short(value)} is of the wrong type"
    return None if _text_keys(value) else f"{_short(value)} is of the wrong type"


def _text_keys(value: Any) -> bool:
    """Whether the keys of all mappings in `value` are text; json would quietly turn others into text."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _text_keys(item) for key, item in value.items())
    return all(map(_text_keys, value)) if isinstance(value, (list, tuple)) else True


def _short(value: Any) -> str:
    try:
        return clip(reprlib.repr(value))
    except ValueError:
        return f"a number of {value.bit_length():,} bits" if isinstance(value, int) else type(value).__name__
