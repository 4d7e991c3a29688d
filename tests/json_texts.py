"""Texts that a stranger may send where JSON is expected, for Hypothesis: right, odd, broken and hostile ones."""

from __future__ import annotations

import json

from hypothesis import strategies as st

_ODD = [
    "null",
    "true",
    "0",
    "-0.0",
    "1e999",
    "-1e999",
    "NaN",
    "-Infinity",
    "200",
    '"200"',
    "200.0",
    "9" * 400,
    "9" * 4_300,
    "9" * 4_301,
    '""',
    '" "',
    r'"\ud800"',
    r'"a\u0000b"',
    r'"\u202e\u001b[2J"',
    '"' + "x" * 100_000 + '"',
    "[" * 100_000,
    '{"a":' * 100_000,
    "[]",
    "{}",
]


def _deep(depth: int) -> str:
    return "[" * depth + "]" * depth


def texts(*names: str) -> st.SearchStrategy[str]:
    """Return texts that are mostly JSON, whose objects have mostly these names, also twice."""
    odd = st.sampled_from(_ODD) | st.integers(1, 1_200).map(_deep)
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    leaf = plain.map(json.dumps) | odd
    key = (st.sampled_from(names) | st.text(max_size=6)) if names else st.text(max_size=6)

    def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        lists = st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        return lists | objects(key, inner)

    return st.recursive(leaf, containers, max_leaves=6)


def objects(key: st.SearchStrategy[str], value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return the texts of JSON objects, with names that may occur twice."""
    pairs = st.tuples(key.map(json.dumps), value).map(":".join)
    return st.lists(pairs, max_size=5).map(lambda members: "{" + ",".join(members) + "}")


def filled(**fields: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return the texts of JSON objects that have these fields, and no others."""
    return st.fixed_dictionaries(fields).map(
        lambda found: "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in found.items()) + "}"
    )


def damaged(text: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Return the bytes of texts: whole, cut off, or in another encoding; or any bytes."""
    whole = text.map(lambda each: each.encode("utf-8", "surrogatepass"))
    cut = st.tuples(whole, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]])
    return whole | cut | text.map(lambda each: each.encode("utf-16", "surrogatepass")) | st.binary(max_size=60)
