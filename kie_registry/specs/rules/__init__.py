"""The rules that turn a document as published into one that a generator, a validator and a person can use.

Each rule is a function that changes the document in place and yields a note for each place that it changed.
They run in the order of `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kie_registry.specs.documents import Json
from kie_registry.specs.rules.branches import one_of_what_overlaps, open_parts
from kie_registry.specs.rules.deprecation import free_deprecated
from kie_registry.specs.rules.document import (
    declare_3_1,
    drop_control_characters,
    drop_extensions,
    name_operation,
    open_responses,
    plain_bearer,
    require_body,
    require_input,
    title_document,
)
from kie_registry.specs.rules.examples import (
    admit_empty,
    admit_shown_parameters,
    admit_shown_schemes,
    fit_example,
    read_example,
)
from kie_registry.specs.rules.limits import limits_from_prose, refuse_contradictions
from kie_registry.specs.rules.model import choose_model_id, fix_model
from kie_registry.specs.rules.naming import name_schemas
from kie_registry.specs.rules.output import tell_output
from kie_registry.specs.rules.references import (
    inline_request,
    only_create_task,
    open_missing_references,
    place_create_task,
    plain_body,
)
from kie_registry.specs.rules.schemas import (
    drop_broken_patterns,
    forget_schema_addresses,
    known_types,
    list_examples,
    null_as_a_type,
    numbers_as_bounds,
    schemas_as_mappings,
)
from kie_registry.specs.rules.types import items_of_arrays, types_that_are_shown
from kie_registry.specs.rules.values import (
    default_within_limits,
    list_required,
    samples_are_no_defaults,
    trim_names,
    trim_values,
    values_of_type,
)

Rule = Callable[[Json, str], Iterator[str]]

RULES: tuple[Rule, ...] = (
    place_create_task,
    plain_body,
    only_create_task,
    open_missing_references,
    inline_request,
    drop_extensions,
    drop_control_characters,
    declare_3_1,
    forget_schema_addresses,
    schemas_as_mappings,
    open_parts,
    known_types,
    list_examples,
    null_as_a_type,
    numbers_as_bounds,
    drop_broken_patterns,
    plain_bearer,
    choose_model_id,
    tell_output,
    name_operation,
    require_body,
    require_input,
    fix_model,
    title_document,
    trim_names,
    list_required,
    trim_values,
    values_of_type,
    samples_are_no_defaults,
    default_within_limits,
    types_that_are_shown,
    items_of_arrays,
    limits_from_prose,
    read_example,
    admit_shown_parameters,
    admit_shown_schemes,
    admit_empty,
    free_deprecated,
    one_of_what_overlaps,
    fit_example,
    refuse_contradictions,
    open_responses,
    name_schemas,
)


def rule_name(function: Rule) -> str:
    """Return the name under which a rule is reported."""
    return function.__name__.replace("_", "-")
