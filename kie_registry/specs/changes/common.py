"""Compare what the names in a caller's hands mean in two editions: the common ones, and those of other number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kie_registry import schemas
from kie_registry.schemas import Schema
from kie_registry.specs.changes.constraints import Pair
from kie_registry.specs.changes.findings import Finding, names
from kie_registry.specs.changes.schemas import compare_schemas
from kie_registry.vocabulary import OTHER_NUMBER, common_names


def moved_names(old: Schema, new: Schema) -> Iterator[Finding]:
    """Tell of each name that means another native parameter now, or none, the earlier one being there still."""
    before, after = _meanings(old), _meanings(new)
    inputs = schemas.parameters(old), schemas.parameters(new)
    common = common_names(old)
    for name, native in before.items():
        if native not in inputs[1] or after.get(name) == native:
            continue
        says = f"the common name {names(name)}"
        if (current := after.get(name)) is None:
            sentence = f"{says} is not understood any more (was {names(native)}, which is there still)"
            yield Finding(native, "common", "breaking", sentence)
            continue
        narrower = any(
            finding.kind == "breaking"
            for finding in compare_schemas(Pair(current, inputs[0][native], inputs[1][current]))
        )
        # A common name moves to what means the same; a name of other number is taken by something else.
        breaks = narrower or name not in common
        sentence = f"{says} means {names(current)} now (was {names(native)})"
        yield Finding(current, "common", "breaking" if breaks else "widening", sentence)


def _meanings(schema: Schema) -> Mapping[str, str]:
    """Return each name that a call may use -> the native parameter that it means."""
    natives, common = schemas.parameters(schema), common_names(schema)
    known = {**common, **{name: name for name in natives}}
    others = {name: common[other] for name, other in OTHER_NUMBER.items() if other in common and name not in known}
    return {**known, **others}
