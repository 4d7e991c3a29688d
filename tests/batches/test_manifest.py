"""Reading manifests: the three forms say the same, and whatever is wrong is told with its line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from kie_registry import InvalidRequest
from kie_registry.batches.manifests.lines import BrokenLine, Line
from kie_registry.batches.manifests.manifest import read_manifest

BOM = b"\xef\xbb\xbf"
A_LINE = b'{"model": "m", "prompt": "a"}\n'


def read(path: Path, content: bytes | str, **defaults: Any) -> list[Line | BrokenLine]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_manifest(path, defaults))


def told(lines: list[Line | BrokenLine]) -> list[Any]:
    """Return each line in short: its number, and what it says, or what is wrong with it."""
    return [
        (line.number, line.model, dict(line.parameters))
        if isinstance(line, Line)
        else (line.number, [str(problem) for problem in line.problems])
        for line in lines
    ]


JSONL = {
    "one job a line": (A_LINE * 2, [(1, "m", {"prompt": "a"}), (2, "m", {"prompt": "a"})]),
    "no end of the last line": (A_LINE[:-1], [(1, "m", {"prompt": "a"})]),
    "blank lines": (
        b"\n\n" + A_LINE + b"  \r\n\n" + A_LINE,
        [(3, "m", {"prompt": "a"}), (6, "m", {"prompt": "a"})],
    ),
    "a byte order mark": (BOM + A_LINE, [(1, "m", {"prompt": "a"})]),
    "ends of Windows": (A_LINE.replace(b"\n", b"\r\n"), [(1, "m", {"prompt": "a"})]),
    "one word": (b"hi\n", [(1, ["is no JSON: Expecting value at character 1; " + "{hint}"])]),
    "a list": (b"[1]\n", [(1, ["is no JSON object; {hint}"])]),
    "a document over many lines": (b'{\n"model": "m"\n}', ["{broken}"] * 3),
    "no number": (b'{"seed": NaN}', [(1, ["is no JSON: NaN is no number of JSON; {hint}"])]),
    "a key twice": (b'{"model": "m", "prompt": "a", "prompt": "b"}', [(1, ["the key 'prompt' is given twice"])]),
    "a key twice within": (b'{"model": "m", "x": {"a": 1, "a": 2}}', [(1, ["the key 'a' is given twice"])]),
    "too many levels": (b"[" * 200_000, [(1, ["is no JSON: it has too many levels; {hint}"])]),
    "not UTF-8": (
        A_LINE + b'{"prompt": "caf\xe9"}\n' + A_LINE,
        [
            (1, "m", {"prompt": "a"}),
            (2, ["is not UTF-8: 0xe9, its byte 16, is no character; save the file as UTF-8"]),
            (3, "m", {"prompt": "a"}),
        ],
    ),
    "a line that is too long": (
        A_LINE + b'{"prompt": "' + b"x" * (1 << 20) + b'"}\n' + A_LINE,
        [
            (1, "m", {"prompt": "a"}),
            (2, ["has more than 1,048,576 bytes, the most that a line may have"]),
            (3, "m", {"prompt": "a"}),
        ],
    ),
}
HINT = "each line must be a JSON object of its own"


@pytest.mark.parametrize(("content", "lines"), JSONL.values(), ids=JSONL)
def test_jsonl(tmp_path: Path, content: bytes, lines: list[Any]) -> None:
    found = read(tmp_path / "jobs.jsonl", content)
    if "{broken}" in lines:
        assert [isinstance(line, BrokenLine) for line in found] == [True] * len(lines)
    else:
        assert json.dumps(told(found)) == json.dumps(lines).replace("{hint}", HINT)


CSV: dict[str, tuple[str, list[Any]]] = {
    "a table": ("model,prompt,seed\nm,a cat,5\n", [(2, "m", {"prompt": "a cat", "seed": "5"})]),
    "empty cells": ("model,prompt,seed\nm,a cat,\n", [(2, "m", {"prompt": "a cat"})]),
    "empty rows": ("model,prompt\n\n,\nm,a\n", [(4, "m", {"prompt": "a"})]),
    "cells over several lines": (
        'model,prompt\nm,"a\ncat"\nm,b\n',
        [(2, "m", {"prompt": "a\ncat"}), (4, "m", {"prompt": "b"})],
    ),
    "quotation marks in a cell": ('model,prompt\nm,"say ""hi"", cat"\n', [(2, "m", {"prompt": 'say "hi", cat'})]),
    "several images": ("model,images\nm,a.png | b.png\n", [(2, "m", {"images": ["a.png", "b.png"]})]),
    "images as JSON": ('model,images\nm,"[""a.png"", ""b.png""]"\n', [(2, "m", {"images": ["a.png", "b.png"]})]),
    "JSON in a cell": ('model,x\nm,"{""a"": [1]}"\n', [(2, "m", {"x": {"a": [1]}})]),
    "text that begins like JSON": ("model,lyrics\nm,[Verse] la\n", [(2, "m", {"lyrics": "[Verse] la"})]),
    "a prompt that is JSON": ("model,prompt\nm,[1]\n", [(2, "m", {"prompt": "[1]"})]),
    "parameters as JSON": ('model,parameters\nm,"{""id"": 5}"\n', [(2, "m", {"id": 5})]),
    "semicolons": ("model;prompt\nm;a, b\n", [(2, "m", {"prompt": "a, b"})]),
    "tabs": ("model\tprompt\nm\ta, b\n", [(2, "m", {"prompt": "a, b"})]),
    "a byte order mark": ("\ufeffmodel,prompt\nm,a\n", [(2, "m", {"prompt": "a"})]),
    "a column without a name and without cells": ("model,prompt,\nm,a,\n", [(2, "m", {"prompt": "a"})]),
    "a cell in a column without a name": ("model,\nm,a\n", [(2, ["'a' stands in a column without a name"])]),
    "too few cells": ("model,prompt\nm\n", [(2, ["has 1 cells, and the first row names 2 columns; {missing}"])]),
    "too many cells": ("model\nm,a\n", [(2, ["has 2 cells, and the first row names 1 columns; {missing}"])]),
    "a key twice": ('model,x\nm,"{""a"": 1, ""a"": 2}"\n', [(2, ["x: the key 'a' is given twice"])]),
    "a quotation mark in the wrong place": (
        'model,prompt\nm,"a"b\nm,c\n',
        [
            (2, ["is no row of CSV: ',' expected after '\"'; {missing}, or one too many?"]),
            (3, "m", {"prompt": "c"}),
        ],
    ),
    "a quotation mark that is missing": (
        'model,prompt\nm,"a\n',
        [(2, ["is no row of CSV: unexpected end of data; {missing}, or one too many?"])],
    ),
}


@pytest.mark.parametrize(("content", "lines"), CSV.values(), ids=CSV)
def test_csv(tmp_path: Path, content: str, lines: list[Any]) -> None:
    expected = json.dumps(lines).replace("{missing}, or", "is a quotation mark missing, or")
    expected = expected.replace("{missing}", "is a quotation mark missing?")
    assert json.dumps(told(read(tmp_path / "jobs.csv", content))) == expected


def test_a_row_of_csv_that_never_ends_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text('model,prompt\nm,"a\n' + 'a line","\n' * 200_000)
    first = next(iter(read_manifest(path)))
    assert isinstance(first, BrokenLine)
    assert (first.number, "1,048,576 bytes" in str(first.problems[0])) == (2, True)


def test_a_row_of_csv_that_is_not_utf_8_names_the_line_and_the_byte(tmp_path: Path) -> None:
    lines = read(tmp_path / "jobs.csv", b'model,prompt\nm,"a\nb\xe9"\nm,c\n')
    wrong = "line 3 of this row is not UTF-8: 0xe9, its byte 2, is no character"
    assert told(lines)[0][1][0].startswith(wrong)


YAML: dict[str, tuple[str, list[Any]]] = {
    "a list": (
        "- model: m\n  prompt: a\n\n- {model: m, prompt: b}\n",
        [(1, "m", {"prompt": "a"}), (4, "m", {"prompt": "b"})],
    ),
    "defaults and jobs": (
        "defaults:\n  model: m\n  x: 1\njobs:\n- prompt: a\n- prompt: b\n  x: 2\n",
        [(5, "m", {"x": 1, "prompt": "a"}), (6, "m", {"prompt": "b", "x": 2})],
    ),
    "jobs alone": ("jobs: [{model: m}]\n", [(1, "m", {})]),
    "the types of YAML 1.2": (
        "- {model: m, a: 16:9, b: on, c: 2.0, d: null}\n",
        [(1, "m", {"a": "16:9", "b": "on", "c": 2.0, "d": None})],
    ),
    "an anchor": ("- &a {model: m}\n- *a\n", [(1, "m", {}), (1, "m", {})]),
    "a job that is none": (
        "- 5\n- {model: m}\n",
        [(1, ["is no mapping with a model and its parameters"]), (2, "m", {})],
    ),
    "a key twice": (
        "- model: m\n  prompt: a\n  prompt: b\n",
        [(1, ["the key 'prompt' is given twice, again in line 3"])],
    ),
    "a key twice within": (
        "- {model: m, x: {a: 1, a: 2}}\n",
        [(1, ["the key 'a' is given twice, again in line 1"])],
    ),
    "no number": ("- {model: m, x: 1e999}\n", [(1, ["jobs.yaml:1: has a number that is none in JSON, inf"])]),
}


@pytest.mark.parametrize(("content", "lines"), YAML.values(), ids=YAML)
def test_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, lines: list[Any]) -> None:
    monkeypatch.chdir(tmp_path)
    found = told(read(Path("jobs.yaml"), content))
    assert json.dumps(found, sort_keys=True) == json.dumps(lines, sort_keys=True)


def test_the_defaults_of_a_caller_take_the_place_of_those_in_the_file(tmp_path: Path) -> None:
    content = "defaults: {model: m, x: 1, y: 1}\njobs:\n- {x: 3}\n- {}\n"
    lines = read(tmp_path / "jobs.yml", content, model="other", x=2)
    assert told(lines) == [(3, "other", {"x": 3, "y": 1}), (4, "other", {"x": 2, "y": 1})]


BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": ("jobs.jsonl", b"", "holds no jobs"),
    "nothing but blank lines": ("jobs.jsonl", b"\n\n", "holds no jobs"),
    "nothing but a byte order mark": ("jobs.jsonl", BOM, "holds no jobs"),
    "a table without rows": ("jobs.csv", b"model,prompt\n", "holds no jobs"),
    "an empty table": ("jobs.csv", b"", "holds no jobs"),
    "an empty YAML": ("jobs.yaml", b"# later\n", "holds no jobs"),
    "an empty list": ("jobs.yaml", b"[]", "holds no jobs"),
    "UTF-16": ("jobs.jsonl", A_LINE.decode().encode("utf-16"), "is UTF-16 and not UTF-8; save it as UTF-8"),
    "a table without names": ("jobs.csv", b",,\nm,a,b\n", "the first row must name the columns"),
    "a column twice": ("jobs.csv", b"model,seed,seed\n", "jobs.csv, line 1: the column 'seed' is there twice"),
    "a first row that is not UTF-8": ("jobs.csv", b"model,\xe9\n", "line 1: is not UTF-8: 0xe9, its byte 7,"),
    "broken YAML": ("jobs.yaml", b"- [\n", "jobs.yaml:2:1: broken YAML"),
    "YAML that is not UTF-8": ("jobs.yaml", b"- \xe9\n", "broken YAML"),
    "YAML that is text": ("jobs.yaml", b"hello\n", "is no list; it takes a list of jobs"),
    "YAML without jobs": ("jobs.yaml", b"model: m\n", "has no list of jobs"),
    "YAML with more than jobs": ("jobs.yaml", b"jobs: []\nmore: 1\n", "more: is neither jobs nor defaults"),
    "YAML with jobs twice": ("jobs.yaml", b"jobs: []\njobs: []\n", "the key 'jobs' is given twice"),
    "YAML whose defaults are none": ("jobs.yaml", b"defaults: 5\njobs: [{}]\n", "defaults: are no mapping"),
    "YAML that is too deep": ("jobs.yaml", b"- " * 100, "more than 64 levels"),
    "YAML that is too large": ("jobs.yaml", b"#" * (16 << 20) + b"\n", "is larger than the 16 MiB"),
    "another suffix": (
        "jobs.txt",
        A_LINE,
        "a manifest is JSONL (.jsonl: one JSON object on each line), CSV (.csv) or",
    ),
    "no suffix": ("jobs", A_LINE, "its suffix must say which"),
}


@pytest.mark.parametrize(("name", "content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_manifest_says_why(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read(tmp_path / name, content)
    assert (words in str(raised.value), name in str(raised.value)) == (True, True), raised.value


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("-", "standard input cannot be; give a file"),
        ("nowhere.jsonl", "nowhere.jsonl: cannot be read: No such file or directory"),
        ("folder.jsonl", "cannot be read: Is a directory"),
        ("a\0b.jsonl", "cannot be read: embedded null"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.jsonl").mkdir()
    with pytest.raises(InvalidRequest) as raised:
        list(read_manifest(path))
    assert words in str(raised.value)


def test_a_line_without_an_end_is_never_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b"x" * 20_000_000)
    tracemalloc.start()
    try:
        (line,) = read_manifest(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (isinstance(line, BrokenLine), most < 5_000_000) == (True, True), most


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_large_file_is_never_held_in_memory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"jobs{suffix}"
    text = "x" * 100_000
    row = f"m,{text}\n" if suffix == ".csv" else json.dumps({"model": "m", "prompt": text}) + "\n"
    path.write_text(("model,prompt\n" if suffix == ".csv" else "") + row * 200)
    tracemalloc.start()
    try:
        number = sum(isinstance(line, Line) for line in read_manifest(path))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (number, most < 3_000_000 < path.stat().st_size) == (200, True), most
