"""What is said where a video, or a shot of it, shows nothing that can be lifted."""

import numpy as np

from backend.errors import InputError
from backend.lifting.world.lifted import LiftedShot
from backend.lifting.world.wish import Wish

MIN_SHARE = 0.5  # of a shot's frames must show somebody, where nobody was shown by the user


def nothing_found(shots: list[LiftedShot], wish: Wish) -> None:
    """Raises ``InputError`` where no shot shows a subject for long enough, and none that the user showed."""
    asked = {prompt.name for prompt in wish.prompts}
    if any(_enough(shot, asked) for shot in shots):
        return
    count = sum(shot.camera.n_frames for shot in shots)
    if asked:
        notes = " ".join(wish.choices.notes)
        raise InputError(f"Nothing of what is shown could be lifted. {notes}".strip())
    if not wish.people:
        raise InputError("Nothing was asked for: no subject is shown and people are not looked for; show one, or look for people.")
    seen = sum(_frames_seen(shot) for shot in shots)
    if seen == 0 and count == 1:
        raise InputError(
            "No person was found in the picture; choose one that shows a whole person, at least a quarter of the picture tall, "
            "or draw a box about what shall be lifted."
        )
    if seen == 0:
        raise InputError(
            f"No person was found in any of the {count} frames; choose a video that shows a whole person, or draw a box about what shall "
            "be lifted."
        )
    raise InputError(f"A person was found in {seen} of {count} frames only; choose a range of the video in which one stays in the picture.")


def _frames_seen(shot: LiftedShot) -> int:
    return int(np.logical_or.reduce([np.zeros(shot.camera.n_frames, np.bool_), *(track.seen for track in shot.tracks)]).sum())


def _enough(shot: LiftedShot, asked: set[str]) -> bool:
    shown = any(track.name in asked and track.seen.any() for track in shot.tracks)
    return shown or _frames_seen(shot) >= max(1.0, MIN_SHARE * shot.camera.n_frames)


def said_of_shots(shots: list[LiftedShot], frames: list[slice], wish: Wish) -> None:
    """Notes about cuts, about shots without subjects, and about subjects that are seen for a short time only. Frames count from 1."""
    if len(shots) > 1:
        cuts = ", ".join(str(shot.start + 1) for shot in frames[1:])
        many = "a cut" if len(shots) == 2 else f"{len(shots) - 1} cuts"
        wish.note(f"The video has {many}, at frame {cuts}: each shot was lifted by itself, and all stand on one floor.")
    for number, (shot, span) in enumerate(zip(shots, frames, strict=True), 1):
        if not shot.tracks:
            wish.note(f"Shot {number} (frames {span.start + 1} to {span.stop}) shows nothing that could be lifted.")
        elif shot.ground_confidence == 0.0:
            wish.note("Nothing stands on the floor that could tell where it is; it was guessed from how cameras are held.")
        for track in shot.tracks:
            seen = int(track.seen.sum())
            if 0 < seen < MIN_SHARE * len(track.seen):
                wish.note(f"{track.name} is seen on {seen} of {len(track.seen)} frames only; in the others its motion is guessed.")
            elif seen == 0:
                wish.note(f"{track.name} is hidden by others on all frames; its motion is guessed.")
