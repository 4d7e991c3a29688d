"""The kit passes adapters that are right, and fails those that are wrong, saying what is wrong."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest

# An inner session forgets what it imported; what was imported before is not imported again and again.
import kie_registry.sandbox
import kie_registry.testing.conformance  # noqa: F401
from kie_registry import binding

pytest_plugins = "pytester"

_UNUSED = ("cacheprovider", "xdist", "hypothesispytest", "anyio", "pytest_cov", "timeout")

LAMP = '''
from typing import Any
from kie_registry import Adapter, native
from kie_registry.contract import Contract, MediaLimits
from kie_registry.testing import AdapterConformance

PROPERTIES = {
    "text": {"type": "string", "maxLength": 20},
    "image_urls": {"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": 2},
    "size": {"type": "string", "enum": ["small", "large"]},
    "steps": {"type": "integer", "minimum": 1, "maximum": 8},
}
LAMP = Contract(
    id="acme/lamp",
    title="Lamp",
    output="image",
    input={"type": "object", "additionalProperties": False, "required": ["text"], "properties": PROPERTIES},
    media={"image_urls": MediaLimits(("image/png",), 1000)},
    example={"text": "a lamp", "image_urls": ["https://example.com/a.png"], "size": "large"},
)


class Lamp(Adapter, contract=LAMP):
    """Make a lamp."""

    prompt: str = native("text")
'''

TESTS = """

class TestLamp(AdapterConformance):
    adapter = Lamp
