"""What jobs have in common that cost the same, and what is learned of their price."""

from __future__ import annotations

from typing import Any

import pytest

from kie_registry.batches.running.prices import Prices
from kie_registry.ledger import Job
from tests.batches.manifests import EDIT, PRO, REGISTRY

PLAIN = {"prompt": "a", "resolution": "1K", "image_input": ["https://x/1.png"]}


def job(given: dict[str, Any], model: str = PRO) -> Job:
    return Job(account="me", model=model, input=given)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"prompt": "something else, and longer"}, True),
        ({"image_input": ["https://x/2.png"]}, True),
        ({"seed": 7}, True),
        ({"image_input": ["https://x/1.png", "https://x/2.png"]}, False),
        ({"resolution": "4K"}, False),
        ({"aspect_ratio": "16:9"}, False),
        ({"duration": 5}, False),
        ({"sound": True}, False),
    ],
    ids=str,
)
def test_of_one_kind_are_those_that_differ_in_texts_files_and_the_seed(other: dict[str, Any], same: bool) -> None:
    prices = Prices(REGISTRY)
    assert (prices.kind(job(PLAIN)) == prices.kind(job({**PLAIN, **other}))) is same


def test_another_model_is_another_kind() -> None:
    prices = Prices(REGISTRY)
    assert prices.kind(job({"prompt": "a"})) != prices.kind(job({"prompt": "a"}, EDIT))


@pytest.mark.parametrize("model", ["gone", None])
def test_a_model_that_is_gone_has_kinds_all_the_same(model: str | None) -> None:
    prices = Prices(REGISTRY)
    one, two = (Job(account="me", model=model, input={"prompt": text, "n": 1}) for text in "ab")
    assert prices.kind(one) == prices.kind(two)


def test_the_highest_price_counts() -> None:
    prices, kind = Prices(REGISTRY), (PRO, ())
    assert prices.of(kind) is None
    for credits_ in (4.0, 6.0, 5.0):
        prices.observe(kind, credits_)
    assert prices.of(kind) == 6.0


def test_a_kind_without_a_price_likely_costs_what_its_model_cost_at_most() -> None:
    prices, small, large = Prices(REGISTRY), (PRO, (("resolution", "1K"),)), (PRO, (("resolution", "4K"),))
    for credits_ in (4.0, 6.0):
        prices.observe((PRO, ()), credits_)
    prices.observe(small, 2.0)
    assert [prices.likely(kind) for kind in (small, large, (EDIT, ()))] == [2.0, 6.0, None]
    assert (prices.seen((PRO, ())), prices.seen(large), prices.kinds(PRO), prices.kinds(EDIT)) == (2, 0, 2, 0)


def test_what_is_learned_is_told() -> None:
    prices = Prices(REGISTRY)
    assert [prices.observe((PRO, ()), credits_) for credits_ in (4.0, 3.0, 4.0, 5.0)] == [True, False, False, True]
