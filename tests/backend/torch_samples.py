"""What files of torch and pickles are made of in tests, and how a motion file is read with its description compared."""

from pathlib import Path

from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.files.reading import describe, read_motion
from tests.motion.files_samples import NO_BODIES


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


def crafted(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def read(path: Path, **options):
    found = read_motion(path, NO_BODIES, ReadOptions(**options))
    said = describe(path)
    assert (said.format, said.n_frames, said.fps, said.camera_given) == (found.format, found.clip.n_frames, None, found.camera_given)
    assert {said.family} == {track.family for track in found.clip.bodies}
    for person in said.people:
        track = next((track for track in found.clip.bodies if track.track_id == person.track_id), None)
        if track is not None:
            seen = (track.confidence > 0.0).any(axis=1)
            assert (person.n_frames, person.first_frame) == (seen.sum(), seen.argmax())
    return found
