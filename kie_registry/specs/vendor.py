"""Vendor documents into ``specs/``, byte for byte, with their provenance in ``sources.toml``."""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from kie_registry.errors import SpecError
from kie_registry.slugs import choose_slug
from kie_registry.specs.prepare import prepare
from kie_registry.specs.published import Published, read_published

_HEADER = """\
# Where each vendored document comes from. Written by `make vendor`.
"""


@frozen
class Source:
    """The provenance of one vendored document.

    Attributes:
        model: The model id.
        title: The title of the page.
        source: The name of the file or the address that the page was read from.
        page: The place of the page in kie.ai's documentation, where it tells.
        date: When it was vendored, as YYYY-MM-DD.
        sha256: Of the document.
    """

    model: str
    title: str
    source: str
    page: str
    date: str
    sha256: str


def read_sources(specs: Path) -> dict[str, Source]:
    """Return slug -> provenance for the documents vendored in `specs`."""
    path = specs / "sources.toml"
    if not path.exists():
        return {}
    return {slug: Source(**entry) for slug, entry in tomllib.loads(path.read_text("utf-8")).items()}


def vendor(path: Path, specs: Path, *, today: datetime.date) -> list[str]:
    """Vendor every page in the file at `path` into `specs`, and return their slugs.

    A document that is vendored already keeps its date.

    Raises:
        SpecError: The file cannot be read, or holds no page of a model.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from error
    return keep(read_published(content, source=str(path)), specs, source=path.name, today=today)


def keep(documents: Iterable[Published], specs: Path, *, source: str, today: datetime.date) -> list[str]:
    """Vendor `documents`, which were read from the file or the address `source`, as `vendor` does."""
    found = [(published, prepare(published).id) for published in documents]
    sources = read_sources(specs)
    by_hand = {spec.stem for spec in specs.glob("*.yaml")} - set(sources)
    slugs = []
    for published, model in found:
        slug = slug_for(model, sources, by_hand)
        slugs.append(slug)
        target = specs / f"{slug}.yaml"
        digest = published.sha256
        known = sources.get(slug)
        if known is None or known.sha256 != digest:
            sources[slug] = Source(model, published.title, source, published.page, today.isoformat(), digest)
        if not target.exists() or target.read_bytes() != published.content:
            specs.mkdir(parents=True, exist_ok=True)
            target.write_bytes(published.content)
    (specs / "sources.toml").write_text(_dump(sources), "utf-8")
    return list(dict.fromkeys(slugs))


def slug_for(model: str, sources: Mapping[str, Source], by_hand: Collection[str]) -> str:
    """Return the slug of a model among those vendored: the one that it has, or a new one."""
    known = next((slug for slug, source in sources.items() if source.model == model), None)
    return known or choose_slug(model, taken={*sources, *by_hand})


def _dump(sources: dict[str, Source]) -> str:
    blocks = [_HEADER]
    for slug in sorted(sources):
        fields: dict[str, Any] = asdict(sources[slug])
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
        blocks.append("\n".join([f"[{slug}]", *lines]) + "\n")
    return "\n".join(blocks)
