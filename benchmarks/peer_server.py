"""As much of fal.ai's queue and of Replicate as a generate needs: every task is done at once."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PICTURE = "https://127.0.0.1/1.png"
_PREDICTION: dict[str, Any] = {
    "id": "task_1",
    "model": "owner/model",
    "version": "1",
    "input": {},
    "output": None,
    "logs": "",
    "error": None,
    "created_at": "2026-01-01T00:00:00Z",
    "urls": {},
}


def _answers(address: str) -> dict[str, object]:
    """Return how requests begin, and what they are answered; the first that fits."""
    queue = f"{address}/fal/requests/task_1"
    places = {"response_url": queue, "status_url": f"{queue}/status", "cancel_url": f"{queue}/cancel"}
    return {
        "POST /fal": {"request_id": "task_1", "status": "IN_QUEUE", **places},
        "GET /fal/requests/task_1/status": {"status": "COMPLETED", "logs": None, "metrics": {}},
        "GET /fal/requests/task_1": {"images": [{"url": _PICTURE}]},
        "POST /v1/": {**_PREDICTION, "status": "starting"},
        "GET /v1/": {**_PREDICTION, "status": "succeeded", "output": _PICTURE},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The head and the body in one piece.
    wbufsize = -1
    answers: dict[str, object]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = f"{self.command} {self.path}"
        body = json.dumps(next(data for start, data in self.answers.items() if asked.startswith(start))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on a free port, which is printed, until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    _Handler.answers = _answers(f"http://127.0.0.1:{server.server_port}")
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
