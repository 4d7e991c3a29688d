"""Run the command line with ``python -m kie_registry.cli``."""

from kie_registry.cli import main

main()
