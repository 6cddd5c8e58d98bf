"""Where names over a picture stand so that none lies on another."""

from collections.abc import Sequence

Plate = tuple[float, float, float, float]  # left, bottom, right, top, y up


def drops(plates: Sequence[Plate], free: Sequence[Plate] = ()) -> list[float]:
    """How far down each plate goes from where it would stand: those further up stay, the others go below what they would cover.

    free: what no plate may cover.
    """
    down, placed = [0.0] * len(plates), list(free)
    for index in sorted(range(len(plates)), key=lambda index: -plates[index][3]):
        plate = plates[index]
        while (over := next((other for other in placed if _meet(plate, other)), None)) is not None:
            lower = plate[3] - over[1]
            plate = (plate[0], plate[1] - lower, plate[2], plate[3] - lower)
        placed.append(plate)
        down[index] = plates[index][1] - plate[1]
    return down


def _meet(one: Plate, other: Plate) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
