"""The commands that plugins add to `kie`."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping

import click

from kie_registry.errors import PluginError
from kie_registry.loading import Implementation, has_computed

logger = logging.getLogger("kie_registry.cli")


def find(taken: Container[str]) -> Mapping[str, click.Command]:
    """Ask all plugins for their commands; what is wrong with one is told, and stops no other.

    Args:
        taken: The names of the commands of `kie` itself.
    """
    # Most have no such plugin, and need not wait for the registry.
    if not has_computed():
        return {}
    from kie_registry.registry import default_registry

    found: dict[str, click.Command] = {}
    owners: dict[str, str] = {}
    # The first that was loaded keeps a name.
    for plugin in reversed(default_registry().hooks.implementations("register_commands")):
        for name, command in _commands(plugin).items():
            if name in taken or name in owners:
                _refuse(plugin, f"the command name {name!r} is taken by {owners.get(name, 'kie itself')}")
            else:
                found[name], owners[name] = command, plugin.origin
    return found


def _commands(plugin: Implementation) -> Mapping[str, click.Command]:
    """Return what one plugin adds, to a group of its own: what is taken must not be replaced."""
    own = click.Group()
    try:
        plugin({"cli": own})
    except (Exception, SystemExit) as error:
        logger.debug("the traceback", exc_info=True)
        _refuse(plugin, f"its register_commands raised {type(error).__name__}: {error}")
        return {}
    return own.commands


def _refuse(plugin: Implementation, wrong: str) -> None:
    logger.warning("%s", PluginError(plugin.origin, wrong))
