"""A minimal kie.ai for measuring clients: it accepts every task, and calls it done at its first read, or its nth.

It limits nothing; `strict_server.py` does.

    python benchmarks/server.py [READS]
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import Counter

_RECORD = {
    "model": "nano-banana-pro",
    "state": "success",
    "param": "{}",
    "resultJson": json.dumps({"resultUrls": ["http://127.0.0.1/1.png"]}),
    "failCode": "",
    "failMsg": "",
    "costTime": 32,
    "createTime": 1_698_765_400_000,
    "updateTime": 1_698_765_432_000,
    "completeTime": 1_698_765_432_000,
    "creditsConsumed": 4.0,
}


def response(data: object, *, code: int = 200, message: str = "success") -> bytes:
    """Return an answer, in HTTP 200 as kie.ai's are."""
    body = json.dumps({"code": code, "msg": message, "data": data}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


# Each task has an id of its own, all of the same length.
_FIRST = "task_0000001"
_CREATED, _DONE = response({"taskId": _FIRST}), response({**_RECORD, "taskId": _FIRST})
_GOING_ON = response(
    {
        **_RECORD,
        "taskId": _FIRST,
        "state": "generating",
        "resultJson": "",
        "completeTime": None,
        "creditsConsumed": None,
    }
)
_READS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
# A worker asks for the balance when it starts.
_CREDITS = response(1000.0)
_reads: Counter[bytes] = Counter()
_numbers = itertools.count(1)


def _created() -> bytes:
    return _CREATED.replace(_FIRST.encode(), f"task_{next(_numbers):07}".encode())


def _record(head: bytes) -> bytes:
    name = b"taskId="
    if (found := head.find(name)) < 0:
        return _CREDITS
    at = found + len(name)
    task_id = head[at : at + len(_FIRST)]
    _reads[task_id] += 1
    return (_DONE if _reads[task_id] >= _READS else _GOING_ON).replace(_FIRST.encode(), task_id)


class Connection(asyncio.Protocol):
    """Answers one request after the other."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, rest = self._received.split(b"\r\n\r\n", 1)
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                ),
                0,
            )
            if len(rest) < length:
                return
            self._received = rest[length:]
            self.answer(head)

    def answer(self, head: bytes) -> None:
        """Answer a request, of which this is the head."""
        self.write(_created() if head.startswith(b"POST") else _record(head))

    def write(self, answer: bytes) -> None:
        """Send an answer, unless the client has left."""
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(connection: type[Connection]) -> None:
    """Serve on a free port, which is printed, until killed."""
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Connection))
