"""What tests of running batches stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from kie_registry.ledger import SqliteLedger
from kie_registry.sandbox import Sandbox
from tests.batches.running import Runs


@pytest.fixture
def runs(box: Sandbox, tmp_path: Path) -> Runs:
    """Runs of batches against the sandbox, with a ledger of their own."""
    return Runs(box, tmp_path, SqliteLedger(tmp_path / "ledger.sqlite3"))
