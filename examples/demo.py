"""The main job, on a local sandbox: both models on their specs' own examples, the pictures saved.

The second model edits the picture of the first, which is uploaded for it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from kie_registry import Event, Kie, KieError, Result
from kie_registry.sandbox import Sandbox

OUTPUT = Path("demo-output")


def main() -> None:
    """Run the demo."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:5.1f} s  {text}")

    def show(event: Event) -> None:
        say(f"    {event.message}")

    def report(result: Result) -> Path:
        (path,) = result.save(OUTPUT, overwrite=True)
        say(f"    saved {path} ({path.stat().st_size:,} bytes, {result.credits:g} credits)")
        return path

    with (
        Sandbox(latency=1.0) as box,
        Kie(box.key, base_url=box.url, upload_url=box.url, poll_interval=0.25) as kie,
    ):
        say(f"a sandbox serves at {box.url}; it stands in for kie.ai and draws what was asked for")
        example = kie.models.describe("nano-banana-pro").example or {}
        say("nano-banana-pro makes a picture from its specification's example")
        picture = report(kie.generate("nano-banana-pro", on_event=show, **example))
        example = kie.models.describe("nano-banana-edit").example or {}
        say(f"nano-banana-edit edits {picture} after its specification's example")
        report(kie.generate("nano-banana-edit", on_event=show, **{**example, "image_urls": [picture]}))
        say(f"{kie.credits():g} credits are left")


if __name__ == "__main__":
    try:
        main()
    except KieError as error:
        sys.exit(f"the demo failed: {error}")
