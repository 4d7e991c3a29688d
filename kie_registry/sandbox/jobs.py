"""The endpoints of tasks and of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from kie_registry.sandbox.cutting import Cut
from kie_registry.sandbox.envelope import Refusal, json_object, success
from kie_registry.sandbox.hosting import hosted_name
from kie_registry.sandbox.results import give_result
from kie_registry.sandbox.service import Service, base_url_of, service_of
from kie_registry.sandbox.tasks import Task

_LINK_SECONDS = 20 * 60


async def create_task(request: Request) -> Response:
    """Accept and bill a task; or refuse it, billing nothing."""
    service = service_of(request)
    service.creates.take()
    body = await json_object(request)
    document = await service.checker.check(body)
    base_url = base_url_of(request)
    missing = service.hosting.missing(body["input"], base_url)
    if missing is not None:
        raise Refusal(451, f"The input image could not be fetched: {missing}")
    task = _accept(service, body)
    give_result(task, document.output, service.hosting, base_url=base_url, scale=service.options.image_scale)
    service.callbacks.schedule(task)
    if service.lost_answers.random() < service.options.drop_answers:
        return Cut()
    return success({"taskId": task.id, "recordId": task.record_id})


def _accept(service: Service, body: Mapping[str, Any]) -> Task:
    if service.balance < service.options.price:
        raise Refusal(402, "Insufficient credits: your balance is too low for this request. Please top up.")
    service.balance -= service.options.price
    ending = service.endings.popleft() if service.endings else None
    return service.tasks.create(body, ending)


async def record_info(request: Request) -> Response:
    """Answer the record of a task."""
    service = service_of(request)
    service.reads.take()
    task = service.tasks.get(request.query_params.get("taskId", ""))
    if task is None or service.options.clock() < task.created + service.options.visible_after:
        raise Refusal(422, "recordInfo is null")
    return success(task.record())


async def credit(request: Request) -> Response:
    """Answer the balance."""
    return success(service_of(request).balance)


async def download_url(request: Request) -> Response:
    """Answer a link to a hosted file, valid for 20 minutes."""
    service = service_of(request)
    url = (await json_object(request)).get("url")
    name = hosted_name(url, base_url_of(request)) if isinstance(url, str) else None
    if name is None or not service.hosting.has(name):
        raise Refusal(422, "url must be that of a file which is hosted here")
    expires = int(service.options.clock()) + _LINK_SECONDS
    return success(f"{str(url).partition('?')[0]}?{urlencode({'expires': expires})}")
