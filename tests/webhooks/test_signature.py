"""The signature of callbacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from kie_registry.webhooks import sign, verify

NOW = 1_800_000_000
GOOD = sign("key", "task_1", NOW)


def test_the_signature_is_as_documented() -> None:
    digest = hmac.new(b"key", b"task_1.1800000000", hashlib.sha256).digest()
    assert base64.b64encode(digest).decode() == GOOD


@pytest.mark.parametrize("timestamp", [NOW, str(NOW)])
def test_a_good_signature(timestamp: int | str) -> None:
    assert verify("key", "task_1", timestamp, GOOD, now=NOW)


@pytest.mark.parametrize(
    ("now", "tolerance", "accepted"),
    [
        (NOW + 300, 300, True),
        (NOW - 300, 300, True),
        (NOW + 301, 300, False),
        (NOW - 301, 300, False),
        (NOW + 9, 10, True),
        (NOW + 11, 10, False),
        (float("nan"), 300, False),
    ],
)
def test_a_signature_is_good_for_a_while(now: float, tolerance: float, accepted: bool) -> None:
    assert verify("key", "task_1", NOW, GOOD, now=now, tolerance=tolerance) is accepted


def test_the_present_is_the_clocks() -> None:
    assert not verify("key", "task_1", 1, sign("key", "task_1", 1))


@pytest.mark.parametrize(
    ("key", "task_id", "timestamp", "signature"),
    [
        ("other", "task_1", NOW, GOOD),
        ("key", "task_2", NOW, GOOD),
        ("key", "task_1", NOW + 1, GOOD),
        ("key", "task_1", NOW, GOOD[:-1]),
        ("key", "task_1", NOW, GOOD.lower()),
        ("key", "task_1", NOW, ""),
        ("key", "task_1", NOW, None),
        ("key", "task_1", NOW, "ü\ud800"),
        ("key", "task_\ud800", NOW, GOOD),
        ("key", None, NOW, GOOD),
        ("key", "task_1", None, GOOD),
        ("key", "task_1", "", GOOD),
        ("key", "task_1", "nan", GOOD),
        ("key", "task_1", "1800000000.0", GOOD),
        ("key", "task_1", "٣" * 10, GOOD),
        ("key", "task_1", "9" * 9999, GOOD),
        ("key", "task_1", b"1800000000", GOOD),
        ("key", "task_1", NOW, GOOD.encode()),
        ("", "task_1", NOW, sign("", "task_1", NOW)),
        (None, "task_1", NOW, GOOD),
    ],
)
def test_anything_else_is_refused(key: Any, task_id: Any, timestamp: Any, signature: Any) -> None:
    assert not verify(key, task_id, timestamp, signature, now=NOW)
