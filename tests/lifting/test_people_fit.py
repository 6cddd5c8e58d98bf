"""Several bodies fitted at once: each as if alone, round what hides it, and trusted less where little is known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from backend.lifting.people import fit as fit_module
from backend.lifting.people.fit import Evidence, PeopleFit
from backend.lifting.people.fit_evidence import placed_over, seen_of
from backend.lifting.people.fit_people import fit_people
from backend.lifting.people.measures import landmark_points
from backend.lifting.people.silhouette import silhouettes_of
from backend.lifting.people.trust import confidence_of, landmark_trust, local_sharpness
from backend.progress import silent
from revision_blender.masks.labels import SMPL_JOINT_NAMES
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from tests.backend.lifting_cases import procrustes_error, walking_clip
from tests.lifting.people_cases import moved, person_of


@pytest.fixture
def hurried(monkeypatch):
    """A tenth of the steps: laws hold at every step."""
    monkeypatch.setattr(fit_module, "ENDING", replace(fit_module.ENDING, steps=4))
    monkeypatch.setattr(fit_module, "STAGES", tuple(replace(stage, steps=6) for stage in fit_module.STAGES))


def test_two_at_once_are_fitted_like_each_alone(hurried):
    clip = walking_clip(4)
    model = open_human()
    cases = [person_of("a", clip), person_of("b", moved(clip, (0.6, 0.0, 1.0)))]
    evidence = [Evidence(person.landmarks, masks) for person, masks in cases]
    together = PeopleFit(model, evidence, clip.camera, clip.fps).solve(silent())
    for one, both in zip(evidence, together, strict=True):
        alone = PeopleFit(model, [one], clip.camera, clip.fps).solve(silent())[0]
        for a, b in zip(alone, both, strict=True):
            assert np.abs(a.rotations - b.rotations).max() < 5e-3 and np.abs(a.translation - b.translation).max() < 1e-2
            assert np.abs(a.betas - b.betas).max() < 0.05  # a nearest point may flip by rounding


def test_the_same_people_are_fitted_the_same_to_the_last_bit(monkeypatch):
    monkeypatch.setattr(fit_module, "ENDING", replace(fit_module.ENDING, steps=1))
    monkeypatch.setattr(fit_module, "STAGES", tuple(replace(stage, steps=1) for stage in fit_module.STAGES))
    clip = walking_clip(24)
    person, masks = person_of("a", clip)
    answers = set()
    for size in range(20):  # each time from other places in memory
        kept = np.ones(1000 + 7 * size)
        evidence = Evidence(replace(person.landmarks, pixels=person.landmarks.pixels.copy()), masks.copy())
        (fits,) = PeopleFit(open_human(), [evidence], clip.camera, clip.fps).solve(silent())
        answers.add(b"".join(np.asarray(part).tobytes() for fit in fits for part in (fit.betas, fit.rotations, fit.translation)))
        assert kept.all()
    assert len(answers) == 1


def test_bodies_are_put_over_their_pixels():
    """Least squares of nothing but noise-free pixels are exact; a person who is not found is put somewhere, not nowhere."""
    clip = walking_clip(3)
    person, masks = person_of("a", moved(clip, (0.3, -0.2, 1.0)))
    seen = seen_of([Evidence(person.landmarks, masks)], clip.camera)
    points = torch.tensor(landmark_points(open_human(), clip.bodies[0]) - clip.bodies[0].translation[:, None]).float()
    places = placed_over(points, seen)
    assert np.abs(places.numpy() - (clip.bodies[0].translation + np.array([0.3, -0.2, 1.0]))).max() < 1e-3
    assert torch.isfinite(placed_over(points, replace(seen, weight=torch.zeros_like(seen.weight)))).all()


@pytest.mark.slow
def test_what_hides_a_leg_does_not_bend_it():
    clip = walking_clip(4)
    model = open_human()
    person, masks = person_of("a", clip)
    track = clip.bodies[0]
    truth = joints_of(identity_of(model, track.betas), track.rotations, track.translation)
    wall = np.zeros_like(masks)
    wall[:, 215:, :] = 255  # stands before the lower legs
    seen = np.where(wall > 0, 0, masks)
    errors = []
    for occluders in (wall, None):
        (fitted,) = fit_people(model, [person], seen[None], clip.camera, clip.fps, silent(), occluders)
        joints = joints_of(identity_of(model, fitted.smooth.betas), fitted.smooth.rotations, fitted.smooth.translation)
        errors.append(procrustes_error(joints, truth))
        if occluders is not None:
            legs, arms = (fitted.confidence[:, [SMPL_JOINT_NAMES.index(name) for name in names]] for names in (LEGS, ARMS))
            assert legs.max() < 0.3 and arms.min() > 0.8
    assert errors[0] < 0.045 and errors[0] < errors[1]


LEGS = ("left_knee", "right_knee", "left_ankle", "right_ankle")
ARMS = ("left_elbow", "right_elbow")


def test_nobody_is_no_work():
    clip = walking_clip(2)
    assert fit_people(open_human(), [], np.zeros((0, 2, 360, 320), np.uint8), clip.camera, clip.fps, silent()) == []


def test_an_outline_that_something_hides_is_not_the_persons_own():
    mask = np.zeros((1, 120, 120), np.uint8)
    mask[0, 30:90, 40:70] = 255
    hidden = np.zeros_like(mask)
    hidden[0, 30:90, 70:110] = 255
    free, blocked = silhouettes_of(mask), silhouettes_of(mask, hidden)
    assert free.outline[0, :, 0].max() > 69.0 and blocked.outline[0, :, 0].max() < 69.0
    behind = free.outline.new_tensor([[[85.0, 60.0], [25.0, 60.0]]])
    assert free.outside(behind)[0, 0] > 10.0 and blocked.outside(behind)[0, 0] == 0.0
    assert blocked.outside(behind)[0, 1] > 10.0


def test_trust_falls_with_disagreement_hiding_blur_and_absence():
    person, masks = person_of("a", walking_clip(3))
    clear = np.zeros((3, 33), np.float32)
    best = confidence_of(landmark_trust(person.landmarks, clear, None))
    assert best.min() > 0.95
    apart = confidence_of(landmark_trust(person.landmarks, clear + 0.06, None))
    assert np.allclose(apart, 0.5, atol=0.01)
    assert confidence_of(landmark_trust(person.landmarks, clear, masks)).max() < 0.5
    blurred = confidence_of(landmark_trust(person.landmarks, clear, None, np.full((3, 33), 0.4, np.float32)))
    assert np.allclose(blurred, 0.4, atol=0.01)
    gone = replace(person.landmarks, found=np.array([True, False, True]))
    assert confidence_of(landmark_trust(gone, clear, None))[1].max() == np.float32(0.05)


def test_a_blurred_limb_is_known_by_its_other_frames():
    noise = np.random.default_rng(0).integers(0, 255, (6, 160, 160, 3), dtype=np.uint8)
    noise[4, :80] = cv2.blur(noise[4, :80], (11, 11))
    places = np.zeros((6, 33, 2), np.float32)
    places[:] = np.stack([np.linspace(20, 140, 33), np.full(33, 40.0)], axis=-1)
    places[:, 20:, 1] = 120.0
    sharp = local_sharpness(noise, places)
    assert sharp[4, :20].max() < 0.6 and sharp[4, 20:].min() == 1.0 and sharp[[0, 1, 2, 3, 5]].min() == 1.0
    flat = np.full((2, 64, 64, 3), 90, np.uint8)
    assert (local_sharpness(flat, np.full((2, 33, 2), 30.0, np.float32)) == 1.0).all()  # nothing is known: nothing is held against it
