"""Short names for models: for files, for classes, and for people to type."""

from __future__ import annotations

import re
from collections.abc import Collection

from kie_registry.errors import SpecError

# Words that say what a model does, or how well, and not which model it is: no good name on their own.
_GENERAL = frozenset(
    (
        *("text", "image", "images", "video", "audio", "speech", "to", "from"),
        *("edit", "remix", "reframe", "remove", "upscale", "extend", "generate", "background"),
        *("fast", "pro", "turbo", "master", "standard", "lite", "max", "ultra", "mini"),
        *("character", "reference", "frames", "first", "last"),
    )
)


def choose_slug(model: str, *, taken: Collection[str] = ()) -> str:
    """Return the shortest end of a model id that tells which model it is, and that none of `taken` is.

    ``google/nano-banana-edit`` is nano-banana-edit; ``qwen/text-to-image`` is qwen-text-to-image.

    Raises:
        SpecError: No such name can be made of the id.
    """
    parts = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in model.split("/")]
    slugs = ["-".join(filter(None, parts[start:])) for start in range(len(parts) - 1, -1, -1)]
    telling = [slug for slug in slugs if _words(slug) - _GENERAL]
    # A model that is called by general words alone has at least its whole id.
    candidates = [*telling, slugs[-1]]
    if free := [slug for slug in candidates if slug and slug not in taken]:
        return free[0]
    raise SpecError(f"no short name that is free can be made of the model id {model!r}")


def _words(slug: str) -> set[str]:
    return {word for word in slug.split("-") if not re.fullmatch(r"v?\d*", word)}
