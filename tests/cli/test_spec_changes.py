"""`kie specs diff` and `kie specs check`."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry.cli.run import run
from kie_registry.sandbox import Sandbox
from kie_registry.specs.vendor import vendor

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
EARLIER = FIXTURES / "changed" / "paint-moon-earlier.md"
LATER = FIXTURES / "changed" / "paint-moon-later.md"
MONDAY = datetime.date(2026, 3, 2)

Specs = Callable[..., tuple[int, str, str]]

# What a person finds who reads both pages side by side, in the order in which it is told.
TOLD = """\
  breaking  `prompt` may have up to 2,500 characters now (was 5,000)
  breaking  `phase` has the default `new` now (was `full`), and is sent where it is left out
  breaking  `duration` is now required
  breaking  `craters[].depth` may be up to 9 now (was without a limit)
  breaking  `tint` is called `colour` now
  breaking  `glow` was removed
  widening  `image_urls` may have up to 8 items now (was 4) (`images` here)
  widening  `image/webp` was added to the files that `image_urls` takes (`images` here)
  widening  `4K` was added to `resolution`
  widening  `stars` was added; it is optional
  wording   the text of the page changed: “four” became “eight”
  wording   the answer `500` was removed
  wording   notes of the page's editor changed: `x-apidog-orders` of the input
  wording   `description` of `prompt` is “What to paint, in words” now (was “What to paint”)
  wording   `description` of `image_urls` changed: “image/jpeg;” became “image/jpeg, image/webp;” (`images` here)
  wording   `" 3K "` of `resolution` is spelled `"3K"` now; it was read so already
