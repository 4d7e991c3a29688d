"""Measure other clients beside ours: the CPU time of one generate / raw httpx sending the same requests.

They are installed, at these versions, into an environment of their own below ``build/``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import httpx

# The file is also run by an interpreter that has none of this project.
sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.generating import BEARER, INPUT, compare, generate_ratio
from benchmarks.serving import minimal_server

PEERS = {"fal-client": "1.0.3", "replicate": "1.0.7"}
_HOME = Path(__file__).parent.parent / "build" / "bench-peers"


def fal_ratio(address: str) -> tuple[float, float]:
    """Compare fal-client's `subscribe` with raw httpx: submit, status, result."""
    import fal_client.client  # type: ignore[import-not-found]

    fal_client.client.QUEUE_URL_FORMAT = f"{address}/"
    fal = fal_client.client.SyncClient(key="key")
    with httpx.Client(base_url=address, headers=BEARER) as raw:

        def with_httpx() -> None:
            urls = raw.post("/fal", json=INPUT).json()
            raw.get(urls["status_url"], params={"logs": False}).json()
            raw.get(urls["response_url"]).json()

        return compare(lambda: fal.subscribe("fal", INPUT), with_httpx)


def replicate_ratio(address: str) -> tuple[float, float]:
    """Compare replicate's `run` with raw httpx: create, read."""
    os.environ["REPLICATE_POLL_INTERVAL"] = "0"
    import replicate  # type: ignore[import-not-found]

    client = replicate.Client(api_token="key", base_url=address)
    with httpx.Client(base_url=address, headers=BEARER) as raw:

        def with_httpx() -> None:
            created = raw.post("/v1/models/owner/model/predictions", json={"input": INPUT}).json()
            raw.get(f"/v1/predictions/{created['id']}").json()

        return compare(lambda: client.run("owner/model", input=INPUT, wait=False), with_httpx)


_RATIOS: dict[str, Callable[[str], tuple[float, float]]] = {
    "fal-client": fal_ratio,
    "replicate": replicate_ratio,
}


def interpreter() -> Path:
    """Return the interpreter that has the others installed; makes their environment the first time."""
    python = _HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = _HOME / "made-with.json"
    if not made.exists() or json.loads(made.read_text("utf-8")) != PEERS:
        venv.create(_HOME, clear=True, with_pip=True)
        packages = [f"{name}=={version}" for name, version in PEERS.items()]
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The same httpx for all.
        subprocess.run([*install, f"httpx=={httpx.__version__}", *packages], check=True)
        made.write_text(json.dumps(PEERS), "utf-8")
    return python


def measured(peer: str, address: str) -> tuple[float, float]:
    """Return the ratio of a peer, and raw httpx's seconds, as measured in its own environment."""
    command = [str(interpreter()), __file__, peer, address]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    ratio, raw = json.loads(ran.stdout)
    return ratio, raw


def main() -> None:
    """Print the table; or, in the environment of the others, the ratio of one of them."""
    if arguments := sys.argv[1:]:
        peer, address = arguments
        print(json.dumps(_RATIOS[peer](address)))
        return
    with minimal_server() as address:
        rows = [("kie-registry", 2, generate_ratio(address))]
    with minimal_server("peer_server") as address:
        for peer, requests in (("fal-client", 3), ("replicate", 2)):
            rows.append((f"{peer} {PEERS[peer]}", requests, measured(peer, address)))
    print("| client | requests | CPU of one generate / raw httpx doing the same | raw httpx |\n|---|---|---|---|")
    for client, requests, (ratio, raw) in rows:
        print(f"| {client} | {requests} | {ratio:.2f} | {raw * 1e3:.1f} ms |")


if __name__ == "__main__":
    main()
