"""A minimal kie.ai for measuring clients: it accepts every task, and calls it done at its first read, or its nth.

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


def _response(data: object) -> bytes:
    body = json.dumps({"code": 200, "msg": "success", "data": data}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


# Each task has an id of its own, all of the same length.
_FIRST = "task_0000001"
_CREATED, _DONE = _response({"taskId": _FIRST}), _response({**_RECORD, "taskId": _FIRST})
_GOING_ON = _response(
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
_reads: Counter[bytes] = Counter()
_numbers = itertools.count(1)


def _created() -> bytes:
    return _CREATED.replace(_FIRST.encode(), f"task_{next(_numbers):07}".encode())


def _record(head: bytes) -> bytes:
    at = head.index(b"taskId=") + len(b"taskId=")
    task_id = head[at : at + len(_FIRST)]
    _reads[task_id] += 1
    return (_DONE if _reads[task_id] >= _READS else _GOING_ON).replace(_FIRST.encode(), task_id)


class _Connection(asyncio.Protocol):
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
            self._transport.write(_created() if head.startswith(b"POST") else _record(head))


async def main() -> None:
    """Serve on a free port, which is printed, until killed."""
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
