"""Plans and ledgers for tests of batches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kie_registry import Registry
from kie_registry.batches.manifests.lines import lines_of
from kie_registry.batches.plans.planning import Plan, check

PRO = "nano-banana-pro"
EDIT = "google/nano-banana-edit"
REGISTRY = Registry()


def plan_of(*jobs: Mapping[str, Any], base: Path = Path(), **options: Any) -> Plan:
    """Return the plan of jobs, whose model is nano-banana-pro unless they say another."""
    return check(lines_of(jobs, {"model": PRO}), REGISTRY, base=base, **options)


def prompts(*texts: str) -> list[dict[str, Any]]:
    """Return a job for each prompt."""
    return [{"prompt": text} for text in texts]
