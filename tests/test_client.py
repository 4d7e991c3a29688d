"""The synchronous client as its users hold it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from kie_models.nano_banana_edit import NanoBananaEdit

import kie_registry
from kie_registry import AuthenticationError, ConfigurationError, Kie, KieError, Registry, UnknownModel
from kie_registry.sandbox import Sandbox


def test_by_id_alias_class_and_instance(box: Sandbox, kie: Kie) -> None:
    image = "https://example.com/1.png"
    kie.submit("google/nano-banana-edit", "night", images=[image])
    kie.submit("nano-banana-edit", "night", images=[image])
    kie.submit(NanoBananaEdit, "night", images=[image])
    kie.submit(NanoBananaEdit(prompt="night", images=[image]))
    assert [task.input for task in box.tasks] == [box.tasks[0].input] * 4


def test_an_unknown_model_names_the_nearest(box: Sandbox, kie: Kie) -> None:
    with pytest.raises(UnknownModel) as caught:
        kie.generate("nanobanana-pro", "a cat")
    assert caught.value.suggestions[0] == "nano-banana-pro"
    assert box.requests == []


@pytest.mark.parametrize("model", [None, 5, b"nano-banana-pro", object])
def test_what_is_no_model(kie: Kie, model: object) -> None:
    with pytest.raises(KieError, match="is no model"):
        kie.generate(model, "a cat")  # type: ignore[arg-type]


def test_credits_and_models(kie: Kie) -> None:
    assert kie.credits() == 1000.0
    assert "nano-banana-pro" in kie.models


@pytest.mark.parametrize("answer", [{"code": 401}, {"code": 401, "status": 401}])
def test_a_refused_key(box: Sandbox, kie: Kie, answer: dict[str, int]) -> None:
    box.answer_next("credit", code=answer["code"], status=answer.get("status", 200))
    with pytest.raises(AuthenticationError, match=r"kie\.ai/api-key"):
        kie.credits()


@pytest.mark.parametrize("data", [None, "many", True, [], {}])
def test_a_balance_that_is_no_number(box: Sandbox, kie: Kie, data: object) -> None:
    box.answer_next("credit", json={"code": 200, "msg": "ok", "data": data})
    with pytest.raises(KieError, match="no number"):
        kie.credits()


def test_a_registry_of_its_own(open_kie: Callable[..., Kie]) -> None:
    registry = Registry(entry_points=False)
    registry.register(NanoBananaEdit)
    assert open_kie(registry=registry).models.ids() == ["google/nano-banana-edit"]


def test_a_transport_of_its_own() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer key"
        return httpx.Response(200, json={"code": 200, "msg": "ok", "data": 7})

    with Kie("key", transport=httpx.MockTransport(answer)) as kie:
        assert kie.credits() == 7.0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"deadline": 0}, "deadline"),
        ({"deadline": float("nan")}, "deadline"),
        ({"creates": (0, 10)}, "creates"),
        ({"poll_interval": -1}, "poll_interval"),
        ({"http_timeout": -1}, "http_timeout"),
        ({"base_url": "kie.ai"}, "base_url"),
    ],
)
def test_settings_out_of_range(options: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        Kie("key", **options)  # type: ignore[arg-type]


def test_without_a_key() -> None:
    with pytest.raises(ConfigurationError, match=r"https://kie\.ai/api-key.*KIE_API_KEY"):
        Kie()


def test_the_key_is_shown_nowhere(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secret = "secret-key-0123456789"
    with Kie(secret, base_url=box.url, upload_url=box.url) as kie:
        task = kie.task("t")
        with pytest.raises(KieError) as caught:
            task.status()
        shown = [repr(kie), repr(task), repr(caught.value), str(caught.value), repr(vars(caught.value))]
    assert not [text for text in [*shown, caplog.text] if secret in text]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_does_not_come_between_us_and_this_machine(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, variable: str, tmp_path: object
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with Kie(box.key, base_url=box.url, upload_url=box.url, poll_interval=0.02) as kie:
        assert len(kie.generate("nano-banana-pro", "a cat").save(str(tmp_path))) == 1


def test_a_proxy_is_used_for_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr("kie_registry.flows.create._CONNECT_PAUSES", ())
    with Kie("key") as kie, pytest.raises(KieError, match="cannot connect"):
        kie.credits()


def test_a_proxy_that_cannot_be_used_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:9")
    with Kie("key") as kie, pytest.raises(ConfigurationError, match="proxy"):
        kie.credits()


def test_threads_share_a_client(box: Sandbox, kie: Kie) -> None:
    barrier = threading.Barrier(16)

    def generate(number: int) -> str:
        barrier.wait()
        return kie.generate("nano-banana-pro", f"cat {number}", deadline=60).task_id

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(generate, range(16)))
    assert ids == {task.id for task in box.tasks}


def test_generate_without_a_client(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from kie_registry import default

    monkeypatch.setenv("KIE_API_KEY", box.key)
    monkeypatch.setenv("KIE_BASE_URL", box.url)
    default._default_client.cache_clear()
    result = kie_registry.generate("nano-banana-pro", "a cat")
    default._default_client().close()
    default._default_client.cache_clear()
    assert result.urls


def test_uploads_follow_the_api_to_another_service(box: Sandbox, photo: Path) -> None:
    with Kie(box.key, base_url=box.url) as kie:
        assert kie.upload(photo).startswith(box.url)


@pytest.mark.parametrize(
    "options", [{"creates": 5}, {"poll_interval": "1"}, {"api_key": 5}, {"base_url": "https://u:p@h"}]
)
def test_settings_of_the_wrong_kind(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Kie(**{"api_key": "key", **options})  # type: ignore[arg-type]


def test_a_generated_client_needs_no_adapter(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.discovery.find", lambda group: [])
    registry = Registry()
    assert {"google/nano-banana-edit", "nano-banana-pro"} <= set(registry.ids())
    with Kie(box.key, base_url=box.url, registry=registry) as kie:
        kie.submit("nano-banana-pro", "a cat", resolution="2k", images="https://example.com/1.png")
    assert box.tasks[0].input["image_input"] == ["https://example.com/1.png"]
