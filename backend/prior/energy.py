"""What the baseline refiner holds to be a good motion: one energy over a whole clip, its value and its normal equations.

Every residual is divided by how large it usually is, so all terms are plain numbers. Terms that must forgive rare large values (a
tennis stroke is a rare large acceleration; a wild frame of the lift is a rare large error) use the pseudo-Huber function
``k^2 (sqrt(1 + s^2 / k^2) - 1)``: quadratic below ``k``, linear above, so that what is large is paid for once and not smeared out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.prior import rotations as so3
from backend.prior.kinematics import Posed, Skeleton, jacobian, pose
from backend.prior.normal_equations import NormalEquations, empty


@dataclass(frozen=True)
class Scales:
    """How large things usually are. Metres, radians.

    across, along: error of a joint's place across and along the line of sight. turn: error of a rotation.
    patience: errors above so many of these are outliers. press: depth below the ground. touch: height of a sole in contact.
    slide: motion a frame of a sole in contact. kink: accelerations above so many of the usual ones are events.
    """

    across: float
    along: float
    turn: float
    patience: float = 3.0
    press: float = 0.002
    touch: float = 0.03
    slide: float = 0.002
    kink: float = 1.0


@dataclass(frozen=True, eq=False)
class Goal:
    """One track's problem: what was given, how far it is trusted, and what must hold.

    rotations ``(F, J, 3, 3)``, translation ``(F, 3)``: the motion given. places: ``(F, J + P, 3)`` its joints and sole points.
    trust: ``(F, J, 3, 3)`` inverse covariance of joint places. turn_trust: ``(F, J)`` inverse variance of rotations.
    calm: ``(J,)`` inverse variance of second differences of joints. turn_calm: ``(J,)`` the same of rotations.
    hold: ``(F - 1, J + P)`` inverse variance of steps in contact. up ``(3,)``, ground ``(3,)``: the floor.
    level: ``(F, J + P)`` inverse variance of heights in contact. rest: ``(J + P,)`` height of a place that just touches.
    solid: ``(J + P,)`` inverse variance of depth under the ground.
    """

    skeleton: Skeleton
    rotations: Tensor
    translation: Tensor
    places: Tensor
    trust: Tensor
    turn_trust: Tensor
    calm: Tensor
    turn_calm: Tensor
    hold: Tensor
    up: Tensor
    ground: Tensor
    level: Tensor
    rest: Tensor
    solid: Tensor
    scales: Scales


@dataclass(frozen=True, eq=False)
class State:
    """A motion on the way: the pose, what kinematics says of it, and its energy."""

    rotations: Tensor
    translation: Tensor
    posed: Posed
    energy: float


@dataclass(frozen=True, eq=False)
class _Residuals:
    data: Tensor
    turn: Tensor
    bend: Tensor
    spin: Tensor
    twist: Tensor
    step: Tensor
    height: Tensor


def _residuals(goal: Goal, rotations: Tensor, posed: Posed) -> _Residuals:
    places = posed.places
    joints = places[:, : rotations.shape[1]]
    spin = so3.log(rotations[1:] @ rotations[:-1].mT)
    return _Residuals(
        data=joints - goal.places[:, : rotations.shape[1]],
        turn=so3.log(rotations @ goal.rotations.mT),
        bend=joints[2:] - 2.0 * joints[1:-1] + joints[:-2],
        spin=spin,
        twist=spin[1:] - spin[:-1],
        step=places[1:] - places[:-1],
        height=(places - goal.ground) @ goal.up - goal.rest,
    )


def _huber(square: Tensor, knee: float) -> tuple[Tensor, Tensor]:
    """Pseudo-Huber of ``s^2``: its value, and the weight that makes a quadratic touch it from above."""
    root = torch.sqrt(1.0 + square / knee**2)
    return knee**2 * (root - 1.0), 1.0 / root


def _squares(goal: Goal, r: _Residuals) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Normalised squares of the four forgiving terms: data, turn, bend, twist."""
    data = (r.data[..., None, :] @ goal.trust @ r.data[..., None])[..., 0, 0]
    return data, goal.turn_trust * (r.turn**2).sum(-1), goal.calm * (r.bend**2).sum(-1), goal.turn_calm * (r.twist**2).sum(-1)


