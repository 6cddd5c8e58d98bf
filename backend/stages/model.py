"""Fetches a video model from the hub: asked for by the user, who was shown its licence and size."""

from backend.engines.svd.weights.download import download
from backend.progress import Progress
from revision_blender.wire.requests import ModelRequest, ModelResult


def run(request: ModelRequest, progress: Progress) -> ModelResult:
    """Raises InputError, EngineError, Cancelled as ``download`` does."""
    done = download(request.model, request.accept_licence, progress)
    return ModelResult(str(done.folder), {"bytes": float(done.bytes), "bytes_fetched": float(done.fetched), "seconds": done.seconds})
