"""Settings: where they come from, and that the key stays secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kie_registry import settings
from kie_registry.errors import ConfigurationError
from kie_registry.secret import Secret
from kie_registry.settings import API_URL, UPLOAD_URL, Settings

KEY = "sk-0123456789abcdef"


def shown(value: Any) -> Any:
    """Return the text of a secret, and all else as it is."""
    return value.reveal() if isinstance(value, Secret) else value


@pytest.mark.parametrize(
    ("field", "variable", "value"),
    [
        ("api_key", "KIE_API_KEY", "from-environment"),
        ("base_url", "KIE_BASE_URL", "http://127.0.0.1:1"),
        ("upload_url", "KIE_UPLOAD_URL", "http://127.0.0.1:2"),
    ],
)
class TestEachSetting:
    def test_comes_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, field: str, variable: str, value: str
    ) -> None:
        monkeypatch.setenv("KIE_API_KEY", KEY)
        monkeypatch.setenv(variable, value)
        assert shown(getattr(Settings.resolve(), field)) == value

    def test_comes_from_the_argument_first(
        self, monkeypatch: pytest.MonkeyPatch, field: str, variable: str, value: str
    ) -> None:
        monkeypatch.setenv("KIE_API_KEY", KEY)
        monkeypatch.setenv(variable, "https://other.example")
        given: dict[str, Any] = {field: value}
        assert shown(getattr(Settings.resolve(**given), field)) == value


def test_without_anything_the_documented_addresses_hold() -> None:
    found = Settings.resolve(KEY)
    assert (found.base_url, found.upload_url, found.http_timeout) == (API_URL, UPLOAD_URL, 60.0)


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_BASE_URL", "")
    assert Settings.resolve(KEY).base_url == API_URL


@pytest.mark.parametrize("key", [None, "", "   ", "\n"], ids=repr)
@pytest.mark.parametrize("part", ["https://kie.ai/api-key", "export KIE_API_KEY=", "Kie(api_key=...)"])
def test_a_missing_key_says_where_to_get_one_and_how_to_set_it(key: str | None, part: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.resolve(key)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("key", "part"),
    [
        (f"{KEY}\n", "line break"),
        (f"{KEY}\r\n", "line break"),
        (f"sk-\n{KEY}", "line break"),
        (f" {KEY}", "space"),
        (f"{KEY} ", "space"),
        (f"{KEY}\t", "cannot be sent"),
        (f"{KEY}\x00", "cannot be sent"),
        (f"{KEY}é", "cannot be sent"),
        (f"{KEY}\u200b", "cannot be sent"),
    ],
    ids=["end", "windows end", "inside", "before", "after", "tab", "nul", "accent", "invisible"],
)
class TestAKeyThatCannotBeSent:
    def test_says_why(self, key: str, part: str) -> None:
        with pytest.raises(ConfigurationError, match=part):
            Settings.resolve(key)

    def test_is_not_repeated_in_the_message(self, key: str, part: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            Settings.resolve(key)
        assert KEY not in f"{caught.value!s}{caught.value!r}"


@pytest.mark.parametrize("show", [repr, str, "{0}".format, "{0!a}".format], ids=["repr", "str", "format", "ascii"])
def test_the_key_is_not_shown(show: Any) -> None:
    assert KEY not in show(Settings.resolve(KEY))


@pytest.mark.parametrize("bad", [{"base_url": "nonsense"}, {"http_timeout": -1}], ids=["address", "seconds"])
def test_the_key_is_in_no_error_about_something_else(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.resolve(KEY, **bad)
    assert KEY not in f"{caught.value!s}{caught.value!r}{vars(caught.value)}"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.kie.ai",
        "//api.kie.ai",
        "ftp://api.kie.ai",
        "file:///etc/passwd",
        "https://",
        "https://:443",
        "https://api.kie.ai:0",
        "https://api.kie.ai:99999",
        "https://api.kie.ai:port",
        "https://[::1",
        "https://a..b",
        f"https://{'a' * 64}.example",
        "https://api.kie.ai ",
        " https://api.kie.ai",
        "https://api.kie.ai\n",
        "https://api kie.ai",
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    ("argument", "variable"), [("base_url", "KIE_BASE_URL"), ("upload_url", "KIE_UPLOAD_URL")]
)
def test_an_address_that_is_none_names_the_setting(argument: str, variable: str, address: str) -> None:
    given: dict[str, Any] = {argument: address}
    with pytest.raises(ConfigurationError) as caught:
        Settings.resolve(KEY, **given)
    assert str(caught.value).startswith(f"{argument} ({variable}) is {address!r}")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://api.kie.ai/", "https://api.kie.ai"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://gateway.example/kie/", "https://gateway.example/kie"),
        ("HTTPS://API.KIE.AI", "HTTPS://API.KIE.AI"),
    ],
)
def test_an_address_is_kept_without_its_last_slash(address: str, kept: str) -> None:
    assert Settings.resolve(KEY, address).base_url == kept


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "60", None], ids=repr)
def test_http_timeout_takes_a_positive_number(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"http_timeout is .*positive number of seconds"):
        Settings.resolve(KEY, http_timeout=seconds)


@pytest.mark.parametrize("seconds", [1, 0.5, 3600])
def test_http_timeout_is_kept(seconds: float) -> None:
    assert Settings.resolve(KEY, http_timeout=seconds).http_timeout == seconds


def test_home_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KIE_HOME", str(tmp_path))
    assert settings.home() == tmp_path


def test_home_may_start_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_HOME", "~/kie")
    assert settings.home() == Path.home() / "kie"


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_home_is_the_platforms_own_otherwise(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("KIE_HOME")
    if value is not None:
        monkeypatch.setenv("KIE_HOME", value)
    assert (settings.home().is_absolute(), settings.home().name) == (True, "kie-registry")


@pytest.mark.parametrize(
    ("value", "strict"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)]
)
def test_strict_plugins(monkeypatch: pytest.MonkeyPatch, value: str | None, strict: bool) -> None:
    if value is not None:
        monkeypatch.setenv("KIE_STRICT_PLUGINS", value)
    assert settings.strict_plugins() is strict


@pytest.mark.parametrize(
    ("text", "allowed"), [("1", True), ("yes", True), ("On", True), ("0", False), ("no", False), ("false", False)]
)
def test_switches_of_the_environment(monkeypatch: pytest.MonkeyPatch, text: str, allowed: bool) -> None:
    monkeypatch.setenv("KIE_ALLOW_PRIVATE_FILES", text)
    assert Settings.resolve("key").allow_private_files is allowed


def test_a_switch_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_ALLOW_PRIVATE_FILES", "maybe")
    with pytest.raises(ConfigurationError, match="it takes 1 or 0"):
        Settings.resolve("key")


@pytest.mark.parametrize("options", [{"allow_private_files": "no"}, {"base_url": 3}], ids=str)
def test_arguments_of_another_type(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="it takes"):
        Settings.resolve("key", **options)
