"""Hooks around a call: who is told what, who may veto, and that no plugin's bug reaches a paid task."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kie_registry import Adapter, AuthenticationError, Contract, PluginError, Registry, TaskStatus, hookimpl
from kie_registry.call import Call
from tests.plugins import Site, own_file

CALL = Call(model="nano-banana-pro", input={"prompt": "a cat", "images": ["https://x.org/1.png"]}, job_id="job")
STATUS = TaskStatus("task", "nano-banana-pro", "success", credits=4.0)
WATCHING = """
from kie_registry import hookimpl
seen = []
@hookimpl
def before_submit(call): seen.append(("before", call))
@hookimpl
def after_submit(call, task_id): seen.append((task_id, call))
@hookimpl
def after_result(call, status): seen.append((status.state, call))
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with Site.on_the_path(tmp_path / "site", monkeypatch) as site:
        yield site


class Watcher:
    """Notes what it sees, and raises what it is given."""

    def __init__(self, name: str, seen: list[str], raising: BaseException | None = None) -> None:
        self.name = name
        self.seen = seen
        self.raising = raising

    def note(self, what: str) -> None:
        self.seen.append(f"{self.name} {what}")
        if self.raising is not None:
            raise self.raising

    @hookimpl
    def before_submit(self, call: Call) -> None:
        self.note("before")

    @hookimpl
    def after_submit(self, task_id: str) -> None:
        self.note(task_id)

    @hookimpl
    def after_result(self, status: TaskStatus) -> None:
        self.note(status.state)


def registry_of(*plugins: object) -> Registry:
    registry = Registry(entry_points=False)
    registry.register(*plugins)
    return registry


def call_all(registry: Registry) -> None:
    registry.hooks.before_submit(lambda: CALL)
    registry.hooks.after_submit(lambda: evolve(CALL, attempt_id="job-1"), "task")
    registry.hooks.after_result(lambda: CALL, STATUS)


def in_the_group(site: Site) -> tuple[Registry, str]:
    site.add("watch", WATCHING, "anything", group="plugins")
    return Registry(), "plugin_of_watch"


def in_the_home(site: Site) -> tuple[Registry, str]:
    own_file("watch", WATCHING)
    return Registry(), "kie_home_plugin_watch"


def as_a_module(site: Site) -> tuple[Registry, str]:
    sys.modules["watching"] = module = types.ModuleType("watching")
    exec(WATCHING, module.__dict__)
    return registry_of(module), "watching"


@pytest.mark.parametrize("plugin", [in_the_group, in_the_home, as_a_module])
def test_a_plugin_sees_each_step_of_a_call(site: Site, plugin: Callable[[Site], tuple[Registry, str]]) -> None:
    registry, name = plugin(site)
    call_all(registry)
    seen = sys.modules[name].seen
    assert seen == [("before", CALL), ("task", evolve(CALL, attempt_id="job-1")), ("success", CALL)]


def test_an_object_sees_each_step_of_a_call() -> None:
    seen: list[str] = []
    call_all(registry_of(Watcher("one", seen)))
    assert seen == ["one before", "one task", "one success"]


@pytest.mark.parametrize("again", [False, True], ids=["two objects", "one object twice"])
def test_each_object_is_told_once(again: bool) -> None:
    seen: list[str] = []
    one = Watcher("one", seen)
    registry = registry_of(one, one if again else Watcher("two", seen))
    registry.hooks.after_submit(lambda: CALL, "task")
    assert seen == (["one task"] if again else ["two task", "one task"])


def test_plugins_are_loaded_at_the_first_submission_and_not_before(site: Site) -> None:
    site.add("watch", WATCHING, "anything", group="plugins")
    registry = Registry()
    registry.get("nano-banana-pro")
    before = "plugin_of_watch" in sys.modules
    registry.hooks.before_submit(lambda: CALL)
    assert (before, "plugin_of_watch" in sys.modules) == (False, True)


def test_plugins_are_loaded_where_a_task_is_only_waited_for(site: Site) -> None:
    site.add("watch", WATCHING, "anything", group="plugins")
    Registry().hooks.after_result(lambda: CALL, STATUS)
    assert sys.modules["plugin_of_watch"].seen == [("success", CALL)]


def test_32_threads_that_submit_first_load_a_plugin_once_and_are_all_seen() -> None:
    own_file("watch", WATCHING + "import os\nwith open(__file__ + '.count', 'a') as file: file.write('x')\n")
    registry, start = Registry(), threading.Barrier(32)

    def submit(_: int) -> None:
        start.wait()
        registry.hooks.before_submit(lambda: CALL)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(submit, range(32)))
    loaded = (Path(os.environ["KIE_HOME"]) / "plugins" / "watch.py.count").read_text()
    assert (loaded, len(sys.modules["kie_home_plugin_watch"].seen)) == ("x", 32)


