"""The document in a page is found in both formats, and kept byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs.pages import Page, read_pages

FORMAT_A = b"# One\n\n## OpenAPI\n\n````yaml market/acme/one.json post /api/v1/jobs/createTask\na: 1\n````\n"
FORMAT_B = b"# Two\n\n## OpenAPI Specification\n\n```yaml\nb: 2\n```\n"


def only_page(content: bytes) -> Page:
    (page,) = read_pages(content, source="page.md")
    return page


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            FORMAT_A, Page("One", b"a: 1\n", "market/acme/one.json post /api/v1/jobs/createTask", 6), id="format-A"
        ),
        pytest.param(FORMAT_B, Page("Two", b"b: 2\n", "", 6), id="format-B"),
        pytest.param(FORMAT_B.replace(b"```yaml", b"```yml"), Page("Two", b"b: 2\n", "", 6), id="yml"),
        pytest.param(FORMAT_B.removeprefix(b"# Two\n"), Page("", b"b: 2\n", "", 5), id="without-title"),
    ],
)
def test_page_is_read_in_both_formats(content: bytes, expected: Page) -> None:
    assert only_page(content) == expected


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"a: 1\r\nb: 2\r\n", id="crlf"),
        pytest.param(b"a: 1\nb: 2\r\n", id="mixed-line-ends"),
        pytest.param(b"a: 1\n\n\n", id="blank-lines-at-the-end"),
        pytest.param(b"a: 1   \n\tb\n", id="white-space"),
        pytest.param("a: 灯笼 Ω\n".encode(), id="utf-8"),
        pytest.param(b"a: \xff\xfe\n", id="no-utf-8"),
        pytest.param(b"a: \x0c \x85 \x1c\n", id="control-characters"),
        pytest.param(b"a: |\n  ```json\n  {}\n  ```\nb: 2\n", id="indented-fences"),
        pytest.param(b"a: |\n  ## OpenAPI\n  # Other\n", id="indented-headings"),
        pytest.param(b"# a comment\na: 1\n", id="yaml-comment"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("ticks", [b"```", b"````"], ids=["three-ticks", "four-ticks"])
def test_document_is_kept_byte_for_byte(ticks: bytes, document: bytes) -> None:
    assert only_page(b"## OpenAPI\n" + ticks + b"yaml\n" + document + ticks + b"\n").document == document


def test_crlf_around_the_document_is_no_part_of_it() -> None:
    content = FORMAT_A.replace(b"\n", b"\r\n")
    assert only_page(content) == Page("One", b"a: 1\r\n", "market/acme/one.json post /api/v1/jobs/createTask", 6)


def test_three_ticks_do_not_close_a_fence_of_four() -> None:
    assert only_page(b"## OpenAPI\n````yaml\na: |\n```\nb\n````\n").document == b"a: |\n```\nb\n"


def test_last_line_needs_no_line_end() -> None:
    assert only_page(FORMAT_B.rstrip()).document == b"b: 2\n"


@pytest.mark.parametrize(
    ("content", "titles"),
    [
        pytest.param(FORMAT_A + b"\n" + FORMAT_B, ["One", "Two"], id="A-then-B"),
        pytest.param(FORMAT_B + FORMAT_A, ["Two", "One"], id="B-then-A"),
        pytest.param(FORMAT_A + b"\n# Notes\n\nNothing here.\n\n" + FORMAT_B, ["One", "Two"], id="notes-between"),
    ],
)
def test_pages_in_one_file_come_in_order(content: bytes, titles: list[str]) -> None:
    assert [page.title for page in read_pages(content, source="pages.md")] == titles


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(b"## Example\n\n```yaml\nx: 1\n```\n", id="under-another-heading"),
        pytest.param(b"```yaml\nx: 1\n```\n", id="under-no-heading"),
        pytest.param(b"## Openness\n\n```yaml\nx: 1\n```\n", id="under-a-like-heading"),
        pytest.param(b"## OpenAPI\n\nNone.\n\n## Example\n\n```yaml\nx: 1\n```\n", id="after-an-empty-section"),
        pytest.param(b"## OpenAPI\n\n```json\n{}\n```\n", id="json"),
    ],
)
def test_other_fences_are_no_documents(other: bytes) -> None:
    assert [page.document for page in read_pages(other + FORMAT_B, source="p.md")] == [b"b: 2\n"]


def test_second_fence_under_one_heading_is_no_document() -> None:
    assert only_page(FORMAT_B + b"\n```yaml\nx: 1\n```\n").document == b"b: 2\n"


def test_second_document_under_one_heading_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^page\.md:\d+: a second OpenAPI document; the page has one at line \d+"):
        read_pages(FORMAT_B + b"\n```yaml\nopenapi: 3.0.0\n```\n", source="page.md")


def test_comment_in_a_code_fence_is_no_title() -> None:
    content = FORMAT_B.replace(b"## OpenAPI", b"```bash\n# install it\n```\n\n## OpenAPI")
    assert only_page(content).title == "Two"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"# P\n## OpenAPI\n```yaml\na: 1\n", id="end-of-file"),
        pytest.param(b"# P\n## OpenAPI\n```yaml\na: |\n  ```\n", id="only-an-indented-fence"),
        pytest.param(b"# P\n## OpenAPI\n````yaml\na: 1\n```\n", id="too-few-ticks"),
    ],
)
def test_unclosed_fence_is_refused_with_its_line(content: bytes) -> None:
    with pytest.raises(SpecError, match=r"^page\.md:3: the fence .* never closed"):
        read_pages(content, source="page.md")


@pytest.mark.parametrize(
    ("name", "title", "info"),
    [
        ("paint-lantern", "Acme - Paint Lantern", "market/acme/paint-lantern.json post /api/v1/jobs/createTask"),
        ("paint-kite", "Acme - Paint Kite", ""),
        ("nano-banana-edit-newer", "Google - Nano Banana Edit", ""),
    ],
)
def test_whole_page(pages: Path, name: str, title: str, info: str) -> None:
    content = (pages / f"{name}.md").read_bytes()
    page = only_page(content)
    assert (page.title, page.info) == (title, info)


@pytest.mark.parametrize("name", ["paint-lantern", "paint-kite", "nano-banana-edit-newer"])
def test_line_is_where_the_document_starts(pages: Path, name: str) -> None:
    content = (pages / f"{name}.md").read_bytes()
    page = only_page(content)
    rest = b"".join(content.splitlines(keepends=True)[page.line - 1 :])
    assert rest.startswith(page.document)
