"""A source is a page, a bare document, or nothing of the kind; what it is not, it is told by name."""

from __future__ import annotations

import json

import pytest

from kie_registry.errors import NotAModel, SpecError
from kie_registry.specs.documents import CREATE_TASK_PATH
from kie_registry.specs.published import MAX_BYTES, read_published

DOCUMENT = {"openapi": "3.1.0", "paths": {CREATE_TASK_PATH: {"post": {}}}}
YAML = b"openapi: 3.1.0\npaths:\n  /api/v1/jobs/createTask:\n    post: {}\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(YAML, id="yaml"),
        pytest.param(json.dumps(DOCUMENT).encode(), id="json"),
        pytest.param(json.dumps(DOCUMENT, indent="\t").encode(), id="json-with-tabs"),
        pytest.param(b"\n# A comment\n---\n" + YAML, id="yaml-after-a-comment"),
        pytest.param(b"info: {title: a}\n" + YAML, id="yaml-in-another-order"),
        pytest.param(YAML.replace(b"\n", b"\r\n"), id="yaml-with-other-line-ends"),
    ],
)
def test_bare_document_is_read(content: bytes) -> None:
    (found,) = read_published(content, source="x.yaml")
    assert (found.document["paths"], found.content) == (DOCUMENT["paths"], content)


def test_page_knows_its_title_place_and_line() -> None:
    content = b"# Lamp\n\n## OpenAPI\n\n````yaml market/acme/lamp.json post /x\n" + YAML + b"````\n"
    (found,) = read_published(content, source="page.md")
    assert (found.title, found.page, found.source) == ("Lamp", "market/acme/lamp.json", "page.md:6")


def test_several_pages_in_one_file_are_several_documents() -> None:
    page = b"# Lamp\n\n## OpenAPI\n\n```yaml\n" + YAML + b"```\n\n"
    assert [found.source for found in read_published(page * 2, source="p.md")] == ["p.md:6", "p.md:17"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty-file"),
        pytest.param(b"# A page\n\nOnly prose.\n", id="prose"),
        pytest.param(b"# A page\n\n```yaml\nopenapi: 3.0.0\n```\n", id="yaml-without-heading"),
        pytest.param(b"# A page\n\n## OpenAPI\n\nComing soon.\n", id="heading-without-fence"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", id="a-picture"),
    ],
)
def test_file_without_a_document_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(NotAModel, match=r"^dir/page\.md: no OpenAPI document found"):
        read_published(content, source="dir/page.md")


@pytest.mark.parametrize(
    "content",
    [b"\n" * 5000 + b"Hello world!", b"# a" + b" " * 200_000 + b"b", b"```yaml" + b" " * 200_000 + b"b"],
    ids=["blank-lines", "long-title", "long-fence"],
)
def test_reading_takes_no_more_time_than_there_is_text(content: bytes) -> None:
    with pytest.raises(NotAModel):
        read_published(content, source="p")


def test_merge_keys_do_not_multiply() -> None:
    levels = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    with pytest.raises(SpecError, match="write out to more than"):
        read_published("\n".join(["openapi: 3.0.0", "paths: {}", *levels]).encode(), source="p")


@pytest.mark.parametrize(("written", "read"), [("NaN", "NaN"), (".inf", ".inf"), ("-.inf", "-.inf")])
def test_words_for_no_number_are_text(written: str, read: str) -> None:
    (found,) = read_published(f'{{"paths": {{"a": {written}}}}}'.encode(), source="p")
    assert found.document["paths"] == {"a": read}


def test_number_that_is_beyond_all_is_refused() -> None:
    with pytest.raises(SpecError, match="p: has a number that is none in JSON, inf"):
        read_published(b"paths: {a: 1e999}\nopenapi: 3", source="p")


def test_text_to_choose_from_is_what_is_written() -> None:
    content = b"paths:\n  a:\n    type: string\n    enum: [1.10, 1.1, 007, True, off]\n    default: 1.10\n"
    (found,) = read_published(content, source="p")
    assert found.document["paths"]["a"]["enum"] == ["1.10", "1.1", "007", "True", "off"]
    assert found.document["paths"]["a"]["default"] == "1.10"


def test_html_is_told_from_markdown() -> None:
    with pytest.raises(NotAModel, match=r"is HTML\. The Markdown .* with \.md"):
        read_published(b"<!DOCTYPE html><html>## OpenAPI</html>", source="page")


def test_source_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(SpecError, match=r"big\.md: has 5,242,881 bytes"):
        read_published(b" " * (MAX_BYTES + 1), source="big.md")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"openapi: 3.0.0\npaths: {\n", r"x:3:1: broken YAML", id="broken-yaml"),
        pytest.param(b"openapi: 3.0.0\npaths:\n\t- a\n", r"x:3:1: broken YAML", id="tab"),
        pytest.param(
            b"openapi: 3.0.0\npaths: 5\n", "no OpenAPI document: it has no 'paths'", id="paths-no-mapping"
        ),
        pytest.param(b"openapi: 3.0.0\npaths: &a\n  b: *a\n", "contains itself", id="alias-of-itself"),
        pytest.param(b"paths: " + b"[" * 5000, "more than 64 levels", id="deep"),
        pytest.param(b'{"paths": ' + b"[" * 5000, "more than 64 levels", id="deep-json"),
        pytest.param(
            b"openapi: 3.0.0\npaths: !!python/object/apply:os.system [id]\n", "broken YAML", id="python-tag"
        ),
        pytest.param(b"openapi: 3\npaths:\n  ? [a]\n  : b\n", "a key is no plain text", id="list-as-key"),
        pytest.param(b"openapi: 3\npaths: \xff\n", "broken YAML", id="not-utf-8"),
    ],
)
def test_broken_document_is_refused_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_published(content, source="x")


def test_line_of_broken_yaml_is_that_of_the_page() -> None:
    page = b"# Lamp\n\n## OpenAPI\n\n```yaml\nopenapi: 3.0.0\npaths: {\n```\n"
    with pytest.raises(SpecError, match=r"page\.md:8:1: broken YAML"):
        read_published(page, source="page.md")


def test_yaml_bomb_is_refused_before_it_grows() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    content = "\n".join([*levels, "openapi: 3.0.0", "paths: {b: *a11}"]).encode()
    with pytest.raises(SpecError, match="aliases write out to more than 200,000"):
        read_published(content, source="bomb")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("16:9", "16:9"),
        ("on", "on"),
        ("no", "no"),
        ("2024-01-01", "2024-01-01"),
        ("010", 10),
        ("0x10", 16),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ("", None),
        ("1_000", "1_000"),
        ("'5'", "5"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, read: object) -> None:
    (found,) = read_published(f"paths: {{}}\nopenapi: 3\nx: {written}\n".encode(), source="x")
    assert (found.document["x"], type(found.document["x"])) == (read, type(read))
