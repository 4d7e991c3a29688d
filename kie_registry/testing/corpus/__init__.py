"""Every page of a folder through the whole way: read, repair, add, describe, run, refuse what breaks a limit.

python -m kie_registry.testing.corpus DIR [--json]
"""
