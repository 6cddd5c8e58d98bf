"""Render Part Masks: Blender's own pass, a frame at a time under a progress bar; or the backend's."""

from collections.abc import Iterator

import bpy
import numpy as np

from ..revision_blender.masks.codes import Codes, labels_of, tracks_of
from ..revision_blender.masks.confidence import confidence_maps
from ..revision_blender.motion.clip import Clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene.part_masks.mask_pass import render_codes
from ..revision_blender.wire.requests import MasksResult
from . import asking, pump, reasons
from .pressing import can_press, submit
from .session import current
from .tickets import Ticket

_TICK = 0.01  # seconds between two frames of the pass: the window stays alive


class REVISION_OT_render_masks(bpy.types.Operator):
    """Renders which part of the body is where, for each frame of the clip; Esc stops"""

    bl_idname = "revision.render_masks"
    bl_label = "Render Part Masks"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_masks(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """To the end at once: for scripts and Blender without a window."""
        if context.scene.revision.mask_method == "backend":
            return submit(self, context.scene, asking.masks_by_backend)
        try:
            self._begin(context)
            while self._step():
                pass
        except RevisionError as error:
            return self._failed(error)
        return self._finished()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if bpy.app.background or context.window is None or context.scene.revision.mask_method == "backend":
            return self.execute(context)
        try:
            self._begin(context)
        except RevisionError as error:
            return self._failed(error)
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Nothing else is let through: an edit in the middle of the pass would show in half of the masks."""
        if event.type == "ESC":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            if self._step():
                pump.redraw_sidebars()
                return {"RUNNING_MODAL"}
        except RevisionError as error:
            self._end_timer(context)
            return self._failed(error)
        self._end_timer(context)
        return self._finished()

    def cancel(self, context: bpy.types.Context) -> None:
        """Also called by Blender when a file is opened in the middle."""
        self._end_timer(context)
        self._frames.close()
        current().end_own(self._ticket, "CANCELLED")

    def _begin(self, context: bpy.types.Context) -> None:
        ticket, clip = asking.masks(context.scene)
        _entry, take = asking.filmed(context.scene)
        self._ticket: Ticket = ticket
        self._clip: Clip = clip
        self._frames: Iterator[Codes] = render_codes(context.scene, take, context.scene.revision.mask_method)
        self._done: list[Codes] = []
        current().begin_own(ticket)

    def _step(self) -> bool:
        """One frame; False when there are no more."""
        frame = next(self._frames, None)
        if frame is None:
            return False
        self._done.append(frame)
        self._ticket.fraction = len(self._done) / self._clip.n_frames
        self._ticket.words = f"frame {len(self._done)} of {self._clip.n_frames}"
        return True

    def _finished(self) -> set[str]:
        codes, clip = np.stack(self._done), self._clip
        current().take_result(self._ticket, lambda: _result(codes, clip))
        return {"FINISHED"}

    def _failed(self, error: RevisionError) -> set[str]:
        self.report({"ERROR"}, str(error))
        if hasattr(self, "_ticket"):
            current().end_own(self._ticket, "FAILED", str(error))
        return {"CANCELLED"}

    def _end_timer(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)


def _result(codes: Codes, clip: Clip) -> MasksResult:
    labels = labels_of(codes)
    return MasksResult(labels, confidence_maps(labels, clip, tracks=tracks_of(codes)))


classes = (REVISION_OT_render_masks,)
register, unregister = bpy.utils.register_classes_factory(classes)
