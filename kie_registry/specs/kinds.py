"""Say what a document is that describes no Market model."""

from __future__ import annotations

from kie_registry.specs.documents import Json

# The start of a path -> the family that it belongs to. Their inputs and records have shapes of their own.
_FAMILIES = {
    "/api/v1/veo": "Veo",
    "/api/v1/gpt4o-image": "4o Image",
    "/api/v1/flux/kontext": "Flux Kontext",
    "/api/v1/runway": "Runway",
    "/api/v1/aleph": "Aleph",
    "/api/v1/mj": "Midjourney",
    "/api/v1/luma": "Luma",
    "/api/v1/generate": "Suno",
    "/api/v1/lyrics": "Suno",
    "/api/v1/style": "Suno",
    "/api/v1/vocal-removal": "Suno",
    "/api/v1/wav": "Suno",
    "/api/v1/mp4": "Suno",
    "/api/v1/midi": "Suno",
}
_CHAT = ("chat/completions", "/messages", "/responses", "generatecontent", "/completions")
_SHARED = {
    "/api/v1/jobs/recordinfo": "kie.task(id).status()",
    "/api/v1/jobs/createtask": "kie.generate(model, ...)",
    "/api/v1/chat/credit": "kie.credits()",
    "/api/v1/common/download-url": "kie.download_url(url)",
    "/api/file-stream-upload": "kie.upload(file)",
    "/api/file-base64-upload": "kie.upload(file)",
    "/api/file-url-upload": "kie.upload(file)",
    "/api/v1/models": "`kie models search`",
}


def what_it_is(document: Json) -> str:
    """Return a sentence on a document without a model's createTask: a family, a chat model, a shared endpoint."""
    paths = [str(path) for path in document["paths"]]
    for path in paths:
        lowered = path.lower().rstrip("/")
        if lowered in _SHARED:
            return f"no model but an endpoint that all models share ({path}): it is here as {_SHARED[lowered]}"
        if any(mark in lowered for mark in _CHAT):
            return f"no Market model but a chat model ({path}), which answers at once; this project drives tasks"
        for start, family in _FAMILIES.items():
            if lowered.startswith(start):
                return (
                    f"no Market model but one of the {family} family ({path}), whose endpoints have shapes of "
                    "their own; this project drives models of /api/v1/jobs/createTask"
                )
    shown = ", ".join(paths[:3]) or "no endpoint at all"
    return f"no Market model: it describes {shown}, and not /api/v1/jobs/createTask"
