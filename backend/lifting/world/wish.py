"""What a lift is asked for, checked and in working pixels."""

from dataclasses import dataclass, field, replace

from backend.lifting.providers.registry import Choices
from backend.lifting.world.stopwatch import Stopwatch
from revision_blender.motion.subjects import Prompt


@dataclass(frozen=True, eq=False)
class Wish:
    """fps: frames a second. focal: working pixels, 0 where nobody says it. prompts: frames counted from the first of the frames at hand, working pixels.

    people: find people that are not shown, at most ``most_people``. choices: what does the work, and the sentences that come of it.
    watch: how long it takes.
    """

    fps: float
    focal: float
    prompts: tuple[Prompt, ...]
    people: bool
    most_people: int
    choices: Choices
    watch: Stopwatch = field(default_factory=Stopwatch)

    def within(self, shot: slice) -> "Wish":
        """The wish for one shot: its own prompts, frames counted from its first."""
        inside = (prompt for prompt in self.prompts if shot.start <= prompt.frame < shot.stop)
        return replace(self, prompts=tuple(replace(prompt, frame=prompt.frame - shot.start) for prompt in inside))

    def of_kind(self, *kinds: str) -> tuple[Prompt, ...]:
        return tuple(prompt for prompt in self.prompts if prompt.kind in kinds)

    def note(self, sentence: str) -> None:
        """Said once, at the end of the lift."""
        if sentence not in self.choices.notes:
            self.choices.notes.append(sentence)
