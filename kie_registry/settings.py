"""Settings: arguments first, then the environment, then what is documented."""

from __future__ import annotations

import os
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from kie_registry.errors import ConfigurationError
from kie_registry.secret import Secret

if TYPE_CHECKING:
    from kie_registry.addresses import FileSources

API_URL = "https://api.kie.ai"
UPLOAD_URL = "https://kieai.redpandaai.co"

_SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("", "0", "false", "no", "off"), False),
}

_NO_KEY = (
    "There is no API key. Get one at https://kie.ai/api-key and set it: export KIE_API_KEY=... in the shell, "
    "or Kie(api_key=...) in Python. (For a trial without a key, `kie sandbox` runs a local service.)"
)


@frozen
class Settings:
    """Where to send requests, and with which key.

    Attributes:
        api_key: The bearer token, which nothing shows.
        base_url: The API host, without a slash at its end.
        upload_url: The host for uploads, likewise.
        http_timeout: Seconds for each step (connect, read, write) of one request.
        allow_private_files: Whether results may be fetched from addresses that are not public.
    """

    api_key: Secret
    base_url: str
    upload_url: str
    http_timeout: float
    allow_private_files: bool = False

    @classmethod
    def keyless(cls) -> Settings:
        """Return settings that are enough to download files, which needs no key."""
        return cls(Secret(""), API_URL, UPLOAD_URL, 60)

    @classmethod
    def resolve(
        cls,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        upload_url: str | None = None,
        http_timeout: float = 60,
        allow_private_files: bool | None = None,  # noqa: FBT001
    ) -> Settings:
        """Complete the arguments from the variables of the environment that bear their names, with ``KIE_``.

        Raises:
            ConfigurationError: The key is missing or cannot be sent, or an address is none.
        """
        api_key = Secret.of(api_key) or Secret(os.environ.get("KIE_API_KEY", ""))
        # Whoever talks to another service than kie.ai uploads nothing to kie.ai.
        api = _checked_address("base_url", "KIE_BASE_URL", base_url, API_URL)
        return cls(
            _checked_key(api_key),
            api,
            _checked_address("upload_url", "KIE_UPLOAD_URL", upload_url, UPLOAD_URL if api == API_URL else api),
            _checked_seconds("http_timeout", http_timeout),
            _checked_switch("allow_private_files", allow_private_files, "KIE_ALLOW_PRIVATE_FILES"),
        )

    @property
    def file_sources(self) -> FileSources:
        """Where results may be fetched from: these services, the public network, and what was allowed."""
        # Not for those who only ask where things are kept, as every command does when it starts.
        from kie_registry.addresses import FileSources

        return FileSources.of((self.base_url, self.upload_url), private=self.allow_private_files)


def home() -> Path:
    """Return the directory for what is kept between runs: ``KIE_HOME``, or the platform's own."""
    if chosen := os.environ.get("KIE_HOME"):
        try:
            return Path(chosen).expanduser()
        except RuntimeError as error:
            raise ConfigurationError(f"KIE_HOME is {chosen!r}: {error}") from None
    import platformdirs

    return Path(platformdirs.user_data_dir("kie-registry", appauthor=False))


def strict_plugins() -> bool:
    """Whether a broken plugin shall raise at once (``KIE_STRICT_PLUGINS=1``)."""
    return _switch("KIE_STRICT_PLUGINS")


def _switch(variable: str) -> bool:
    text = os.environ.get(variable, "")
    if (known := _SWITCHES.get(text.strip().lower())) is None:
        raise ConfigurationError(f"{variable} is {text!r}; it takes 1 or 0 (yes or no, true or false, on or off)")
    return known


def _checked_switch(argument: str, given: bool | None, variable: str) -> bool:  # noqa: FBT001
    if given is None:
        return _switch(variable)
    if not isinstance(given, bool):
        raise ConfigurationError(f"{argument} is {given!r}; it takes True or False")
    return given


def _checked_key(key: Secret) -> Secret:
    """Return `key`; the error is raised where no frame holds its text."""
    if wrong := _problem_of_key(key.reveal()):
        raise ConfigurationError(wrong)
    return key


def _problem_of_key(key: object) -> str | None:
    """Say what is wrong with a key, which is never part of a message."""
    if not isinstance(key, str):
        return f"The API key is {type(key).__name__}; it takes text. Nothing was sent."
    if not key.strip():
        return _NO_KEY
    if "\n" in key or "\r" in key:
        return "The API key contains a line break; copy it again, without the end of the line. Nothing was sent."
    if not (key.isascii() and key.isprintable()) or " " in key:
        return "The API key contains a space or a character that cannot be sent; copy it again. Nothing was sent."
    return None


def _checked_address(argument: str, variable: str, given: str | None, default: str) -> str:
    address = given if given is not None else os.environ.get(variable) or default
    try:
        parts = urllib.parse.urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and address.isprintable() and " " not in address
        (parts.hostname or "").encode("idna")  # raises on what no resolver would take
        usable = usable and not (parts.query or parts.fragment or "@" in parts.netloc)
    except (ValueError, AttributeError):
        usable = False
    if not usable:
        raise ConfigurationError(
            f"{argument} ({variable}) is {address!r}; it takes an address such as {default}. Nothing was sent."
        )
    return address.rstrip("/")


def _checked_seconds(argument: str, seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
        raise ConfigurationError(f"{argument} is {seconds!r}; it takes a positive number of seconds.")
    return float(seconds)
