"""Know which specs must be generated again: hashes of what went in and of what came out."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from attrs import define

from kie_registry.contract import package_name

RENDERED = ("client.py", "types.py")
"""What the generator writes for each spec alike, and what stands once, beside the packages."""

_FILE = "fingerprints.json"
# What decides what is generated: modules and directories of this package, and modules that stand below it.
_DECIDING = (
    *("codegen.py", "contracts.py", "documents.py", "files.py", "generator.py", "normalize.py", "overlays.py"),
    *("parsing.py", "prose.py", "request.py", "validity.py", "openapi-python-client.yaml"),
    *("rules", "templates", "../vocabulary.py", "../coercion.py", "../schemas.py", "../slugs.py"),
)
_TOOLS = ("openapi-python-client", "ruff", "python-jsonpath")


@define
class Fingerprints:
    """For each slug, a hash of its inputs and one of its outputs."""

    _entries: dict[str, dict[str, str]]
    _toolchain: str

    @classmethod
    def load(cls, package: Path) -> Fingerprints:
        """Read the fingerprints in the directory `package`; none where there are none."""
        try:
            entries = json.loads((package / _FILE).read_bytes())
        except (OSError, ValueError):
            entries = {}
        # A broken file, such as one with a merge conflict, only means that everything is generated again.
        return cls(entries if isinstance(entries, dict) else {}, _toolchain_digest())

    def slugs(self) -> list[str]:
        """Return the slugs that were generated."""
        return list(self._entries)

    def inputs_of(self, specs: Path, slug: str, title: str) -> str:
        """Return the hash of all that decides what is generated for `slug`; `title` is that of its page."""
        digest = hashlib.sha256(self._toolchain.encode())
        digest.update(title.encode())
        for path in (specs / f"{slug}.yaml", specs / "overlays" / f"{slug}.yaml"):
            digest.update(path.read_bytes() if path.exists() else b"\0")
        return digest.hexdigest()

    def holds(self, package: Path, slug: str, inputs: str) -> bool:
        """Whether the output for `slug` is what these inputs gave, and nobody touched it."""
        entry = self._entries.get(slug)
        return entry == {"inputs": inputs, "outputs": _output_digest(package, slug)}

    def record(self, package: Path, slug: str, inputs: str) -> None:
        """Note what was just generated."""
        self._entries[slug] = {"inputs": inputs, "outputs": _output_digest(package, slug)}

    def save(self, package: Path, *, keep: list[str]) -> None:
        """Write the fingerprints of the slugs in `keep`."""
        entries = {slug: self._entries[slug] for slug in sorted(keep)}
        (package / _FILE).write_text(json.dumps(entries, indent=2) + "\n", "utf-8")


def tree_digest(directory: Path) -> dict[str, str]:
    """Return relative path -> hash for the files under `directory`, caches left out."""
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _output_digest(package: Path, slug: str) -> str:
    files = dict(tree_digest(package / package_name(slug)))
    for shared in RENDERED:
        path = package / shared
        files[shared] = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _toolchain_digest() -> str:
    """Return a hash of the generator: our own modules, templates and configuration, and its tools' versions."""
    digest = hashlib.sha256()
    for name in _DECIDING:
        place = Path(__file__).parent / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for tool in _TOOLS:
        try:
            digest.update(version(tool).encode())
        except PackageNotFoundError:
            digest.update(b"-")
    return digest.hexdigest()