"""


def run(pytester: pytest.Pytester, *source: str) -> pytest.RunResult:
    if source:
        pytester.makepyfile("".join(source))
    return pytester.runpytest_inprocess(*(f"-pno:{plugin}" for plugin in _UNUSED))


def change(body: str) -> str:
    """Return an override of to_input, with what it does to the input."""
    return textwrap.indent(
        f"\ndef to_input(self):\n    made = super().to_input()\n    {body}\n    return made\n", "    "
    )


def test_a_right_adapter_passes(pytester: pytest.Pytester) -> None:
    run(pytester, LAMP, TESTS).assert_outcomes(passed=25, skipped=1)


@pytest.mark.parametrize(
    ("body", "test", "message"),
    [
        pytest.param(
            'made.pop("steps", None)',
            "test_parameter_by_both_names[[]steps]",
            "acme/lamp: steps, given as steps: steps: 1 became None",
            id="a parameter is dropped",
        ),
        pytest.param(
            'made.update(size="small") if "size" in made else None',
            "test_every_choice[[]size]",
            "acme/lamp: size = 'large' is not passed on as it is: size: 'large' became 'small'",
            id="a choice becomes another",
        ),
        pytest.param(
            'made.update(size=made["size"].upper()) if "size" in made else None',
            "test_every_choice[[]size]",
            "acme/lamp: size = 'small', which is documented, is refused: size: *",
            id="a choice is refused",
        ),
        pytest.param(
            'made.update(text=made["text"][:20])',
            "test_limit[[]text-maxLength-20]",
            "acme/lamp: what breaks the limit of text (maxLength: 20) is not refused: {'text': 'aaaa*",
            id="a limit is bent",
        ),
        pytest.param(
            'made.update(text=made["text"] + ", please")',
            "test_limit[[]text-maxLength-20]",
            "acme/lamp: what just keeps the limit of text (maxLength: 20) is refused: prompt*28 characters*",
            id="a limit is narrowed",
        ),
        pytest.param(
            'made.update(steps=min(made["steps"], 8)) if made.get("steps") in (8, 9) else None',
            "test_limit[[]steps-maximum-8]",
            "acme/lamp: what breaks the limit of steps (maximum: 8) is not refused*",
            id="a number is clipped",
        ),
        pytest.param(
            'made.update(image_urls=made["image_urls"][:2]) if "image_urls" in made else None',
            "test_limit[[]image_urls-maxItems-2]",
            "acme/lamp: what breaks the limit of image_urls (maxItems: 2) is not refused*",
            id="a list is cut",
        ),
        pytest.param(
            'made.setdefault("text", "something")',
            "test_adapter_is_pure",
            None,
            id="what is missing is reported whatever the adapter does",
        ),
        pytest.param(
            'made.setdefault("steps", 5)',
            "test_example_stays_as_it_is",
            "acme/lamp: the example is not passed on as it is: steps: 5 was added",
            id="the example changes",
        ),
        pytest.param(
            'made.setdefault("steps", 5)',
            "test_example_reaches_the_server",
            "acme/lamp: the server received another input than the example: steps: 5 was added",
            id="the server receives another example",
        ),
        pytest.param(
            'made.setdefault("steps", 50)',
            "test_example_reaches_the_server",
            "acme/lamp: the example does not go through: *steps*",
            id="the example is refused",
        ),
        pytest.param(
            'self.prompt += "!"',
            "test_adapter_is_pure",
            "acme/lamp: two calls of to_input() differ: text: 'a lamp' became 'a lamp!'",
            id="the instance changes",
        ),
        pytest.param(
            'if self.images:\n        self.images[:] = made["image_urls"] = ["https://example.com/b.png"]',
            "test_adapter_is_pure",
            "acme/lamp: to_input() changes what it was given: image_urls[0]: *",
            id="what was given changes",
        ),
    ],
)
def test_an_adapter_that_changes_its_input(
    pytester: pytest.Pytester, body: str, test: str, message: str | None
) -> None:
    result = run(pytester, LAMP, change(body), TESTS)
    if message is None:
        assert result.ret == 0
        return
    result.stdout.fnmatch_lines([message.replace("[", "[[]")])
    result.stdout.fnmatch_lines([f"FAILED *::TestLamp::{test}*"])


@pytest.mark.parametrize(
    ("broken", "test", "message"),
    [
        pytest.param(
            'del Lamp.parameter_names["steps"], Lamp.field_names["steps"]',
            "test_native_names_are_those_of_the_contract",
            "acme/lamp: no field stands for steps",
            id="no field",
        ),
        pytest.param(
            'Lamp.parameter_names["more"] = "more"',
            "test_native_names_are_those_of_the_contract",
            "acme/lamp: there are fields for more, which the contract does not have",
            id="a field too many",
        ),
        pytest.param(
            'LAMP.media["mask"] = MediaLimits(("image/png",))',
            "test_limit_of_files[[]mask-types-image/png]",
            "acme/lamp: a local file given as mask is not seen as one",
            id="a file that is none",
        ),
        pytest.param(
            "Lamp.__doc__ = None",
            "test_class_says_what_the_model_does",
            "acme/lamp: the class has no docstring, *",
            id="no docstring",
        ),
        pytest.param(
            "Lamp.__reduce__ = lambda self: 1 / 0",
            "test_instance_pickles",
            "acme/lamp: an instance does not pickle: division by zero",
            id="no pickle",
        ),
        pytest.param(
            'LAMP.id = "nano-banana-pro"; Lamp.aliases = ("unheard-of",)',
            "test_entry_point[[]unheard-of]",
            "nano-banana-pro: 'unheard-of' is no entry point in the group 'kie_registry.models'",
            id="alias without an entry point",
        ),
        pytest.param(
            'LAMP.id = "nano-banana-pro"; Lamp.aliases = ("nano-banana-edit",)',
            "test_entry_point[[]nano-banana-edit]",
            "*the entry point 'nano-banana-edit' leads to kie_models.nano_banana_edit, the id's to *",
            id="alias of another module",
        ),
        pytest.param(
            'LAMP.example.pop("text")',
            "test_example_stays_as_it_is",
            "acme/lamp: the example is refused: prompt (text): is missing",
            id="example without what is required",
        ),
        pytest.param(
            "from kie_registry.violations import Violation\n"
            'LAMP.violations = lambda it: [] if LAMP.holds(it) else [Violation("size", "is wrong")]',
            "test_limit[[]steps-maximum-8]",
            "acme/lamp: what breaks the limit of steps (maximum: 8) is not refused for it, "
            "only for this: size: is wrong: *",
            id="refused for another reason",
        ),
        pytest.param(
            "from kie_registry import binding\n"
            "binding._resolve_names = lambda adapter, given: (\n"
            "    {name: given[native] for native, name in adapter.field_names.items() if native in given}, []\n"
            ")",
            "test_unknown_parameter_is_refused",
            "acme/lamp: a parameter that the model does not have is not refused",
            id="unknown parameters are dropped",
        ),
    ],
)
def test_a_broken_adapter(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, broken: str, test: str, message: str
) -> None:
    monkeypatch.setattr(binding, "_resolve_names", binding._resolve_names)
    result = run(pytester, LAMP, f"\n{broken}\n", TESTS)
    result.stdout.fnmatch_lines([message])
    result.stdout.fnmatch_lines([f"FAILED *::TestLamp::{test}*"])


BUILT = '''
import pytest
from kie_registry.building import build_adapter
from kie_registry.contract import Contract
from kie_registry.testing import AdapterConformance


def lamp(properties, **rest):
    """Return an adapter of a model without an example."""
    schema = {{"type": "object", "properties": properties, **rest}}
    contract = Contract(id="acme/lamp", title="Lamp", output="image", input=schema)
    return build_adapter(contract, slug="lamp")


TEXT = {{"type": "string", "maxLength": 9}}
SHOT = {{"type": "object", "required": ["text"], "properties": {{"text": TEXT, "seconds": {{"type": "integer"}}}}}}
CLOSED = {{**SHOT, "additionalProperties": False}}


class TestBuilt(AdapterConformance):
    adapter = lamp({0})
'''


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param('{"prompt": TEXT}, required=["prompt"], additionalProperties=False', id="a prompt alone"),
        pytest.param('{"prompt": TEXT}', id="nothing is required"),
        pytest.param(
            '{"shots": {"type": "array", "maxItems": 3, "items": SHOT}}, required=["shots"]', id="nested"
        ),
        pytest.param('{"shots": {"type": "array", "items": CLOSED}}, required=["shots"]', id="nested and closed"),
        pytest.param('{"a": {"anyOf": [TEXT, CLOSED]}, "b": CLOSED}, required=["b"]', id="text or closed object"),
        pytest.param('{"seed": {"type": ["integer", "null"], "minimum": 3}}', id="types as a list"),
        pytest.param('{"a": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}}', id="text or list"),
        pytest.param(
            '{}, oneOf=[{"properties": {"a": TEXT}, "required": ["a"]}, '
            '{"properties": {"b": TEXT}, "required": ["b"]}], unevaluatedProperties=False',
            id="oneOf",
        ),
        pytest.param(
            '{"a": TEXT}, allOf=[{"properties": {"b": TEXT}, "required": ["b"]}], unevaluatedProperties=False',
            id="allOf",
        ),
        pytest.param('{"class": TEXT, "a-b": TEXT, "größe": TEXT, "from ": TEXT}', id="names of all kinds"),
        pytest.param(
            '{"n": {"type": "string", "enum": ["1", "2"], "default": "1"}}, required=["n"]', id="default"
        ),
    ],
)
def test_contracts_of_all_kinds(pytester: pytest.Pytester, contract: str) -> None:
    result = run(pytester, BUILT.format(contract))
    assert (set(result.parseoutcomes()), result.ret == 0) == ({"passed", "skipped"}, True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("pass", "*TestIt: say model = 'its id', or adapter = its class", id="nothing named"),
        pytest.param(
            'model = "nano-banana-prro"', "*nano-banana-prro*Did you mean nano-banana-pro*", id="unknown"
        ),
    ],
)
def test_a_wrong_declaration_is_one_clear_error(pytester: pytest.Pytester, source: str, message: str) -> None:
    header = "from kie_registry.testing import AdapterConformance\n\n\nclass TestIt(AdapterConformance):\n    "
    result = run(pytester, header + source)
    result.stdout.fnmatch_lines([message])
    assert "Traceback" not in result.stdout.str()


def test_a_plugin_of_somebody_else_passes_its_own_tests(pytester: pytest.Pytester) -> None:
    plugin = Path(__file__).parents[1] / "third_party" / "kie-acme"
    shutil.copytree(plugin, pytester.path, dirs_exist_ok=True)
    pytester.syspathinsert()
    run(pytester).assert_outcomes(passed=22, skipped=1)


def test_fixtures_are_there_for_whoever_asks(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["kie_registry.testing.fixtures"]')
    run(
        pytester,
        textwrap.dedent("""
            def test_it(kie_client, kie_sandbox, kie_home, tmp_path):
                kie_client.generate("nano-banana-pro", "a lamp").save(tmp_path)
                assert kie_sandbox.tasks[0].input["prompt"] == "a lamp"
                assert kie_home.parent == tmp_path


            def test_each_test_has_its_own(kie_sandbox):
                assert kie_sandbox.tasks == []
            """),
    ).assert_outcomes(passed=2)
