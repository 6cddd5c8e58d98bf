"""The rendered scenes are what their truth says, and what a user shows of them lies where things are."""

import numpy as np
import pytest

from backend.errors import InputError
from backend.evaluation.lifting.backdrop import Eye, backdrop
from backend.evaluation.lifting.matching import kind_of, overlap
from backend.evaluation.lifting.measures import outlines
from backend.evaluation.lifting.scenes import NAMES, SCENES, TruthScene, drawn_scene, truth_scene
from backend.lifting.subject import boxes_of
from revision_blender.motion.clip import BodyTrack, ObjectTrack

FEW = 6


@pytest.fixture(scope="module")
def everything() -> TruthScene:
    """The fullest scene, few frames of it."""
    return drawn_scene(next(scene for scene in SCENES if scene.name == "everything"), FEW)


def test_there_are_ten_scenes_and_the_camera_moves_in_half_of_them():
    assert len(NAMES) == len(set(NAMES)) == 10
    assert sum(scene.shot.moves for scene in SCENES) == 5
    people = [sum(type(part).__name__ == "PersonPart" for part in scene.parts) for scene in SCENES]
    assert {1, 2, 3, 4} <= set(people)


def test_drawing_twice_gives_the_same_bytes(everything: TruthScene):
    again = drawn_scene(next(scene for scene in SCENES if scene.name == "everything"), FEW)
    assert again.frames.tobytes() == everything.frames.tobytes()
    assert again.prompts == everything.prompts


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="crossing"):
        truth_scene("nowhere")


def test_the_clip_seen_by_its_camera_is_what_was_drawn(everything: TruthScene):
    for number, track in enumerate(everything.clip.tracks):
        if isinstance(track, BodyTrack):
            assert overlap(outlines(track, everything.clip.camera), everything.alone[number]).min() > 0.97, track.track_id
    box = next(n for n, track in enumerate(everything.clip.tracks) if isinstance(track, ObjectTrack))
    assert overlap(outlines(everything.clip.tracks[box], everything.clip.camera), everything.alone[box]).min() > 0.9


def test_visible_pixels_belong_to_one_subject_and_lie_within_its_outline(everything: TruthScene):
    assert everything.visible.sum(axis=0).max() == 1
    assert not (everything.visible & ~everything.alone).any()


def test_feet_stand_on_the_floor(everything: TruthScene):
    from backend.raster.surfaces import body_surface

    for track in everything.clip.bodies:
        lowest = everything.clip.ground.height(body_surface(track).vertices_world).min(axis=1)
        assert np.abs(np.median(lowest)) < 0.03, track.track_id


def test_points_of_the_still_set_move_as_the_camera_says(everything: TruthScene):
    """Redrawing the set from the clip's camera gives the pictures back where nothing stands and no shadow falls."""
    scene = next(scene for scene in SCENES if scene.name == "everything")
    eyes = scene.shot.eyes(FEW)
    empty = everything.visible.any(axis=0)[-1]
    drawn = 255.0 * np.clip(backdrop(eyes[-1]), 0.0, 1.0) ** (1.0 / 2.2)
    apart = np.abs(drawn - everything.frames[-1]).mean(axis=-1)
    assert np.median(apart[~empty]) < 4.0
    wrong = np.abs(255.0 * np.clip(backdrop(eyes[0]), 0.0, 1.0) ** (1.0 / 2.2) - everything.frames[-1]).mean(axis=-1)
    assert np.median(wrong[~empty]) > 2.0 * np.median(apart[~empty])


def test_an_eye_and_the_clip_camera_agree_on_pixels(everything: TruthScene):
    eyes = next(scene for scene in SCENES if scene.name == "everything").shot.eyes(FEW)
    floor = np.array([[0.3, 0.0, 0.2], [-0.8, 0.6, -1.0]])
    first: Eye = eyes[0]
    world = (floor - first.place) @ first.R_floor_camera
    pixels, _ = everything.clip.camera.project(np.tile(world, (FEW, 1, 1)))
    for frame, eye in enumerate(eyes):
        np.testing.assert_allclose(pixels[frame], eye.to_pixels(floor), atol=1e-6)


def test_prompts_show_things_and_animals_where_they_are(everything: TruthScene):
    names = {track.track_id: number for number, track in enumerate(everything.clip.tracks) if kind_of(track) != "person"}
    assert {prompt.name for prompt in everything.prompts} == set(names)
    for prompt in everything.prompts:
        true = boxes_of(everything.visible[names[prompt.name], prompt.frame][None].astype(np.uint8))[0][0]
        assert prompt.box is not None
        assert np.abs(np.array(prompt.box) - true).max() < 10.0
        assert len(prompt.clicks) == (6 if prompt.kind == "animal" else 0)
        for click in prompt.clicks:
            assert true[0] - 12 <= click.x <= true[2] + 12
            assert true[1] - 12 <= click.y <= true[3] + 12


def test_left_and_right_paws_are_the_animals_own(everything: TruthScene):
    """Seen from the side that it turns to the camera, that side's paws stand nearer, so lower in the picture."""
    dog = next(prompt for prompt in everything.prompts if prompt.kind == "animal")
    at = {click.part: click for click in dog.clicks}
    heads_left = at["nose"].x < at["tail_base"].x
    near = "left" if heads_left else "right"
    far = "right" if heads_left else "left"
    lower = [at[f"{end}_{near}_paw"].y - at[f"{end}_{far}_paw"].y for end in ("front", "back")]
    assert np.mean(lower) > 0.0


def test_the_outline_points_go_round_clockwise_from_the_right(everything: TruthScene):
    track = next(track for track in everything.clip.tracks if isinstance(track, ObjectTrack))
    camera = everything.clip.camera
    pixels, _ = camera.project(track.points)
    around, middle = pixels[:, :16] - pixels[:, 20:], pixels[:, 20]
    angles = np.unwrap(np.arctan2(around[..., 1], around[..., 0]), axis=1)
    assert (np.diff(angles, axis=1) > 0.0).all()
    assert np.abs(around[:, 0, 1]).max() < 0.05 * np.abs(around).max()
    steps = np.linalg.norm(np.roll(around, -1, axis=1) - around, axis=-1)
    assert (steps.max(axis=1) / steps.min(axis=1)).max() < 1.6
    np.testing.assert_allclose(pixels[:, 16:20].mean(axis=1), middle, atol=0.1)
