"""Commands that plugins add to `kie`: found when they may matter, and never in the way of ours."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.plugins import own_file

SPENT = """
from kie_registry import hookimpl

@hookimpl
def register_commands(cli):
    import click

    @cli.command()
    @click.argument("project")
    def spent(project):
        "Print the credits of a project."
        click.echo(f"{project}: 4")
"""
BROKEN = {
    "raises": ("1 / 0", "its register_commands raised ZeroDivisionError: division by zero"),
    "leaves": ("raise SystemExit(3)", "its register_commands raised SystemExit: 3"),
    "adds none": ("cli.add_command('text')", "its register_commands raised"),
    "takes one of ours": ("cli.command('models')(print)", "the command name 'models' is taken by kie itself"),
}


def adding(body: str) -> str:
    """Return the source of a plugin whose `register_commands` has this body."""
    return f"from kie_registry import hookimpl\n@hookimpl\ndef register_commands(cli): {body}\n"


def test_a_command_of_a_plugin_runs(run: Run) -> None:
    own_file("spent", SPENT)
    done = run("spent", "lighthouse")
    assert (done.returncode, done.stdout, done.stderr) == (0, "lighthouse: 4\n", "")


def test_its_help_is_its_own(run: Run) -> None:
    own_file("spent", SPENT)
    assert "Usage: kie spent [OPTIONS] PROJECT" in run("spent", "--help").stdout


def test_help_lists_it(run: Run) -> None:
    own_file("spent", SPENT)
    listed = run("--help").stdout.partition("Commands of plugins:\n")[2]
    assert listed.split() == ["spent", "Print", "the", "credits", "of", "a", "project."]


def test_help_without_plugins_speaks_of_none(run: Run) -> None:
    assert "plugins:" not in run("--help").stdout


def test_it_is_suggested(run: Run) -> None:
    own_file("spent", SPENT)
    done = run("spend", "lighthouse")
    assert (done.returncode, "Did you mean 'spent'?" in done.stderr) == (2, True)


def test_a_name_near_to_one_of_ours_is_no_mistake(run: Run) -> None:
    own_file("spent", SPENT.replace("def spent", "def credit"))
    assert run("credit", "lighthouse").stdout == "lighthouse: 4\n"


def test_the_shell_completes_it(run: Run) -> None:
    own_file("spent", SPENT)
    done = run(_KIE_COMPLETE="bash_complete", COMP_WORDS="kie spe", COMP_CWORD="1")
    assert done.stdout.split() == ["plain,specs", "plain,spent"]


@pytest.mark.parametrize("arguments", [("credits",), ("models", "show", "--help"), ("--version",)], ids=" ".join)
def test_plugins_are_not_loaded_for_a_command_of_ours(run: Run, arguments: tuple[str, ...]) -> None:
    own_file("loud", "import sys; sys.stderr.write('loaded')")
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("body", "said"), BROKEN.values(), ids=BROKEN)
class TestAPluginWhoseCommandsAreBroken:
    @pytest.fixture(autouse=True)
    def installed(self, body: str) -> None:
        own_file("broken", adding(body))
        own_file("spent", SPENT)

    def test_is_named_by_help(self, run: Run, said: str) -> None:
        done = run("--help")
        (line,) = done.stderr.splitlines()
        assert (done.returncode, "broken.py: " in line, said in line) == (0, True, True)

    def test_stops_no_other(self, run: Run, said: str) -> None:
        assert run("spent", "lighthouse").stdout == "lighthouse: 4\n"

    def test_stops_none_of_ours(self, run: Run, said: str) -> None:
        done = run("models", "show", "nano-banana-pro")
        assert (done.returncode, done.stderr) == (0, "")


def test_of_two_that_claim_a_name_the_first_keeps_it(run: Run) -> None:
    first = own_file("a", SPENT)
    own_file("b", SPENT.replace(": 4", ": 5"))
    done = run("spent", "lighthouse")
    assert done.stdout == "lighthouse: 4\n"
    assert f"b.py: the command name 'spent' is taken by {first}" in done.stderr


def test_a_plugin_that_cannot_be_imported_is_named_by_help(run: Run) -> None:
    own_file("broken", "1 / 0")
    done = run("--help")
    assert (done.returncode, "broken.py: cannot be loaded: ZeroDivisionError" in done.stderr) == (0, True)


def test_an_unknown_command_is_one_as_before(run: Run) -> None:
    own_file("spent", SPENT)
    done = run("xyzzy")
    assert (done.returncode, "No such command 'xyzzy'" in done.stderr) == (2, True)
