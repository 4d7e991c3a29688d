"""Vendor documents into ``specs/``, byte for byte, with their provenance in ``sources.toml``."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from kie_registry.errors import SpecError
from kie_registry.specs.normalize import normalize
from kie_registry.specs.published import Published, read_published

_HEADER = """\
# Where each vendored document comes from. Written by `make vendor`.
"""

# Words that say what a model does, not which model it is: no good name on their own.
_TASK_WORDS = frozenset(
    {"text", "image", "images", "video", "audio", "speech", "to", "from", "edit", "remix", "reframe"}
    | {"upscale", "extend", "generate", "fast", "pro", "turbo"}
)


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
    found = [(published, _model_id(published)) for published in documents]
    sources = read_sources(specs)
    by_hand = {spec.stem for spec in specs.glob("*.yaml")} - set(sources)
    slugs = []
    for published, model in found:
        slug = choose_slug(model, sources, taken=by_hand)
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


def choose_slug(model: str, sources: Mapping[str, Source], taken: Collection[str] = ()) -> str:
    """Return a short name for `model`: the shortest end of its id that tells it from others.

    Those of `sources` and those `taken` by specs written by hand are others.
    ``google/nano-banana-edit`` is nano-banana-edit; ``qwen/text-to-image`` is qwen-text-to-image.
    """
    for slug, source in sources.items():
        if source.model == model:
            return slug
    parts = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in model.split("/")]
    for start in range(len(parts) - 1, -1, -1):
        slug = "-".join(filter(None, parts[start:]))
        words = {word for word in slug.split("-") if not re.fullmatch(r"v?\d*", word)}
        if words - _TASK_WORDS and slug not in sources and slug not in taken:
            return slug
    raise SpecError(f"no short name can be made of the model id {model!r}")


def _model_id(published: Published) -> str:
    document, _ = normalize(published.document, slug="page")
    request = document.get("components", {}).get("schemas", {}).get("CreateTaskRequest")
    model = request["properties"]["model"].get("const") if request else None
    if not isinstance(model, str):
        raise SpecError(f"{published.source}: the page {published.title!r} does not describe one Market model")
    return model


def _dump(sources: dict[str, Source]) -> str:
    blocks = [_HEADER]
    for slug in sorted(sources):
        fields: dict[str, Any] = asdict(sources[slug])
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
        blocks.append("\n".join([f"[{slug}]", *lines]) + "\n")
    return "\n".join(blocks)
