"""What `import kie_registry` promises, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module, resources
from pathlib import Path

import pytest

import kie_registry

PROMISED = [
    "Adapter",
    "ApiError",
    "AsyncBatch",
    "AsyncKie",
    "AsyncResult",
    "AsyncTask",
    "AuthenticationError",
    "Batch",
    "Call",
    "ConfigurationError",
    "Contract",
    "Event",
    "IllegalMove",
    "Image",
    "Images",
    "InsufficientCredits",
    "InvalidRequest",
    "Job",
    "Kie",
    "KieError",
    "Ledger",
    "LedgerError",
    "Maintenance",
    "ModelInfo",
    "ModelSummary",
    "NotAModel",
    "NotFound",
    "Outcome",
    "OutputExists",
    "ParameterInfo",
    "PluginError",
    "Problem",
    "Progress",
    "RateLimited",
    "RegisterModel",
    "Registry",
    "RequestRejected",
    "Result",
    "ResultUnreadable",
    "ServerError",
    "SpecError",
    "SubmitOutcomeUnknown",
    "Task",
    "TaskFailed",
    "TaskStatus",
    "TaskTimeout",
    "TransportError",
    "UnknownModel",
    "add_model",
    "generate",
    "hookimpl",
    "hookspec",
    "native",
    "register",
]


def test_the_exported_names_are_the_promised_ones() -> None:
    assert sorted(kie_registry.__all__) == PROMISED


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_can_be_imported(name: str) -> None:
    assert getattr(kie_registry, name) is not None


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_is_listed_by_dir(name: str) -> None:
    assert name in dir(kie_registry)


def test_type_checkers_see_each_name_where_the_lazy_table_finds_it() -> None:
    tree = ast.parse(Path(kie_registry.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    seen = {
        (node.module, alias.asname)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    table = {(f"kie_registry.{home}", name) for name, home in kie_registry._HOME_OF.items()}
    assert seen == table


def test_a_star_import_gives_the_promised_names() -> None:
    names: dict[str, object] = {}
    exec("from kie_registry import *", names)
    assert sorted(set(names) - {"__builtins__"}) == PROMISED


@pytest.mark.parametrize("name", ["NoSuchName", "Client", "__wrapped__"])
def test_an_unknown_attribute_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'kie_registry' has no attribute '{name}'"):
        getattr(kie_registry, name)


def loaded_after(statement: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has loaded after `statement`."""
    program = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {"httpx", "attr", "attrs", "jsonschema_rs", "pluggy", "yaml", "platformdirs", "PIL", "kie_generated"}
    assert not loaded_after("import kie_registry") & heavy


def test_naming_the_adapter_class_does_not_import_httpx() -> None:
    assert not loaded_after("from kie_registry import Adapter, native, hookimpl") & {
        "httpx",
        "PIL",
    }


@pytest.mark.parametrize(
    ("use", "loaded"),
    [
        ("get('nano-banana-pro')", {"kie_models.nano_banana_pro"}),
        ("get('nano-banana-edit')", {"kie_models.nano_banana_edit"}),
        ("ids()", set()),
        ("summaries()", set()),
        ("__contains__('nano-banana-pro')", set()),
    ],
)
def test_the_registry_imports_no_model_that_is_not_asked_for(use: str, loaded: set[str]) -> None:
    names = loaded_after(f"import kie_registry; kie_registry.Registry().{use}")
    assert {name for name in names if name.startswith("kie_models.")} == loaded


@pytest.mark.parametrize("package", ["kie_registry", "kie_generated", "kie_models"])
def test_each_package_says_that_it_is_typed(package: str) -> None:
    assert resources.files(import_module(package)).joinpath("py.typed").is_file()
