"""The models that a user added: one file each, in ``KIE_HOME/models/``.

A file is written beside its place and moved there when it is whole, so that nothing is ever half added. What lists
need of all files is kept in an index in ``KIE_HOME/cache/``, for as long as the folder does not change.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from attrs import asdict, field, frozen

from kie_registry import caches
from kie_registry._version import __version__
from kie_registry.errors import KieError, PluginError
from kie_registry.settings import home
from kie_registry.whole_files import write_whole

if TYPE_CHECKING:
    from kie_registry.adapter import Adapter

FORMAT = 1
"""The version of the files; a file of a later one is reported, and not read."""

_INDEX = "added-models.json"
# A folder that changed less than so many seconds ago may change again under the same time stamp.
_SETTLED = 1.0
_LONGEST_NAME = 80
_ATTEMPTS = 5
# Windows has devices of these names in every folder.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")


@frozen
class AddedModel:
    """What a list tells of an added model.

    Attributes:
        id: The model id.
        slug: Its short name, that of the file and of the class.
        title: The name for people.
        output: What comes out: image, video, audio, text or file.
        aliases: Other names that are accepted.
        source: Where it was added from: a file, an address, or ``the catalog``.
        date: When, as YYYY-MM-DD.
        replaces: Whether it stands in the place of an installed model.
        file: The name of its file in ``KIE_HOME/models/``.
    """

    id: str
    slug: str
    title: str
    output: str
    aliases: tuple[str, ...] = field(converter=tuple)
    source: str
    date: str
    replaces: bool
    file: str

    @property
    def path(self) -> Path:
        """The file that holds it."""
        return folder() / self.file

    @property
    def origin(self) -> str:
        """Where it comes from, in short, for lists and messages."""
        short = self.source if "://" in self.source else PurePath(self.source).name
        return f"added from {short}"

    @property
    def names(self) -> tuple[str, ...]:
        """The id and the aliases."""
        return (self.id, *self.aliases)


@frozen
class Listing:
    """Everything in the folder.

    Attributes:
        models: Model id -> what is known of it.
        problems: File -> why it cannot be used.
    """

    models: Mapping[str, AddedModel]
    problems: Mapping[str, str]

    @functools.cached_property
    def _ids(self) -> Mapping[str, str]:
        """Name -> the id of the model that it leads to: an id leads to its own model, whoever has it as alias."""
        named = ((alias, model.id) for model in reversed([*self.models.values()]) for alias in model.aliases)
        return {**dict(named), **{model: model for model in self.models}}

    def find(self, name: str) -> AddedModel | None:
        """Return the model with this id or alias."""
        return self.models.get(self._ids.get(name, name))

    def aliases(self, model: AddedModel) -> tuple[str, ...]:
        """Return the aliases that lead to a model, and not to another that has the same name."""
        return tuple(alias for alias in model.aliases if self._ids.get(alias) == model.id)


def folder() -> Path:
    """Return the folder of the added models; it need not exist."""
    return home() / "models"


def listing() -> Listing:
    """Return what was added; costs one small file where nothing changed since the last time."""
    place = folder()
    try:
        changed = place.stat().st_mtime_ns
    except OSError:
        return Listing({}, {})
    stamp = [__version__, str(place), changed]
    if (known := _from_index(caches.recall(_INDEX, stamp))) is not None:
        return known
    found = _scan(place)
    if time.time() - changed / 1e9 > _SETTLED:
        caches.keep(_INDEX, stamp, _as_index(found))
    return found


def load(path: Path) -> dict[str, Any]:
    """Return everything that a file holds: the contract, the document, what was published and how it was repaired.

    Raises:
        PluginError: It cannot be read, or is no file of this library.
    """
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise PluginError(
                str(path), f"it was written by another version of this library (format {content['format']!r})"
            )
        _summary(content, path)
        return {**content, "contract": {**content["contract"]}, "document": {**content["document"]}}
    except OSError as error:
        raise PluginError(str(path), f"cannot be read: {error.strerror}; {_WAY_OUT}") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise PluginError(str(path), f"is no file of an added model ({error!r}); {_WAY_OUT}") from error


_WAY_OUT = "delete the file, and add the model again"


def build_adapter(model: AddedModel, aliases: Iterable[str]) -> type[Adapter]:
    """Build the adapter of an added model.

    Raises:
        PluginError: Its file is broken.
    """
    from kie_registry.building import build_adapter as build
    from kie_registry.contract import Contract

    try:
        contract = Contract.from_json(load(model.path)["contract"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise PluginError(str(model.path), f"its contract is none ({error!r}); {_WAY_OUT}") from error
    return build(contract, slug=model.slug, aliases=aliases)


def save(content: Mapping[str, Any]) -> AddedModel:
    """Write the file of a model, in the place of one with the same id if there is one.

    Args:
        content: All that a file holds, but for its format; see `adding`.

    Raises:
        KieError: It cannot be written; what was there before is there still.
    """
    data = {"format": FORMAT, **content}
    text = json.dumps(data, allow_nan=False, indent=1).encode()
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS):
            # Another process may take the name that was free a moment ago.
            with contextlib.suppress(FileExistsError):
                return _summary(data, _put(text, place, data["slug"], data["id"]))
        return _summary(data, _put(text, place, data["slug"], data["id"]))
    except OSError as error:
        said = f"{data['id']} is not added: {place} cannot be written: {error.strerror or error}."
        raise KieError(f"{said} KIE_HOME says where added models are kept.") from error


def _put(text: bytes, place: Path, slug: str, model: str) -> Path:
    taken = [each.name for each in place.iterdir()]
    earlier = listing().models.get(model)
    name = earlier.file if earlier else file_name(slug, model, taken=taken)
    # A name that is taken all the same is made from the id: the file there is a broken one of this model.
    write_whole(place / name, text, fresh=name not in taken)
    return place / name


def remove(model: AddedModel) -> None:
    """Delete the file of a model.

    Raises:
        KieError: It cannot be deleted.
    """
    try:
        model.path.unlink(missing_ok=True)
    except OSError as error:
        raise KieError(f"{model.path} cannot be deleted: {error.strerror}") from error


def file_name(slug: str, model: str, *, taken: Collection[str] = ()) -> str:
    """Return a file name for a model, made of plain letters, digits and hyphens, whatever its id is."""
    import hashlib

    plain = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")[:_LONGEST_NAME]
    lowered = {name.lower() for name in taken}
    if plain and not _DEVICES.fullmatch(plain) and f"{plain}.json" not in lowered:
        return f"{plain}.json"
    digest = hashlib.sha256(model.encode("utf-8", "replace")).hexdigest()
    return f"{plain or 'model'}-{digest[:8]}.json"


def _scan(place: Path) -> Listing:
    models: dict[str, AddedModel] = {}
    problems: dict[str, str] = {}
    for path in sorted(place.glob("*.json")):
        try:
            status = path.stat()
            model = _summary_of(path, status.st_mtime_ns, status.st_size)
        except OSError:
            continue  # another process has just removed it
        except PluginError as error:
            problems[str(path)] = str(error).removeprefix(f"plugin {path}: ")
            continue
        if model.id in models:
            other = models[model.id].file
            problems[str(path)] = f"holds the model {model.id}, which {other} holds as well; delete one"
        else:
            models[model.id] = model
    return Listing(models, problems)


@functools.lru_cache(maxsize=1000)
def _summary_of(path: Path, _changed: int, _size: int) -> AddedModel:
    """Read a file once for each of its states: adding many models asks for all of them again and again."""
    return _summary(load(path), path)


def _summary(content: Mapping[str, Any], path: Path) -> AddedModel:
    texts = {key: content[key] for key in ("id", "slug", "title", "output", "source", "date")}
    aliases = content["aliases"]
    if not all(isinstance(text, str) for text in (*texts.values(), *aliases)):
        raise TypeError("what should be text is not")
    return AddedModel(**texts, aliases=aliases, replaces=bool(content["replaces"]), file=path.name)


def _from_index(content: Any) -> Listing | None:
    try:
        models = [AddedModel(**entry) for entry in content["models"]]
        return Listing({model.id: model for model in models}, dict(content["problems"]))
    except (KeyError, TypeError, ValueError):
        return None


def _as_index(found: Listing) -> Any:
    return {"models": [asdict(model) for model in found.models.values()], "problems": dict(found.problems)}
