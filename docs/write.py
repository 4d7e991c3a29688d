"""Write the tables of the README that come from the contracts, or check that they are in step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from kie_registry import ModelInfo, ParameterInfo
from kie_registry.registry import default_registry

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- models: written by `make docs` -->\n", "<!-- end of models -->"
BUILT_IN = ("nano-banana-edit", "nano-banana-pro")


def model_tables() -> str:
    """Return a heading, a line and a table for each built-in model."""
    return "\n".join(line for name in BUILT_IN for line in _model(default_registry().describe(name)))


def _model(info: ModelInfo) -> Iterator[str]:
    names = " or ".join(f"`{name}`" for name in (*info.aliases, info.id))
    yield f"**{names}**: {info.summary[0].lower()}{info.summary[1:]}\n"
    yield "| parameter | at kie.ai | | values and limits |"
    yield "|---|---|---|---|"
    for parameter in info.parameters:
        yield f"| `{parameter.name}` | `{parameter.native}` | {_need(parameter)} | {_values(parameter)} |"
    yield ""


def _need(parameter: ParameterInfo) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default is None else f"default `{parameter.default}`"


def _values(parameter: ParameterInfo) -> str:
    choices = " ".join(f"`{choice}`" for choice in parameter.choices)
    return "; ".join(part for part in (choices, *parameter.limits) if part)


def main() -> None:
    """Write the tables, or with ``--check`` fail where they differ."""
    text = README.read_text("utf-8")
    before, rest = text.split(BEGIN)
    fresh = f"{before}{BEGIN}\n{model_tables()}\n{END}{rest.split(END, 1)[1]}"
    if "--check" not in sys.argv:
        README.write_text(fresh, "utf-8")
    elif fresh != text:
        sys.exit("the tables in README.md are out of step with the contracts; `make docs` writes them")


if __name__ == "__main__":
    main()