class TestAVeto:
    @pytest.mark.parametrize("raised", [ValueError("too dear"), SystemExit("too dear")], ids=repr)
    def test_names_the_plugin_the_model_and_that_nothing_was_spent(self, raised: BaseException) -> None:
        with pytest.raises(PluginError) as caught:
            registry_of(Watcher("one", [], raised)).hooks.before_submit(lambda: CALL)
        assert str(caught.value) == (
            f"plugin this program (Watcher): its before_submit raised {type(raised).__name__}: too dear. "
            "Nothing was submitted, nothing was spent."
        )
        assert (caught.value.model, caught.value.charged, caught.value.__cause__) == (
            "nano-banana-pro",
            "no",
            raised,
        )

    def test_by_one_of_our_own_errors_comes_out_as_it_is(self) -> None:
        error = AuthenticationError("not with this key")
        with pytest.raises(AuthenticationError) as caught:
            registry_of(Watcher("one", [], error)).hooks.before_submit(lambda: CALL)
        assert caught.value is error

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError])
    def test_is_not_made_of_an_interruption(self, kind: type[BaseException]) -> None:
        with pytest.raises(kind):
            registry_of(Watcher("one", [], kind())).hooks.before_submit(lambda: CALL)

    def test_is_final(self) -> None:
        seen: list[str] = []
        registry = registry_of(Watcher("first", seen), Watcher("last", seen, ValueError()))
        with pytest.raises(PluginError):
            registry.hooks.before_submit(lambda: CALL)
        assert seen == ["last before"]

    def test_is_made_of_a_broken_plugin_where_the_user_wants_that(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KIE_STRICT_PLUGINS", "1")
        own_file("broken", "1 / 0")
        with pytest.raises(PluginError, match=r"broken\.py: cannot be loaded: ZeroDivisionError"):
            Registry().hooks.before_submit(lambda: CALL)


AFTER: dict[str, Callable[[Registry], None]] = {
    "task": lambda registry: registry.hooks.after_submit(lambda: CALL, "task"),
    "success": lambda registry: registry.hooks.after_result(lambda: CALL, STATUS),
}


@pytest.mark.parametrize("step", AFTER)
class TestAfterTheTaskIsPaid:
    @pytest.mark.parametrize("raised", [ValueError("a bug"), SystemExit(3)], ids=repr)
    def test_what_a_hook_raises_stops_no_other(self, step: str, raised: BaseException) -> None:
        seen: list[str] = []
        AFTER[step](registry_of(Watcher("first", seen), Watcher("last", seen, raised)))
        assert seen == [f"last {step}", f"first {step}"]

    def test_what_a_hook_raises_is_logged_with_its_traceback_and_the_ids(
        self, step: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        AFTER[step](registry_of(Watcher("one", [], ValueError("a bug"))))
        (record,) = caplog.records
        found = vars(record)
        assert "plugin this program (Watcher): its after_" in record.getMessage()
        assert (found["kind"], found["model"], found["job_id"], found["task_id"]) == (
            "hook",
            "nano-banana-pro",
            "job",
            "task",
        )
        assert "in note" in caplog.text

    def test_plugins_that_cannot_be_loaded_are_logged(
        self, step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("KIE_HOME", "~nobody-of-this-name")
        AFTER[step](Registry())
        assert "plugins cannot be loaded; the call goes on" in caplog.text

    def test_a_broken_plugin_stops_no_other_even_where_the_user_is_strict(
        self, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own_file("broken", "1 / 0")
        own_file("watch", WATCHING)
        monkeypatch.setenv("KIE_STRICT_PLUGINS", "1")
        AFTER[step](Registry())
        assert [what for what, _ in sys.modules["kie_home_plugin_watch"].seen] == [step]


class Meddler:
    @hookimpl
    def before_submit(self, call: Call) -> None:
        call.input["prompt"] = "a dog"
        call.input["images"].append("https://x.org/2.png")


def test_what_a_hook_does_to_the_input_changes_nothing() -> None:
    given: dict[str, Any] = {"prompt": "a cat", "images": ["https://x.org/1.png"]}
    call = Call(model="m", input=given)
    registry_of(Meddler()).hooks.before_submit(lambda: call)
    assert call.input == given == {"prompt": "a cat", "images": ["https://x.org/1.png"]}


def test_what_the_caller_does_to_the_input_later_is_not_seen() -> None:
    given = {"images": ["https://x.org/1.png"]}
    call = Call(model="m", input=given)
    given["images"].append("https://x.org/2.png")
    assert call.input == {"images": ["https://x.org/1.png"]}


def test_the_input_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(CALL.input))["prompt"] == "a cat"


def test_neither_prompt_nor_callback_address_is_shown() -> None:
    call = Call(model="m", input={"prompt": "a secret"}, callback_url="https://x.org/?token=secret")
    assert "secret" not in repr(call)


def misspelt(module: types.ModuleType) -> None:
    module.before_submitt = hookimpl(lambda call: None)  # type: ignore[attr-defined]


def asynchronous(module: types.ModuleType) -> None:
    @hookimpl
    async def after_submit(call: Call) -> None:
        pass

    module.after_submit = after_submit  # type: ignore[attr-defined]


def generating(module: types.ModuleType) -> None:
    @hookimpl
    def after_submit(call: Call) -> Iterator[None]:
        yield

    module.after_submit = after_submit  # type: ignore[attr-defined]


def wrapping(module: types.ModuleType) -> None:
    @hookimpl(wrapper=True)
    def after_submit(call: Call) -> Iterator[None]:
        yield

    module.after_submit = after_submit  # type: ignore[attr-defined]


def asking_for_more(module: types.ModuleType) -> None:
    module.after_submit = hookimpl(lambda call, price: None)  # type: ignore[attr-defined]


def empty(module: types.ModuleType) -> None:
    pass


WRONG: dict[Callable[[types.ModuleType], None], str] = {
    misspelt: "there is no hook 'before_submitt'; did you mean before_submit?",
    asynchronous: "its after_submit is async, a generator or a wrapper; a hook is a plain function",
    generating: "its after_submit is async, a generator or a wrapper; a hook is a plain function",
    wrapping: "its after_submit is async, a generator or a wrapper; a hook is a plain function",
    asking_for_more: "'price'",
    empty: "has no hooks",
}


@pytest.mark.parametrize("make", WRONG)
class TestHooksThatWouldNeverBeCalledRightly:
    def test_are_refused_by_register(self, make: Callable[[types.ModuleType], None]) -> None:
        module = types.ModuleType("wrong")
        make(module)
        with pytest.raises(PluginError) as caught:
            Registry(entry_points=False).register(module)
        assert WRONG[make] in str(caught.value)

    def test_are_a_problem_of_a_file(
        self, make: Callable[[types.ModuleType], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "maker", make, raising=False)
        own_file("wrong", "import sys\nsys.maker(sys.modules[__name__])")
        (problem,) = Registry().problems()
        assert WRONG[make] in str(problem)


def test_a_hook_of_a_later_version_may_be_marked_as_optional() -> None:
    module = types.ModuleType("newer")
    module.after_everything = hookimpl(optionalhook=True)(lambda: None)  # type: ignore[attr-defined]
    registry_of(module).hooks.before_submit(lambda: CALL)


def test_a_class_in_place_of_an_object_is_refused() -> None:
    with pytest.raises(PluginError, match="of a class with hooks, register an instance"):
        Registry(entry_points=False).register(Watcher)


def test_a_plugin_whose_models_cannot_be_registered_has_no_hooks_either() -> None:
    own_file("half", f"{WATCHING}\n@hookimpl\ndef register_models(register): register(5)\n")
    Registry().hooks.before_submit(lambda: CALL)
    assert sys.modules["kie_home_plugin_half"].seen == []


class Maker:
    """Registers one model."""

    @hookimpl
    def register_models(self, register: Callable[[type[Adapter]], None]) -> None:
        class Model(Adapter, contract=Contract("nano-banana-pro", "A title", "image", {})):
            """A model of a test."""

        self.model = Model
        register(Model)


@pytest.mark.parametrize("replace", [False, True])
def test_an_object_may_register_models_too(replace: bool) -> None:
    registry, maker = Registry(entry_points=replace), Maker()
    registry.register(maker, replace=replace)
    assert registry.get("nano-banana-pro") is maker.model


def test_a_module_that_failed_may_be_registered_again() -> None:
    registry, maker = Registry(), Maker()
    with pytest.raises(PluginError, match="'nano-banana-pro' is taken"):
        registry.register(maker)
    registry.register(maker, replace=True)
    assert registry.get("nano-banana-pro") is maker.model


def test_a_folder_of_plugins_that_cannot_be_listed_is_a_problem_and_stops_no_call() -> None:
    folder = Path(os.environ["KIE_HOME"]) / "plugins"
    folder.symlink_to(folder)
    registry = Registry()
    registry.hooks.before_submit(lambda: CALL)
    (problem,) = registry.problems()
    assert (problem.plugin, "cannot be listed" in str(problem)) == (str(folder), True)


def test_a_plugin_that_is_loaded_is_told_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "kie_registry")
    path = own_file("watch", WATCHING)
    Registry().hooks.before_submit(lambda: CALL)
    assert f"plugin {path} is loaded" in caplog.messages
