"""What is printed: words of a page never steer the terminal that they are shown on."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from kie_registry.cli import output
from tests.cli.conftest import KIE, Run
from tests.pages import write

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
CONTROLS = [*map(chr, (0, 7, 8, 0x0D, 0x1B, 0x7F, 0x85, 0x9B)), "\u202a", "\u202e", "\u2066", "\u2069"]
STEERING = "a\x1b[31m\x9b2J\u202eb"


@pytest.fixture
def steering(tmp_path: Path) -> Path:
    """A page whose names and values would steer a terminal."""
    return write(
        tmp_path / "kite.md",
        "acme/kite",
        f"Kite {STEERING}",
        style={"type": "string", "enum": ["plain", STEERING], "description": f"Is {STEERING}."},
        **{f"size{STEERING}": {"type": "string", "x-apifox": 1, "nullable": "yes"}},
    )


class TestWhatIsPrinted:
    @pytest.mark.parametrize("control", CONTROLS, ids=ascii)
    def test_has_each_control_written_out(self, control: str) -> None:
        assert output.visible(f"a{control}b") == f"a\\u{ord(control):04x}b"

    def test_keeps_lines_tabs_and_letters(self) -> None:
        assert output.visible("a\tb\nü日\u200b🪁") == "a\tb\nü日\u200b🪁"

    def test_as_json_means_what_it_meant(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.show_json({"é": "".join(CONTROLS)})
        printed = capsys.readouterr().out
        assert (CONTROL.search(printed), "é" in printed) == (None, True)
        assert json.loads(printed) == {"é": "".join(CONTROLS)}

    def test_in_a_table_stays_in_its_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.table(("A", "B"), [("x\ny", "z\tz")])
        assert capsys.readouterr().out == "A     B\nx\\ny  z\\tz\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "show", "kite", "-v"),
        ("models", "show", "kite", "--json"),
        ("generate", "kite", "--help"),
        ("generate", "kite", "a", "--style", STEERING[1:]),
        ("generate", "kite", f"--{STEERING}"),
        ("generate", "kite", f"--{STEERING}", "--json"),
        ("models", "show", STEERING),
        ("models", "add", f"{STEERING}.md"),
    ],
    ids=lambda arguments: ascii(" ".join(arguments)),
)
def test_no_control_of_a_page_gets_through(run: Run, steering: Path, arguments: tuple[str, ...]) -> None:
    added = run("models", "add", "-v", str(steering))
    done = run(*arguments)
    assert added.returncode == 0, added.stderr
    assert CONTROL.search(added.stdout + added.stderr + done.stdout + done.stderr) is None
    assert "u202e" in (done.stdout + done.stderr)


def test_on_a_terminal_only_our_own_controls_are_sent(run: Run, tmp_path: Path) -> None:
    style = {"type": "string", "enum": ["plain", f"[red]x[/red] :kite: {STEERING}"]}
    run("models", "add", str(write(tmp_path / "kite.md", "acme/kite", style=style)))
    main, side = pty.openpty()
    process = subprocess.Popen(
        [*KIE, "models", "show", "kite"],
        stdout=side,
        stderr=side,
        env={**os.environ, "COLUMNS": "300", "TERM": "xterm"},
    )
    os.close(side)
    shown = b""
    try:
        while part := os.read(main, 4096):
            shown += part
    except OSError:  # how the end of a terminal's output is told on Linux
        pass
    os.close(main)
    assert process.wait() == 0
    text = shown.decode()
    assert ("\x1b[31m" in text, "\u202e" in text, "\x1b[1m" in text) == (False, False, True)
    assert "[red]x[/red] :kite: a\\u001b[31m" in text
