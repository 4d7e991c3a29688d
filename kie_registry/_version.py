"""The version, which the wheel takes from here as well."""

__version__ = "0.1.0"
