"""What the mouse is doing over the clip: a box that is being drawn, clicks that have been set. No Blender data, so that it can be tried out."""

from dataclasses import dataclass, field

from ..revision_blender.motion.subjects import Box
from ..revision_blender.scene.subjects import SMALLEST_BOX

Pixel = tuple[float, float]


@dataclass
class RubberBand:
    """A box from where the button went down to where the pointer is, in pixels of the picture."""

    size: tuple[int, int]
    begin: Pixel | None = None
    end: Pixel | None = None
    at: Pixel | None = None  # the pointer, for the cross before the button goes down

    def move(self, x: float, y: float) -> None:
        self.at = (x, y)
        if self.begin is not None:
            self.end = (x, y)

    def press(self, x: float, y: float) -> None:
        self.at = self.begin = self.end = (x, y)

    @property
    def box(self) -> Box | None:
        """Within the picture; None while there is none to see."""
        if self.begin is None or self.end is None:
            return None
        xs = sorted(min(max(x, 0.0), float(self.size[0])) for x in (self.begin[0], self.end[0]))
        ys = sorted(min(max(y, 0.0), float(self.size[1])) for y in (self.begin[1], self.end[1]))
        return (xs[0], ys[0], xs[1], ys[1])

    def release(self) -> Box | None:
        """The box, or None where it is too small to be meant: the next press begins another."""
        box = self.box
        self.begin = self.end = None
        return box if box is not None and box[2] - box[0] >= SMALLEST_BOX and box[3] - box[1] >= SMALLEST_BOX else None


@dataclass(frozen=True)
class Clicked:
    """A click of this run, to be taken back: where, on which frame, on what, and where that part was before."""

    frame: int
    x: float
    y: float
    part: str
    before: Pixel | None = None


@dataclass
class Clicking:
    """part: what the next click is on."""

    part: str
    at: Pixel | None = None
    done: list[Clicked] = field(default_factory=list)
