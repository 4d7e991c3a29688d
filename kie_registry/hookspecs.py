"""The hooks that plugins implement, and the two markers that pluggy needs.

A hook is a plain function with ``@hookimpl``, in a module or as a method of an object, that bears the name of one
of those here and takes any of its arguments, by their names. It is found in the modules of the entry-point group
``kie_registry.plugins``, in ``KIE_HOME/plugins/*.py``, and in what is given to `kie_registry.register`.

The three hooks around a call observe it, and cannot change it. They run in its thread, those of `AsyncKie` in the
event loop: they must be quick, and safe to be called from several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pluggy

if TYPE_CHECKING:
    import click

    from kie_registry.adapter import Adapter
    from kie_registry.call import Call
    from kie_registry.status import TaskStatus

RegisterModel: TypeAlias = "Callable[[type[Adapter]], None]"
"""What `register_models` is given; it takes one adapter class."""

hookspec = pluggy.HookspecMarker("kie_registry")
hookimpl = pluggy.HookimplMarker("kie_registry")


@hookspec(historic=True)
def register_models(register: RegisterModel) -> None:
    """Call `register` with each adapter class of this plugin."""


@hookspec
def before_submit(call: Call) -> None:
    """See a call that has passed all checks, before anything of it is remembered or costs.

    Once for each job, however often its submission is tried. To veto the call, raise: a `KieError` comes out as
    it is, all else as a `PluginError` that names the plugin. A call that passed may still be refused, by another
    plugin or by kie.ai; no other hook follows then.
    """


@hookspec
def after_submit(call: Call, task_id: str) -> None:
    """See a task that kie.ai has accepted and will bill; what this raises is logged, and stops nothing.

    Where a callback comes before the answer to the submission, whoever takes it tells of the same task as well.
    """


@hookspec
def after_result(call: Call, status: TaskStatus) -> None:
    """See how a task ended: `status.state` is ``success`` or ``fail``; what this raises is logged.

    `status.credits` is what it cost, where kie.ai says so. It comes when somebody waits for the task and is the
    first to see the end, which may be in another process than `after_submit`. Without a ledger each who takes
    the task up is the first: tell tasks apart by `status.task_id`.
    """


@hookspec
def register_commands(cli: click.Group) -> None:
    """Add commands to ``kie``: ``cli.add_command(command)``, or ``@cli.command()``.

    Import click here and not at the top of the module, which programs without the command line load too. It is
    called when ``kie`` is asked for its help or for a command that it has not got. A name that is taken is
    refused, and told.
    """
