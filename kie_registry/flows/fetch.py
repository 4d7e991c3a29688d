"""Fetch one file of a result: resumed where it broke off, checked, and its link renewed once it has expired."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable
from typing import Any, TypeAlias

from kie_registry.addresses import FileSources
from kie_registry.effects import Fetch, Flow, Run, Sleep
from kie_registry.errors import ApiError, KieError, TransportError
from kie_registry.integrity import damage
from kie_registry.mime import of_name, sniff
from kie_registry.parts import Part
from kie_registry.transfers import Head

Renew: TypeAlias = Callable[[str], Flow[str]]
"""Makes a new link to a file at kie.ai; raises ApiError where kie.ai no longer has it."""

_PAUSES = (0.5, 2.0, 5.0)
# Attempts that bring this much more than was ever there were worth their while, and do not count as failed.
_PROGRESS = 1 << 20
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_EXPIRED = frozenset({403, 404, 410})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_CANNOT_CONTINUE = 416
_UNPACKED = ("", "gzip", "x-gzip", "deflate")


class Download:
    """The download of one file: what came is resumed, and a link that has expired is renewed once.

    Args:
        url: Where the file is.
        part: Where it is streamed to; empty, and opened.
        sources: Where files may be fetched from.
        renew: Makes a new link in place of one that has expired; None where there is no key to do it with.
    """

    def __init__(self, url: str, part: Part, sources: FileSources, renew: Renew | None) -> None:
        self._url = url
        self._part = part
        self._sources = sources
        self._renew = renew

    def run(self) -> Flow[None]:
        """Fetch until the part is whole.

        Raises:
            ApiError: The server refuses the file, or kie.ai no longer has it.
            TransportError: It broke off or came damaged, again and again, or leads to where it may not.
            KieError: It is too large.
        """
        link, renewed, pauses, reached = self._url, False, iter(_PAUSES), 0
        while True:
            try:
                yield from self._attempt(link)
            except (ApiError, TransportError) as error:
                failure = error
            else:
                return
            if getattr(failure, "status", None) in _EXPIRED and not renewed:
                link, renewed = (yield from self._renewed(failure)), True
                self._part.restart()
                continue
            if self._part.size - reached >= _PROGRESS:
                pauses, reached = iter(_PAUSES), self._part.size
            pause = next(pauses, None)
            if pause is None or not failure.retryable:
                raise failure
            yield Sleep(pause)

    def _attempt(self, link: str) -> Flow[None]:
        try:
            head = yield from self._follow(link)
            self._check_head(head)
            self._part.check_length()
        except TransportError as error:
            raise self._broken(str(error), retryable=error.retryable) from None
        yield Run(self._check_content)

    def _follow(self, link: str) -> Flow[Head]:
        """Fetch what a link, or a redirection that it leads to, holds; each is looked at before."""
        for _ in range(_MOST_REDIRECTS + 1):
            if problem := self._sources.problem(link):
                raise TransportError(problem)
            head: Head = yield Fetch(link, self._part.headers(), self._part, self._sources)
            if head.status not in _REDIRECTS or head.location is None:
                return head
            try:
                link = urllib.parse.urljoin(link, head.location)
            except ValueError:
                raise TransportError("it leads on to what is no URL") from None
        raise TransportError(f"it leads on more than {_MOST_REDIRECTS} times")

    def _check_head(self, head: Head) -> None:
        if head.status in (200, 206):
            return
        if head.status == _CANNOT_CONTINUE:
            self._part.restart()
            raise TransportError("the file cannot be resumed", sent=True, retryable=True)
        raise self._refused(
            f"the server answers HTTP {head.status}. Results are kept for 14 days at most; "
            "kie.download_url(url) makes a new link while they are.",
            status=head.status,
            code=head.status,
            retryable=head.status in _PASSING,
        )

    def _check_content(self) -> None:
        """Look into what came; what is no file at all, or a damaged one, is not resumed. Blocking."""
        try:
            self._look_into()
        except KieError:
            self._part.restart()
            raise

    def _look_into(self) -> None:
        part, kind = self._part, sniff(self._part.flush())
        if kind is None and part.content_type == "text/html":
            raise self._refused("the server answers with a web page in place of the file", retryable=True)
        if kind is None and part.encoding not in _UNPACKED:
            raise self._refused(f"the file came compressed as {part.encoding!r}, which was not asked for")
        claimed = part.content_type if part.content_type.startswith("image/") else of_name(_path_of(self._url))
        if wrong := damage(part.path, claimed):
            raise self._broken(f"the file is damaged ({wrong})", retryable=True)

    def _renewed(self, failure: KieError) -> Flow[str]:
        """Return a new link."""
        if self._renew is None:
            raise self._refused(
                f"the link has expired (HTTP {failure.code}), and there is no key here to renew it with. "
                "kie.download_url(url) makes a new one, and what kie.task(task_id).wait() gives renews its own.",
                status=failure.code,
                code=failure.code,
            )
        try:
            return (yield from self._renew(self._url))
        except ApiError as error:
            if error.code in (404, 422):
                raise self._refused(
                    f"the link has expired, and kie.ai no longer has the file ({error})", code=error.code
                ) from None
            raise self._refused(
                f"the link has expired, and could not be renewed: {error}",
                code=error.code,
                retryable=error.retryable,
            ) from None
        except TransportError as error:
            raise self._broken(
                f"the link has expired, and could not be renewed: {error}", retryable=error.retryable
            ) from None

    def _refused(self, what: str, **fields: Any) -> ApiError:
        return ApiError(f"downloading {self._url}: {what}", **fields)

    def _broken(self, what: str, *, retryable: bool) -> TransportError:
        return TransportError(
            f"downloading {self._url}: {what}. Nothing is lost: the file stays at kie.ai for some days.",
            sent=True,
            retryable=retryable,
        )


def _path_of(url: str) -> str:
    return urllib.parse.urlsplit(url).path


def url_suffix(url: str) -> str:
    """Return the suffix in a URL where it is a plain one; the server's names are not trusted beyond that."""
    match = re.search(r"\.[A-Za-z0-9]{1,5}$", _path_of(url))
    return match[0].lower() if match else ""
