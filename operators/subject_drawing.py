"""Draw Box and Click Parts: the mouse over the clip in the 3D viewport shows the lifter a subject."""

import bpy
from bpy.props import EnumProperty, FloatProperty, FloatVectorProperty

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.motion.subjects import OFF
from ..revision_blender.scene import subjects
from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.properties import CLICKED, RevisionTake
from ..revision_blender.scene.subject_properties import RevisionSubject
from ..revision_blender.scene.subjects_view import PictureInView
from .clip_frames import clip_frames, frame_now
from .over_clip import OverClip
from .subject_gestures import Clicked, Clicking, RubberBand
from .subjects import entry_and_subject, redraw_views

_REACH = 12.0  # pixels of the screen within which a click is meant
_BOX_HINT = "Left mouse, dragged: box around {name}    Middle mouse, wheel: move the view    Esc, right mouse: leave"
_CLICK_HINT = (
    "Left mouse: {part} of {name}    Ctrl: beside it    Tab: next part    X: remove under the pointer    Ctrl Z: take back    "
    "Enter, Esc, right mouse: done"
)


class REVISION_OT_draw_box(OverClip, bpy.types.Operator):
    """Draws a box around the chosen subject on this frame of the clip, with the mouse over the picture"""

    bl_idname = "revision.draw_box"
    bl_label = "Draw Box"
    bl_options = {"REGISTER", "UNDO"}

    box: FloatVectorProperty(name="Box", size=4, options={"SKIP_SAVE"}, description="Left, top, right, bottom in pixels of the picture")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            entry, subject = entry_and_subject(context.scene)
            subjects.set_box(subject, frame_now(context.scene, entry), tuple(self.box), clip_frames(entry).size)
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        redraw_views(context)
        return {"FINISHED"}

    def gesture(self, _context: bpy.types.Context) -> RubberBand:
        self._band = RubberBand(self._clip.size)
        return self._band

    def hint(self, _context: bpy.types.Context) -> str:
        return _BOX_HINT.format(name=self._subject)

    def kept(self, _context: bpy.types.Context) -> set[str]:
        return {"CANCELLED"}

    def heed(
        self, context: bpy.types.Context, event: bpy.types.Event, at: tuple[float, float], _picture: PictureInView, over: bool
    ) -> set[str]:
        if event.type == "MOUSEMOVE":
            self._band.move(*at)
            return {"RUNNING_MODAL"} if self._band.begin is not None else {"PASS_THROUGH"}
        if event.type == "LEFTMOUSE" and event.value == "PRESS" and over:
            self._band.press(*at)
            return {"RUNNING_MODAL"}
        if event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._band.begin is not None:
            self._band.move(*at)
            box = self._band.release()
            if box is None:
                return {"RUNNING_MODAL"}
            self.box = box
            return self.execute(context)
        return {"PASS_THROUGH"}


class REVISION_OT_click_parts(OverClip, bpy.types.Operator):
    """Clicks on the chosen subject on this frame of the clip: places on it, or an animal's nose, tail and paws one after another"""

    bl_idname = "revision.click_parts"
    bl_label = "Click Parts"
    bl_options = {"UNDO"}  # not REGISTER: many clicks are no one setting that could be adjusted afterwards

    x: FloatProperty(name="X", options={"SKIP_SAVE"}, description="Pixels from the picture's left")
    y: FloatProperty(name="Y", options={"SKIP_SAVE"}, description="Pixels from the picture's top")
    part: EnumProperty(name="Part", items=CLICKED, default="on", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """One click, for scripts."""
        try:
            entry, subject = entry_and_subject(context.scene)
            subjects.add_click(subject, frame_now(context.scene, entry), self.x, self.y, self.part, clip_frames(entry).size)
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        redraw_views(context)
        return {"FINISHED"}

    def gesture(self, context: bpy.types.Context) -> Clicking:
        self._clicking = Clicking("")
        self._choose_next(context)
        return self._clicking

    def hint(self, context: bpy.types.Context) -> str:
        part = context.scene.revision.click_part
        return _CLICK_HINT.format(part="a place" if part == "on" else part.replace("_", " "), name=self._subject)

    def kept(self, _context: bpy.types.Context) -> set[str]:
        return {"FINISHED"} if self._clicking.done else {"CANCELLED"}

    def heed(
        self, context: bpy.types.Context, event: bpy.types.Event, at: tuple[float, float], picture: PictureInView, over: bool
    ) -> set[str]:
        self._clicking.at, self._clicking.part = at, context.scene.revision.click_part
        if event.type == "MOUSEMOVE":
            return {"PASS_THROUGH"}
        if event.value != "PRESS" or not over:
            return {"PASS_THROUGH"}
        match event.type:
            case "LEFTMOUSE":
                self._click(context, at, OFF if event.ctrl else self._clicking.part)
            case "TAB":
                self._turn(context, -1 if event.shift else 1)
            case "X" | "DEL":
                entry, subject = self._find(context)
                subjects.remove_click(subject, frame_now(context.scene, entry), *at, _REACH / picture.across)
            case "BACK_SPACE":
                self._take_back(context)
            case "Z" if event.ctrl:
                self._take_back(context)
            case "RET" | "NUMPAD_ENTER":
                return self.kept(context)
            case _:
                return {"PASS_THROUGH"}
        self._tell(context)
        return {"RUNNING_MODAL"}

    def _find(self, context: bpy.types.Context) -> tuple[RevisionTake, RevisionSubject]:
        entry = context.scene.revision.take_of(self._take_id)
        if entry is None:
            raise SceneError("The take is no longer in the scene; press Esc.")
        return entry, subjects.find(entry, self._subject)

    def _click(self, context: bpy.types.Context, at: tuple[float, float], part: str) -> None:
        entry, subject = self._find(context)
        frame = frame_now(context.scene, entry)
        shown = subjects.shown_at(subject, frame)
        before = next(
            ((click.x, click.y) for click in (shown.clicks if shown else ()) if click.part == part and part not in ("on", OFF)), None
        )
        subjects.add_click(subject, frame, *at, part, self._clip.size)
        self._clicking.done.append(Clicked(frame, *at, part, before))
        if part != OFF:
            self._choose_next(context)

    def _take_back(self, context: bpy.types.Context) -> None:
        """The last click of this run."""
        if not self._clicking.done:
            return
        last = self._clicking.done.pop()
        _entry, subject = self._find(context)
        subjects.remove_click(subject, last.frame, last.x, last.y, 0.01)
        if last.before is not None:
            subjects.add_click(subject, last.frame, *last.before, last.part, self._clip.size)
        context.scene.revision.click_part = last.part if last.part != OFF else self._clicking.part

    def _turn(self, context: bpy.types.Context, step: int) -> None:
        names = [name for name, _title, _words in CLICKED]
        _entry, subject = self._find(context)
        names = names if subject.kind == "animal" else names[:2]
        settings = context.scene.revision
        place = names.index(settings.click_part) if settings.click_part in names else -step
        settings.click_part = names[(place + step) % len(names)]

    def _choose_next(self, context: bpy.types.Context) -> None:
        """An animal's parts come one after another; other subjects are clicked wherever they are."""
        entry, subject = self._find(context)
        settings = context.scene.revision
        if subject.kind == "animal":
            settings.click_part = subjects.next_part(subject, frame_now(context.scene, entry))
        elif settings.click_part not in ("on", OFF):
            settings.click_part = "on"
        self._clicking.part = settings.click_part


classes = (REVISION_OT_draw_box, REVISION_OT_click_parts)
register, unregister = bpy.utils.register_classes_factory(classes)
