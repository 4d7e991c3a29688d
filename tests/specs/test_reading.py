"""Reading from wherever kie.ai's pages are."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from kie_registry import KieError, SpecError, TransportError
from kie_registry.errors import NotAModel
from kie_registry.specs.published import MAX_BYTES
from kie_registry.specs.reading import Outcome, read_sources
from tests.pages import page, write


def read(*sources: object) -> list[Outcome]:
    return list(read_sources(map(str, sources)))


def error_of(source: object) -> KieError:
    (outcome,) = read(source)
    assert outcome.error is not None
    return outcome.error


def titles(outcomes: list[Outcome]) -> list[str]:
    return [published.title for outcome in outcomes for published in outcome.published]


class TestAFile:
    @pytest.mark.parametrize("name", ["page.md", "page", "page.with.dots", "-.md", "c:page.md"])
    def test_is_read_whatever_its_name(self, tmp_path: Path, name: str) -> None:
        assert titles(read(write(tmp_path / name, "acme/kite", "A kite"))) == ["A kite"]

    def test_that_goes_before_a_model_of_the_same_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path / "kite", "acme/kite", "A kite")
        monkeypatch.chdir(tmp_path)
        assert titles(read("kite")) == ["A kite"]

    def test_may_be_a_pipe(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_text(page("acme/kite", "A kite")))
        writer.start()
        assert titles(read(pipe)) == ["A kite"]
        writer.join()

    @pytest.mark.parametrize("name", ["nothing.md", "nothing.YAML", "./nothing", "inside/nothing", "../../x", ""])
    def test_that_is_not_there_is_said_not_to_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        (tmp_path / "inside").mkdir()
        monkeypatch.chdir(tmp_path / "inside" if name.startswith("..") else tmp_path)
        assert "there is no such file" in str(error_of(name))

    def test_of_fifty_megabytes_is_refused_unread(self, tmp_path: Path) -> None:
        with (tmp_path / "page.md").open("wb") as file:
            file.truncate(50 * 2**20)
        assert "has 52,428,800 bytes" in str(error_of(tmp_path / "page.md"))

    def test_whose_name_cannot_be_one_is_no_crash(self) -> None:
        assert isinstance(error_of("a\0b"), SpecError)


class TestAFolder:
    def test_is_searched_with_all_in_it(self, tmp_path: Path) -> None:
        for number, name in enumerate(["b.md", "a.json", "below/c.YAML", "below/d.markdown", "e.txt"]):
            write(tmp_path / name, f"acme/kite-{number}", name)
        write(tmp_path / "page.html", "acme/none")
        write(tmp_path / ".hidden" / "page.md", "acme/none")
        assert [Path(outcome.source).name for outcome in read(tmp_path)] == [
            "a.json",
            "b.md",
            "e.txt",
            "c.YAML",
            "d.markdown",
        ]

    def test_that_leads_back_to_itself_is_read_once(self, tmp_path: Path) -> None:
        write(tmp_path / "page.md", "acme/kite", "A kite")
        (tmp_path / "again").symlink_to(tmp_path)
        assert titles(read(tmp_path)) == ["A kite"]

    def test_that_links_to_nothing_has_a_failure(self, tmp_path: Path) -> None:
        (tmp_path / "page.md").symlink_to(tmp_path / "nowhere")
        assert "cannot be read" in str(error_of(tmp_path))

    def test_does_not_wait_for_a_pipe_in_it(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.md")
        assert "holds no pages" in str(error_of(tmp_path))

    def test_passes_over_what_is_no_model(self, tmp_path: Path) -> None:
        write(tmp_path / "page.md", "acme/kite", "A kite")
        (tmp_path / "README.md").write_text("# Read me")
        assert [outcome.skipped for outcome in read(tmp_path)] == [True, False]

    def test_without_pages_says_so(self, tmp_path: Path) -> None:
        assert "holds no pages" in str(error_of(tmp_path))


def test_what_is_no_model_is_an_error_where_it_was_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Read me")
    (outcome,) = read(tmp_path / "README.md")
    assert (isinstance(outcome.error, NotAModel), outcome.skipped) == (True, False)


def test_one_bad_source_does_not_stop_the_others(tmp_path: Path) -> None:
    good = write(tmp_path / "page.md", "acme/kite", "A kite")
    assert titles(read(tmp_path / "nothing.md", good)) == ["A kite"]


class TestStandardInput:
    def test_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(page("acme/kite", "A kite").encode())))
        assert titles(read("-")) == ["A kite"]

    def test_without_end_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        endless = SimpleNamespace(read=lambda size: b"x" * size)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=endless))
        assert f"more than {MAX_BYTES:,} bytes" in str(error_of("-"))


HTML = "<!doctype html><title>A kite</title>"


class Site(BaseHTTPRequestHandler):
    """A site with documentation, as HTML and beside it as Markdown."""

    requests: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.requests.append((self.path, self.headers.get("Authorization")))
        path = self.path.partition("?")[0].rstrip("/")
        if path == "/moved":
            self.answer(302, "", location="/kite.md")
        elif path == "/round":
            self.answer(302, "", location="/round")
        elif path == "/elsewhere":
            self.answer(302, "", location="file:///etc/passwd")
        elif path == "/endless.md":
            self.answer(200, "x" * (MAX_BYTES + 1))
        elif path in ("/kite.md", "/bare"):
            self.answer(200, page("acme/kite", "A kite"), kind="text/markdown; charset=utf-8")
        elif path in ("/kite", "/other", "/kite.html"):
            self.answer(200, HTML, kind="text/html; charset=utf-8")
        else:
            self.answer(404, HTML, kind="text/html")

    def answer(self, status: int, body: str, kind: str = "text/plain", location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Site.requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestAnAddress:
    @pytest.mark.parametrize("path", ["/kite.md", "/bare", "/moved", "/kite", "/kite/", "/kite?x=1#top"])
    def test_is_read(self, site: str, path: str) -> None:
        assert titles(read(site + path)) == ["A kite"]

    def test_never_gets_the_key(self, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KIE_API_KEY", "secret")
        read(f"{site}/kite")
        assert Site.requests == [("/kite", None), ("/kite.md", None)]

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("/nothing", "the server answers 404"),
            ("/other", "/other.md: there is no page"),
            ("/kite.html", "is HTML"),
            ("/endless.md", f"has more than {MAX_BYTES:,} bytes"),
        ],
    )
    def test_without_a_page_says_so(self, site: str, path: str, said: str) -> None:
        assert said in str(error_of(site + path))

    @pytest.mark.parametrize("path", ["/round", "/elsewhere"])
    def test_that_leads_nowhere_is_an_error(self, site: str, path: str) -> None:
        assert isinstance(error_of(site + path), TransportError)

    @pytest.mark.parametrize("address", ["http://127.0.0.1:1/x", "http://", "https://[", "http://a b/"])
    def test_that_cannot_be_reached_is_an_error(self, address: str) -> None:
        assert isinstance(error_of(address), TransportError)

    @pytest.mark.parametrize("address", ["ftp://acme/kite.md", "file:///kite.md"])
    def test_of_another_kind_is_refused(self, address: str) -> None:
        assert "only addresses with http" in str(error_of(address))


def test_a_model_id_without_a_key_says_what_it_takes() -> None:
    said = str(error_of("acme/kite"))
    assert "acme/kite: there is no such file or folder" in said
    assert "KIE_API_KEY" in said