def state_of(goal: Goal, rotations: Tensor, translation: Tensor) -> State:
    """The pose with its kinematics and energy."""
    posed = pose(goal.skeleton, rotations, translation)
    r = _residuals(goal, rotations, posed)
    data, turn, bend, twist = _squares(goal, r)
    s = goal.scales
    energy = sum(
        _huber(square, knee)[0].sum() for square, knee in ((data, s.patience), (turn, s.patience), (bend, s.kink), (twist, s.kink))
    )
    energy = energy + 0.5 * (goal.hold * (r.step**2).sum(-1)).sum() + 0.5 * (_support(goal, r.height) * r.height**2).sum()
    return State(rotations, translation, posed, float(energy))


def _support(goal: Goal, height: Tensor) -> Tensor:
    """``(F, J + P)`` stiffness against height: a contact's both ways, the floor's only from below."""
    return torch.where(height < 0.0, torch.maximum(goal.level, goal.solid.expand_as(height)), goal.level)


def linearised(goal: Goal, state: State) -> NormalEquations:
    """Gauss-Newton equations of the energy at ``state``, forgiving terms reweighted so that their quadratic lies above them."""
    r = _residuals(goal, state.rotations, state.posed)
    data, turn, bend, twist = _squares(goal, r)
    s = goal.scales
    frames, joints = state.rotations.shape[:2]
    moves = jacobian(goal.skeleton, state.posed)
    equations = empty(frames, moves.shape[-1])
    _add_places(equations, goal, r, moves, _huber(data, s.patience)[1], joints)
    if frames > 1:
        equations.add((-1.0, 1.0), moves[:, joints:], r.step[:, joints:], goal.hold[:, joints:])
    if frames > 2:
        equations.add((1.0, -2.0, 1.0), moves[:, :joints], r.bend, goal.calm * _huber(bend, s.kink)[1])
        _add_twist(equations, r, goal.turn_calm * _huber(twist, s.kink)[1])
    _add_turn(equations, r.turn, goal.turn_trust * _huber(turn, s.patience)[1])
    return equations


def _add_places(equations: NormalEquations, goal: Goal, r: _Residuals, moves: Tensor, forgiven: Tensor, joints: int) -> None:
    """Nearness of joints, and the floor under all places, as one term."""
    support = _support(goal, r.height)
    weight = support[..., None, None] * (goal.up[:, None] * goal.up)
    weight[:, :joints] += forgiven[..., None, None] * goal.trust
    pull = (support * r.height)[..., None] * goal.up
    pull[:, :joints] += (forgiven[..., None, None] * goal.trust @ r.data[..., None])[..., 0]
    equations.add((1.0,), moves, torch.zeros_like(pull), weight)
    equations.gradient.add_((moves.flatten(1, 2).mT @ pull.flatten(1)[..., None])[..., 0])


def _add_turn(equations: NormalEquations, turn: Tensor, weight: Tensor) -> None:
    change = so3.left_inverse(turn)
    equations.add_blocks(0, 0, weight[..., None, None] * (change.mT @ change))
    equations.gradient[:, 3:] += (change.mT @ (weight[..., None] * turn)[..., None]).flatten(1)


def _add_twist(equations: NormalEquations, r: _Residuals, weight: Tensor) -> None:
    """Second difference of rotations: ``spin_f = log(R_(f+1) R_f^T)`` moves by ``after_f d_(f+1) - before_f d_f``."""
    after, before = so3.left_inverse(r.spin), so3.left_inverse(-r.spin)
    change = (before[:-1], -(before[1:] + after[:-1]), after[1:])
    rows = len(r.twist)
    for a in range(3):
        pressed = (weight[..., None, None] * change[a]).mT
        equations.gradient[a : a + rows, 3:] += (pressed @ r.twist[..., None]).flatten(1)
        for b in range(a, 3):
            equations.add_blocks(b - a, a, pressed @ change[b])