"""


@pytest.fixture
def specs(capsys: pytest.CaptureFixture[str]) -> Specs:
    """Run `kie specs`, and return its exit status and what it printed on stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        status = run(["specs", *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def vendored(tmp_path: Path) -> Path:
    """Specs in which the earlier page is vendored."""
    directory = tmp_path / "specs"
    vendor(EARLIER, directory, today=MONDAY)
    return directory


def edited(tmp_path: Path, *changes: tuple[str, str], page: Path = EARLIER) -> Path:
    """Return a copy of a page with these changes, in a folder of its own."""
    text = page.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    folder = tmp_path / "newer"
    folder.mkdir(exist_ok=True)
    (folder / page.name).write_text(text, "utf-8")
    return folder / page.name


def test_diff_tells_everything_in_order(specs: Specs) -> None:
    assert specs("diff", EARLIER, LATER) == (
        1,
        f"acme/paint-moon  (Acme - Paint Moon)\n{TOLD}\n1 of 1 model changed: 6 breaking, 4 widening, 6 wording\n",
        "",
    )


def test_diff_of_a_page_with_itself(specs: Specs) -> None:
    assert specs("diff", EARLIER, EARLIER) == (0, "nothing changed in 1 model\n", "")


WORDING = ("What to paint", "What to draw")
WIDENING = ("maxItems: 4", "maxItems: 5")
BREAKING = ("maximum: 15", "maximum: 10")


@pytest.mark.parametrize(
    ("change", "fail_on", "status"),
    [
        (WORDING, None, 0),
        (WIDENING, None, 1),
        (BREAKING, None, 1),
        (WORDING, "wording", 1),
        (WIDENING, "breaking", 0),
        (BREAKING, "breaking", 1),
    ],
)
def test_exit_status(
    specs: Specs, tmp_path: Path, change: tuple[str, str], fail_on: str | None, status: int
) -> None:
    options = ["--fail-on", fail_on] if fail_on else []
    assert specs("diff", EARLIER, edited(tmp_path, change), *options)[0] == status


def test_diff_as_json(specs: Specs) -> None:
    said: dict[str, Any] = json.loads(specs("diff", EARLIER, LATER, "--json")[1])
    (model,) = said["models"]
    assert model["model"] == "acme/paint-moon"
    assert model["changes"][6] == {
        "model": "acme/paint-moon",
        "parameter": "image_urls",
        "common": "images",
        "kind": "widening",
        "sentence": "`image_urls` may have up to 8 items now (was 4)",
    }


def test_diff_of_folders_matches_by_id(specs: Specs, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, pages in (
        (old, (EARLIER, FIXTURES / "paint-kite.md")),
        (new, (LATER, FIXTURES / "paint-lantern.md")),
    ):
        folder.mkdir()
        for page in pages:
            shutil.copy(page, folder)
        shutil.copy(FIXTURES / "no-model.md", folder)
    said = json.loads(specs("diff", old, new, "--json")[1])
    assert [(each["model"], each["changes"][0]["sentence"]) for each in said["models"]] == [
        ("acme/paint-kite", "the model is gone: the later edition has no page of it"),
        ("acme/paint-lantern", "the model is new"),
        ("acme/paint-moon", "`prompt` may have up to 2,500 characters now (was 5,000)"),
    ]


@pytest.mark.parametrize("name", ["paint-moon", "acme/paint-moon"])
def test_diff_takes_a_vendored_model_by_name(specs: Specs, vendored: Path, name: str) -> None:
    assert specs("diff", name, LATER, "--specs", vendored)[1].endswith(
        "1 of 1 model changed: 6 breaking, 4 widening, 6 wording\n"
    )


def test_two_pages_of_one_model_are_matched_by_title(specs: Specs, tmp_path: Path) -> None:
    for title in ("Acme - Paint Moon", "Acme - Paint Half Moon"):
        page = edited(tmp_path, ("# Acme - Paint Moon", f"# {title}"))
        page.rename(page.with_name(f"{title}.md"))
    assert specs("diff", tmp_path / "newer", tmp_path / "newer")[:2] == (0, "nothing changed in 2 models\n")


@pytest.mark.parametrize("which", [0, 1])
def test_page_that_is_missing_is_wrong_input(specs: Specs, tmp_path: Path, which: int) -> None:
    pages = [EARLIER, EARLIER]
    pages[which] = tmp_path / "nowhere.md"
    status, printed, errors = specs("diff", *pages)
    assert (status, printed, "nowhere.md: there is no such file" in errors) == (2, "", True)


def test_broken_page_in_a_folder_is_named(specs: Specs, tmp_path: Path) -> None:
    good = edited(tmp_path)
    (good.parent / "broken.md").write_text("# X\n\n## OpenAPI\n\n```yaml\npaths: [\n```\n", "utf-8")
    status, printed, errors = specs("diff", good.parent, good.parent)
    assert (status, printed) == (2, "nothing changed in 1 model\n")
    assert "Not compared" in errors
    assert "broken.md" in errors


def test_check_compares_what_is_vendored(specs: Specs, vendored: Path, tmp_path: Path) -> None:
    folder = edited(tmp_path, BREAKING).parent
    shutil.copy(FIXTURES / "paint-kite.md", folder)
    status, printed, _ = specs("check", folder, "--specs", vendored)
    assert status == 1
    assert printed.splitlines() == [
        "acme/paint-moon  (Acme - Paint Moon)",
        "  breaking  `duration` may be up to 10 now (was 15)",
        "",
        "1 of 1 model changed: 1 breaking; 1 not vendored",
    ]


def test_check_of_the_same_page(specs: Specs, vendored: Path) -> None:
    assert specs("check", EARLIER, "--specs", vendored) == (0, "nothing changed in 1 model\n", "")


def test_check_of_a_folder_without_the_model(specs: Specs, vendored: Path, tmp_path: Path) -> None:
    folder = edited(tmp_path, page=FIXTURES / "paint-kite.md").parent
    status, printed, _ = specs("check", folder, "--specs", vendored)
    assert (status, "breaking  the model is gone" in printed) == (1, True)


def test_check_of_a_folder_of_prose(specs: Specs, vendored: Path, tmp_path: Path) -> None:
    (tmp_path / "prose").mkdir()
    (tmp_path / "prose" / "a.md").write_text("# A page\n\nOnly prose.\n", "utf-8")
    status, printed, told = specs("check", tmp_path / "prose", "--specs", vendored)
    assert (status, "gone" in printed, "no page in it describes a model" in told) == (2, False, True)


def test_check_of_pages_of_other_models(specs: Specs, vendored: Path) -> None:
    status, _, errors = specs("check", FIXTURES / "paint-kite.md", "--specs", vendored)
    assert (status, "none of the 1 models in these pages is vendored" in errors) == (2, True)


def test_check_without_specs(specs: Specs, tmp_path: Path) -> None:
    status, _, errors = specs("check", EARLIER, "--specs", tmp_path / "none")
    assert (status, "no specs are vendored here" in errors) == (2, True)


def overlay(vendored: Path, target: str, update: str) -> None:
    path = vendored / "overlays" / "paint-moon.yaml"
    path.parent.mkdir()
    path.write_text(
        "overlay: 1.0.0\ninfo: {title: T, version: 1.0.0}\nactions:\n"
        f"  - target: {target}\n    update: {update}\n",
        "utf-8",
    )


GLOW = "$.components.schemas.PaintMoonInput.properties.glow"


def test_correction_is_no_change(specs: Specs, vendored: Path) -> None:
    overlay(vendored, GLOW, "{default: true}")
    assert specs("check", EARLIER, "--specs", vendored)[:2] == (0, "nothing changed in 1 model\n")


def test_correction_that_matches_nothing_is_named(specs: Specs, vendored: Path, tmp_path: Path) -> None:
    overlay(vendored, GLOW, "{default: true}")
    page = edited(tmp_path, ("                    glow:\n                      type: boolean\n", ""))
    (model,) = json.loads(specs("check", page, "--specs", vendored, "--json")[1])["models"]
    assert [change["sentence"] for change in model["changes"]] == ["`glow` was removed"]
    (note,) = model["overlays"]
    assert note.endswith(f"the target {GLOW!r} matches nothing in the document")


def test_correction_that_the_page_has_taken_up_is_named(specs: Specs, vendored: Path, tmp_path: Path) -> None:
    overlay(vendored, GLOW, "{description: Whether it shines}")
    described = ("glow:\n", "glow:\n                      description: Whether it shines\n")
    (model,) = json.loads(specs("check", edited(tmp_path, described), "--specs", vendored, "--json")[1])["models"]
    assert model["overlays"][0].endswith("changes nothing: the page says so by now")


def test_adapters_that_are_touched_are_named(specs: Specs) -> None:
    newer = FIXTURES / "nano-banana-edit-newer.md"
    said = json.loads(specs("check", newer, "--specs", ROOT / "specs", "--json")[1])
    (adapter,) = said["models"][0]["adapters"]
    assert adapter["adapter"] == "kie_models.nano_banana_edit.NanoBananaEdit"
    assert adapter["file"].endswith("nano_banana_edit.py")
    assert {"aspect_ratio", "images"} <= set(adapter["fields"])


def test_check_against_the_catalog(
    specs: Specs, vendored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = edited(tmp_path, BREAKING)
    newer = tmp_path / "document.yaml"
    newer.write_text(page.read_text("utf-8").split("```yaml\n")[1].split("```")[0], "utf-8")
    with Sandbox(documents={"acme/paint-moon": newer}, read_limit=None) as box:
        monkeypatch.setenv("KIE_API_KEY", box.key)
        monkeypatch.setenv("KIE_BASE_URL", box.url)
        status, printed, _ = specs("check", "--specs", vendored)
    assert (status, "breaking  `duration` may be up to 10 now (was 15)" in printed) == (1, True)


def test_check_against_a_catalog_without_the_model(
    specs: Specs, vendored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(read_limit=None) as box:
        monkeypatch.setenv("KIE_API_KEY", box.key)
        monkeypatch.setenv("KIE_BASE_URL", box.url)
        status, printed, _ = specs("check", "--specs", vendored)
    assert (status, "breaking  the model is gone" in printed) == (1, True)


def test_check_against_the_catalog_needs_a_key(specs: Specs, vendored: Path) -> None:
    status, _, errors = specs("check", "--specs", vendored)
    assert (status, "KIE_API_KEY" in errors) == (2, True)
