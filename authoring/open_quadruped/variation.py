"""Ways in which animals differ, as changes of an animal's tables, and the breeds made with them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .animals import CAT, COW, DOG, HORSE, Animal, mixed

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Traits:
    """Factors on an animal; angles in radians are added. All ones and zeros change nothing."""

    legs: float = 1.0
    length: float = 1.0
    girth: float = 1.0
    depth: float = 1.0
    bone: float = 1.0
    neck: float = 1.0
    throat: float = 1.0
    head: float = 1.0
    muzzle: float = 1.0
    snout: float = 1.0
    ears: float = 1.0
    tail: float = 1.0
    brush: float = 1.0
    feet: float = 1.0
    muscle: float = 1.0
    carriage: float = 0.0
    nod: float = 0.0
    curl: float = 0.0


def varied(a: Animal, t: Traits) -> Animal:
    """``a`` with the traits ``t``."""
    return _tailed(_headed(_necked(_footed(_trunked(_stretched(_legged(a, t.legs), t.length), t), t), t), t), t)


def _legged(a: Animal, factor: float) -> Animal:
    """Longer or shorter below the elbow; what is above moves with it."""
    elbow = float(a.fore[4, 2])

    def lift(z: Array) -> Array:
        return np.where(z < elbow, z * factor, z + elbow * (factor - 1.0))

    def lifted(table: Array, *columns: int) -> Array:
        result = table.copy()
        for column in columns:
            result[..., column] = lift(table[..., column])
        return result

    legs = {name: lifted(getattr(a, name), 2) for name in ("fore", "hind")}
    for name, table in legs.items():  # the foot keeps its own height
        own = getattr(a, name)
        table[9:, 2] = own[9:, 2]
    return replace(
        a,
        trunk=lifted(a.trunk, 1, 2),
        neck=lifted(a.neck, 1),
        head=lifted(a.head, 1),
        tail=lifted(a.tail, 1),
        fore=legs["fore"],
        hind=legs["hind"],
    )


def _stretched(a: Animal, factor: float) -> Animal:
    """Longer between hips and shoulders."""
    low, high = float(a.hind[1, 0]), float(a.fore[0, 0])

    def pulled(table: Array) -> Array:
        result = table.copy()
        result[..., 0] = table[..., 0] + (factor - 1.0) * np.clip(table[..., 0], low, high)
        return result

    return replace(a, **{name: pulled(getattr(a, name)) for name in ("trunk", "neck", "head", "fore", "hind", "tail")})


def _trunked(a: Animal, t: Traits) -> Animal:
    trunk = a.trunk.copy()
    trunk[:, 3] *= t.girth
    trunk[:, 2] = trunk[:, 1] - (trunk[:, 1] - trunk[:, 2]) * t.depth
    fore, hind = a.fore.copy(), a.hind.copy()
    for table in (fore, hind):
        table[:, 1] *= 1.0 + 0.75 * (t.girth - 1.0)
        table[:5, 3:] *= 1.0 + 0.6 * (t.muscle - 1.0)
    return replace(a, trunk=trunk, fore=fore, hind=hind, muscles=a.muscles * np.array([t.muscle, t.muscle, t.muscle, 1.0, 1.0, 1.0, 1.0]))


def _footed(a: Animal, t: Traits) -> Animal:
    fore, hind = a.fore.copy(), a.hind.copy()
    thick = np.array([1.0] * 4 + [0.5 + 0.5 * t.bone] + [t.bone] * 5 + [t.bone**0.5 * t.feet] * 2)[:, None]
    for table in (fore, hind):
        table[:, 3:] *= thick
        table[10:, 2] *= t.feet * t.bone**0.5
        table[10:, 0] += (t.feet - 1.0) * 0.05
    return replace(a, fore=fore, hind=hind, toes=a.toes * t.feet * t.bone**0.5)


def _turn(points: Array, pivot: Array, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return pivot + (points - pivot) @ np.array([[c, -s], [s, c]]).T


def _necked(a: Animal, t: Traits) -> Animal:
    neck, head = a.neck.copy(), a.head.copy()
    base = neck[0, :2]
    share = np.linspace(0.0, 1.0, len(neck))[:, None]
    longer = base + (neck[:, :2] - base) * (1.0 + (t.neck - 1.0) * share)
    bent = np.stack([_turn(p, base, t.carriage * float(k)) for p, k in zip(longer, share[:, 0] ** 0.5, strict=True)])
    head[:2] = _turn(head[:2] + longer[-1] - neck[-1, :2], base, t.carriage)
    head[2] += t.nod + 0.35 * t.carriage
    neck[:, :2] = bent
    neck[:, 2:] *= 1.0 + (t.throat - 1.0) * np.array([0.5, 0.9, 1.0, 1.0, 0.8])[:, None]
    return replace(a, neck=neck, head=head)


def _headed(a: Animal, t: Traits) -> Animal:
    """Head size, length of the muzzle before the eyes, its height and width, size of the ears."""
    eye = float(a.eye[0])
    end = eye + (1.0 - eye) * t.muzzle

    def along(values: Array) -> Array:
        return np.where(values > eye, eye + (values - eye) * t.muzzle, values) / end

    skull, jaw, mouth, eyes, ear = a.skull / end, a.jaw / end, a.mouth / np.array([1, end, end, 1]), a.eye.copy(), a.ear / end
    skull[:, 0], jaw[:, 0], mouth[0] = along(a.skull[:, 0]), along(a.jaw[:, 0]), along(a.mouth[:1])[0]
    bulge = np.clip((a.skull[:, 0] - eye) / 0.12, 0.0, 1.0)
    skull[:, 3] *= 1.0 + (t.snout - 1.0) * bulge
    bulge = np.clip((a.jaw[:, 0] - eye) / 0.12, 0.0, 1.0)
    jaw[:, 2:] *= 1.0 + (t.snout - 1.0) * bulge[:, None]
    eyes[:4] /= end
    return replace(
        a, head=a.head * np.array([1, 1, 1, end * t.head]), skull=skull, jaw=jaw, mouth=mouth, eye=eyes,
        ear=ear[0] + (ear - ear[0]) * t.ears, ear_size=a.ear_size / end * (1.0 + 0.8 * (t.ears - 1.0)),
    )  # fmt: skip


def _tailed(a: Animal, t: Traits) -> Animal:
    tail = a.tail.copy()
    steps = np.diff(tail[:, :2], axis=0) * t.tail
    for k in range(len(steps)):
        steps[k] = _turn(steps[k], np.zeros(2), -t.curl * (k + 1) / len(steps))
    tail[1:, :2] = tail[0, :2] + np.cumsum(steps, axis=0)
    tail[:, 2] *= 1.0 + (t.brush - 1.0) * np.array([0.3, 0.7, 1, 1, 1, 1, 1, 1])
    return replace(a, tail=tail)


def _hanging(a: Animal, length: float) -> Animal:
    """Ears that fall beside the cheeks."""
    base = np.array([0.14, 0.115, 0.185])
    ear = np.stack([base, base + np.array([0.045, -0.06 * length, 0.115]), base + np.array([0.085, -0.42 * length, 0.075])])
    return replace(a, ear=ear, ear_size=np.array([0.095, 0.125, 0.022]), ear_face=np.array([0.65, -0.7, 0.0]))


HOUND = varied(_hanging(DOG, 0.9), Traits(girth=1.08, bone=1.1, snout=1.15, throat=1.08, head=1.02, curl=0.9, tail=0.9))
GREYHOUND = varied(
    replace(DOG, trunk=DOG.trunk + np.array([[0, 0, z, 0, 0, 0] for z in (0, 0.02, 0.03, 0.07, 0.06, 0.0, -0.025, -0.02, 0, 0)])),
    Traits(
        legs=1.06,
        girth=0.86,
        bone=0.86,
        neck=1.2,
        throat=0.86,
        head=0.9,
        muzzle=1.14,
        snout=0.86,
        ears=0.6,
        tail=1.1,
        brush=0.6,
        muscle=1.05,
    ),
)
BULLDOG = varied(
    _hanging(DOG, 0.45),
    Traits(legs=0.66, girth=1.5, bone=1.45, neck=0.72, throat=1.45, head=1.12, muzzle=0.5, snout=1.32, tail=0.35, feet=1.15, muscle=1.25),
)
DACHSHUND = varied(
    _hanging(DOG, 1.0), Traits(legs=0.55, length=1.14, girth=1.05, depth=0.95, bone=1.05, head=1.0, muzzle=1.08, throat=1.1, tail=0.85)
)

ARCHETYPES: dict[str, Animal] = {
    "dog": DOG, "cat": CAT, "horse": HORSE, "cow": COW, "hound": HOUND, "greyhound": GREYHOUND, "bulldog": BULLDOG, "dachshund": DACHSHUND,
}  # fmt: skip
_SHARES = {"dog": 1.6, "cat": 1.8, "horse": 1.8, "cow": 1.8, "hound": 0.9, "greyhound": 0.6, "bulldog": 0.6, "dachshund": 0.6}
_LOOSE = 0.10  # mixtures stay close to one kind most of the time
_SPREAD = Traits(
    legs=0.07, length=0.05, girth=0.09, depth=0.03, bone=0.09, neck=0.09, throat=0.07, head=0.06, muzzle=0.09, snout=0.07, ears=0.16,
    tail=0.14, brush=0.2, feet=0.07, muscle=0.1, carriage=0.12, nod=0.10, curl=0.5,
)  # fmt: skip


def sampled_animals(count: int, seed: int) -> tuple[list[Animal], NDArray[np.int64]]:
    """``count`` animals: the archetypes first, then mixtures mostly of one or two kinds, each with traits of its own.

    The second array ``(count,)`` says which archetype each has most of.
    """
    rng = np.random.default_rng(seed)
    kinds = list(ARCHETYPES.values())
    alpha = _LOOSE * np.array([_SHARES[name] for name in ARCHETYPES])
    found, nearest = list(kinds), list(range(len(kinds)))
    while len(found) < count:
        shares = rng.dirichlet(alpha)
        nearest.append(int(shares.argmax()))
        draws = np.clip(rng.normal(size=len(_SPREAD.__dict__)), -2.0, 2.0)
        traits = {
            name: base + spread * d
            for (name, spread), base, d in zip(_SPREAD.__dict__.items(), Traits().__dict__.values(), draws, strict=True)
        }
        found.append(varied(mixed(kinds, shares), Traits(**traits)))
    return found, np.array(nearest)
