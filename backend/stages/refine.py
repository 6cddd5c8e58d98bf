"""Stage ``refine``: the lifted and hand-edited motion made plausible."""

from backend.prior.measures import refinement_report
from backend.prior.refine import refine_clip
from backend.progress import Progress
from revision_blender.wire.requests import RefineRequest, RefineResult


def run(request: RefineRequest, progress: Progress) -> RefineResult:
    """Refines every body; the report compares the result with the clip that was given.

    Raises InputError (see ``refine_clip``) and Cancelled.
    """
    refined = refine_clip(request.clip, request.pins, request.strength, progress.part(0.0, 0.95))
    report = refinement_report(request.clip, refined).numbers() if refined.bodies else {}
    progress(1.0, "refined")
    return RefineResult(refined, report)
