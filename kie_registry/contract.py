"""A model's contract at run time: what it takes, and what is wrong with what it is given."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from kie_registry.errors import PluginError

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

BUILT_IN = "kie_generated"


@frozen
class MediaLimits:
    """What the documentation says of the files that a parameter takes.

    Attributes:
        types: The accepted MIME types; empty where the documentation lists none.
        max_bytes: The largest size of one file in bytes; None where the documentation states none.
    """

    types: tuple[str, ...] = ()
    max_bytes: int | None = None


@frozen
class Violation:
    """One place where an input breaks the contract.

    Attributes:
        native: The native name of the parameter; empty where the input as a whole is concerned.
        message: What is wrong and what would be right.
    """

    native: str
    message: str


@define(slots=False, eq=False)
class Contract:
    """What kie.ai documents of one model.

    Attributes:
        id: The model id.
        title: The name for people.
        output: What comes out: image, video, audio or file.
        input: The JSON Schema of the input, with all constraints.
        media: Native parameter -> limits, for those that take the URL of a file.
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
        except (ImportError, OSError) as error:
            raise PluginError(name, f"there is no contract.json in this package: {error}") from error
        if content is None:
            raise PluginError(name, "this package has no files to read a contract from")
        return cls.from_json(json.loads(content), client=name)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, client: str | None = None) -> Contract:
        """Make a contract from the content of a ``contract.json``."""
        media = {
            name: MediaLimits(tuple(limits["types"]), limits["max_bytes"])
            for name, limits in data["media"].items()
        }
        return cls(
            id=data["id"],
            title=data["title"],
            output=data["output"],
            input=data["input"],
            media=media,
            replaced_by=data["replaced_by"],
            example=data["example"],
            client=client,
        )

    @cached_property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Native name -> JSON Schema, in the order of the documentation."""
        properties: Mapping[str, Mapping[str, Any]] = self.input.get("properties", {})
        return properties

    @cached_property
    def required(self) -> frozenset[str]:
        """The native names without which the model does not run."""
        return frozenset(self.input.get("required", ()))

    @cached_property
    def _validator(self) -> Draft202012Validator:
        from jsonschema_rs import Draft202012Validator

        return Draft202012Validator(dict(self.input), validate_formats=False)

    def violations(self, native_input: Mapping[str, Any]) -> list[Violation]:
        """Return every place where `native_input` breaks the contract; empty where it holds."""
        if self._validator.is_valid(native_input):
            return []
        found = [violation for error in self._validator.iter_errors(native_input) for violation in _read(error)]
        # A value of the wrong type is no member of an enum either: the first message says enough.
        first = {violation.native: violation for violation in reversed(found) if violation.native}
        return [*first.values(), *(violation for violation in found if not violation.native)]


def _read(error: ValidationError) -> Iterator[Violation]:
    keyword = error.kind.as_dict()
    path = [str(part) for part in error.instance_path]
    name = error.kind.name
    if name == "required" and not path:
        yield Violation(str(keyword["property"]), "is missing")
    elif name == "additionalProperties" and not path:
        for unexpected in keyword["unexpected"]:
            yield Violation(unexpected, "is no parameter of this model")
    else:
        inner = f"item {int(path[1]) + 1}: " if len(path) > 1 and path[1].isdigit() else ""
        yield Violation(path[0] if path else "", inner + _explain(name, keyword, error))


def _explain(name: str, keyword: Mapping[str, Any], error: ValidationError) -> str:
    limit = keyword.get("limit")
    value: Any = error.instance
    match name:
        case "enum":
            choices = ", ".join(_show(option) for option in keyword["options"])
            return f"{_show(value)} is not one of {choices}"
        case "type":
            wanted = " or ".join(keyword["types"])
            return f"{_show(value)} is of the wrong type; it takes {wanted}"
        case "maxLength":
            return f"has {len(value):,} characters; at most {limit:,} are allowed"
        case "minLength":
            return f"has {len(value):,} characters; at least {limit:,} are needed"
        case "maxItems":
            return f"has {len(value)} items; at most {limit} are allowed"
        case "minItems":
            return f"has {len(value)} items; at least {limit} {'is' if limit == 1 else 'are'} needed"
        case "maximum":
            return f"{_show(value)} is above the largest value, {limit}"
        case "minimum":
            return f"{_show(value)} is below the smallest value, {limit}"
        case "multipleOf":
            return f"{_show(value)} is not a multiple of {keyword['multiple_of']}"
        case _:
            return _clip(error.message)


def _show(value: Any) -> str:
    return _clip(json.dumps(value, ensure_ascii=False, default=repr))


def _clip(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
