"""Simulated things obey mechanics, and are seen as the 21 points that the clip's format names."""

import numpy as np
import pytest

from backend.prior.state.object_points import CENTRE, N_CONTOUR, hull_of, points_of
from backend.training.prior import rigid_simulation
from backend.training.prior.rigid_bodies import Bodies, Start, simulated

FPS = 30.0
UNTURNED = np.array([[1.0, 0.0, 0.0, 0.0]])


def ball(restitution: float = 0.0, friction: float = 0.6) -> Bodies:
    return Bodies(
        np.zeros((1, 8, 3)), np.array([0.1]), np.array([restitution]), np.array([friction]), np.zeros(1), np.full((1, 3), 0.4 * 0.01)
    )


def let_go(height: float, velocity: tuple[float, float, float], frames: int) -> Start:
    nothing = np.zeros((1, frames, 3))
    place = np.array([[0.0, height, 0.0]])
    return Start(place, np.array([velocity]), np.zeros((1, 3)), UNTURNED, nothing, np.zeros((1, frames), dtype=bool), nothing)


def test_what_flies_falls_as_things_fall() -> None:
    places, _ = simulated(ball(), let_go(5.0, (1.0, 2.0, -0.5), 20), FPS)
    acceleration = np.diff(places[0], n=2, axis=0) * FPS**2
    assert np.allclose(acceleration, [0.0, -9.81, 0.0], atol=1e-6)


@pytest.mark.parametrize("restitution", [0.3, 0.8])
def test_a_ball_bounces_to_the_square_of_its_restitution(restitution: float) -> None:
    places, _ = simulated(ball(restitution), let_go(1.1, (0.0, 0.0, 0.0), 40), FPS)
    height = places[0, :, 1] - 0.1
    landed = int(np.argmax(np.diff(height) > 0.0))
    assert height[landed + 1 :].max() == pytest.approx(restitution**2, rel=0.15)
    assert height.min() > -1e-6


def test_a_sliding_ball_ends_up_rolling_without_slip() -> None:
    start = let_go(0.1, (2.0, 0.0, 0.0), 60)
    places, turns = simulated(ball(), start, FPS)
    speed = (places[0, -1, 0] - places[0, -2, 0]) * FPS
    step = turns[0, -1] @ turns[0, -2].T
    spin = np.arccos((np.trace(step) - 1.0) / 2.0) * FPS
    assert speed == pytest.approx(2.0 * 5.0 / 7.0, rel=0.03)  # a solid ball keeps five sevenths of its speed
    assert spin * 0.1 == pytest.approx(speed, rel=0.02)


def test_a_box_comes_to_rest_flat_and_stays() -> None:
    corners = rigid_simulation._CUBE[None] * np.array([0.2, 0.1, 0.15])
    inertia = np.array([[0.1**2 + 0.15**2, 0.2**2 + 0.15**2, 0.2**2 + 0.1**2]]) / 3.0
    box = Bodies(corners, np.array([0.002]), np.array([0.2]), np.array([0.6]), np.array([0.3]), inertia)
    start = let_go(0.6, (0.5, 0.0, 0.0), 90)
    start = Start(start.place, start.velocity, np.array([[1.0, 2.0, -1.0]]), start.turn, start.kicks, start.held, start.hand)
    places, turns = simulated(box, start, FPS)
    assert np.abs(np.diff(places[0, -10:], axis=0)).max() < 1e-3
    assert np.abs(turns[0, -1][1]).max() > 0.99  # one of its axes is upright
    assert min(abs(places[0, -1, 1] - half) for half in (0.202, 0.102, 0.152)) < 0.01


def test_contour_points_lie_at_even_steps_clockwise_from_the_images_right() -> None:
    square = np.array([[[-2.0, -1.0], [2.0, -1.0], [2.0, 1.0], [-2.0, 1.0]]]) + np.array([5.0, 7.0])
    found = points_of(square)[0]
    assert np.allclose(found[CENTRE], [5.0, 7.0])
    assert np.allclose(found[0], [7.0, 7.0])  # where +x leaves the square
    around = found[:N_CONTOUR] - found[CENTRE]
    following = np.roll(around, -1, axis=0)
    assert (around[:, 0] * following[:, 1] - around[:, 1] * following[:, 0] > 0.0).all()  # y down: clockwise on screen
    edge = 12.0 / N_CONTOUR
    lengths = np.linalg.norm(following - around, axis=1)
    assert lengths.max() <= edge + 1e-9  # a step along the outline, shorter only round a corner
    assert np.isclose(lengths, edge).sum() >= N_CONTOUR - 4
    assert np.allclose(found[16:20], [[3.0, 6.0], [7.0, 6.0], [7.0, 8.0], [3.0, 8.0]])


def test_the_hull_of_one_disc_is_its_circle() -> None:
    outline = hull_of(np.array([[[1.0, 2.0]]]), np.array([[0.5]]))
    assert np.allclose(np.linalg.norm(outline - [1.0, 2.0], axis=-1), 0.5)
    contour = points_of(outline)[0, :N_CONTOUR] - [1.0, 2.0]
    assert np.allclose(np.arctan2(contour[:, 1], contour[:, 0]) % (2 * np.pi), 2 * np.pi * np.arange(N_CONTOUR) / N_CONTOUR, atol=0.01)


@pytest.mark.parametrize("held_out", [False, True])
def test_draws_are_whole_takes_over_the_floor(held_out: bool) -> None:
    rng = np.random.default_rng(0)
    moved, words = [], set()
    for _ in range(40):
        take = rigid_simulation.drawn(rng, held_out, 48)
        assert take.points is not None
        assert take.rotations.shape == (48, 1, 3, 3)
        assert take.points.shape == (48, 21, 3)
        assert np.allclose(take.points[:, CENTRE], 0.0, atol=1e-6)
        assert np.isfinite(take.points).all()
        assert take.root[:, 1].min() > 0.0
        moved.append(np.ptp(take.root, axis=0).max())
        words.add(take.text.split()[-1])
    assert np.mean(np.array(moved) > 0.1) > 0.9
    assert words == set(rigid_simulation.DEEDS)


def test_the_same_state_gives_the_same_draw() -> None:
    first, second = (rigid_simulation.drawn(np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first.root, second.root)


@pytest.mark.parametrize("span", rigid_simulation.RANGES.values(), ids=list(rigid_simulation.RANGES))
def test_training_never_draws_what_is_held_out(span: rigid_simulation.Range) -> None:
    rng = np.random.default_rng(0)
    values = np.array([span.drawn(rng, False) for _ in range(300)])
    assert not ((values > span.kept_from) & (values < span.kept_to)).any()
