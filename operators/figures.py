"""Predicted time and memory in words and in provenance, and beside them what a clip then took."""

from collections.abc import Mapping

from ..revision_blender.video_model.prediction import Prediction
from ..revision_blender.video_model.published import gigabytes

Made = Mapping[str, str | float | int]
SECONDS, BYTES, BASIS = "predicted_seconds", "predicted_bytes", "predicted_from"  # in the provenance of what was made
_TOLD = {"measured": "predicted", "guessed": "guessed"}


def words_of(prediction: Prediction) -> str:
    """For the panel, above the button."""
    guess = "" if prediction.basis == "measured" else ", a guess until the first clip is made"
    words = f"About {duration(prediction.seconds)} and {gigabytes(round(prediction.bytes))}{guess}"
    return words if prediction.plan.fits else f"{words}: more memory than there is. Ask for fewer frames or a smaller model"


def kept(prediction: Prediction | None) -> dict[str, str | float | int]:
    """The prediction as provenance, to be compared with what happens."""
    return {} if prediction is None else {SECONDS: round(prediction.seconds, 2), BYTES: round(prediction.bytes), BASIS: prediction.basis}


def comparison(made: Made, report: Mapping[str, float]) -> str:
    """What a clip took, beside what was predicted; empty where the engine reports nothing."""
    parts, how = [], _TOLD.get(str(made.get(BASIS)), "predicted")
    for figure, foretold, words in (("seconds", SECONDS, duration), ("memory_peak", BYTES, lambda count: gigabytes(round(count)))):
        if report.get(figure, 0.0) <= 0.0:
            continue
        told = f" ({words(float(made[foretold]))} {how})" if foretold in made else ""
        parts.append(words(report[figure]) + told)
    return f"Took {' and '.join(parts)}" if parts else ""


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
