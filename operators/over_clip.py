"""What Draw Box and Click Parts share: the mouse over the clip in a 3D viewport that looks through the clip's camera."""

import bpy

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene import subjects_view
from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.subjects_view import PictureInView
from . import reasons, subject_overlay
from .clip_frames import clip_frames, frame_now
from .pressing import can_press
from .subjects import entry_and_subject, redraw_views


def _view_area(context: bpy.types.Context) -> bpy.types.Area | None:
    """The viewport that the button was pressed in, else the largest."""
    if context.area is not None and context.area.type == "VIEW_3D":
        return context.area
    areas = [area for area in context.window.screen.areas if area.type == "VIEW_3D"]
    return max(areas, key=lambda area: area.width * area.height, default=None)


def _region_of(area: bpy.types.Area) -> bpy.types.Region:
    return next(region for region in area.regions if region.type == "WINDOW")


def _fit_beside_sidebar(area: bpy.types.Area) -> None:
    """The whole picture in what the toolbar and the sidebar leave free."""
    main = _region_of(area)
    covers = {region.type: region for region in area.regions if region.type in ("TOOLS", "UI") and region.width > 1}
    left = max(0, covers["TOOLS"].x + covers["TOOLS"].width - main.x) if "TOOLS" in covers else 0
    right = max(0, main.x + main.width - covers["UI"].x) if "UI" in covers else 0
    subjects_view.fit_between(area.spaces.active.region_3d, main.width, left, right)


def _is_over(area: bpy.types.Area, event: bpy.types.Event) -> bool:
    """The pointer is over the view itself, not over the sidebar or a header that lies on it."""

    def inside(region: bpy.types.Region) -> bool:
        return region.x <= event.mouse_x < region.x + region.width and region.y <= event.mouse_y < region.y + region.height

    others = (region for region in area.regions if region.type != "WINDOW" and region.width > 1 and region.height > 1)
    return inside(_region_of(area)) and not any(inside(region) for region in others)


class OverClip:
    """Mix-in: a modal operator over the clip, seen through its camera. It keeps no references to data: undo may take them.

    The operator brings ``gesture`` (what is drawn meanwhile), ``hint`` (words for the status bar), ``heed`` (an event, with the pixel
    of the picture under the pointer) and ``kept`` (how it ends when it is left).
    """

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_drawn(context.scene))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        try:
            self._begin(context)
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.window_manager.modal_handler_add(self)
        context.window.cursor_modal_set("CROSSHAIR")
        self._tell(context)
        return {"RUNNING_MODAL"}

    def _begin(self, context: bpy.types.Context) -> None:
        scene = context.scene
        entry, subject = entry_and_subject(scene)
        clip = clip_frames(entry)
        frame_now(scene, entry)
        area = _view_area(context)
        if area is None:
            raise SceneError("There is no 3D viewport in this window to draw in; open one.")
        if area.spaces.active.region_quadviews:
            raise SceneError("The viewport is split into four; leave Quad View (Ctrl Alt Q) to draw in it.")
        camera = subjects_view.camera_of_clip(scene, entry.take_id)
        if camera is None:
            camera = subjects_view.new_clip_view(scene, entry, clip.files, clip.width, clip.height)
        if subjects_view.look_through(scene, area.spaces.active, camera):
            with context.temp_override(area=area, region=_region_of(area)):
                bpy.ops.view3d.view_center_camera()
            _fit_beside_sidebar(area)
        self._area_pointer = area.as_pointer()
        self._take_id, self._subject, self._clip = entry.take_id, subject.name, clip
        subjects_view.bring_to_front(scene, entry.take_id)
        subject_overlay.begin(self.gesture(context))
        redraw_views(context)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        area = self._area(context)
        if area is None or (event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS"):
            return self._leave(context, self.kept(context))
        picture = self._picture(context, area)
        if picture is None:
            return {"PASS_THROUGH"}  # the viewport looks elsewhere for now
        main = _region_of(area)
        at = picture.pixel(event.mouse_x - main.x, event.mouse_y - main.y)
        try:
            answer = self.heed(context, event, at, picture, _is_over(area, event))
        except RevisionError as error:
            self.report({"WARNING"}, str(error))
            answer = {"RUNNING_MODAL"}
        if event.type in {"MOUSEMOVE", "LEFTMOUSE"} or answer == {"RUNNING_MODAL"}:
            area.tag_redraw()
        return self._leave(context, answer) if answer & {"FINISHED", "CANCELLED"} else answer

    def _area(self, context: bpy.types.Context) -> bpy.types.Area | None:
        """Looked up at every event: the user may have joined or maximised it away, and touching it then would end Blender."""
        areas = context.window.screen.areas if context.window is not None else ()
        return next((area for area in areas if area.as_pointer() == self._area_pointer and area.type == "VIEW_3D"), None)

    def _picture(self, context: bpy.types.Context, area: bpy.types.Area) -> PictureInView | None:
        entry = context.scene.revision.take_of(self._take_id)
        space = area.spaces.active
        if entry is None or space.region_3d.view_perspective != "CAMERA":
            return None
        camera = subjects_view.looked_through(context.scene, space)
        if not subjects_view.shows_clip(camera, self._take_id):
            return None
        width, height = self._clip.size
        return subjects_view.picture_in_view(_region_of(area), space.region_3d, context.scene, camera, width, height)

    def _leave(self, context: bpy.types.Context, answer: set[str]) -> set[str]:
        self._clean(context)
        return answer

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when a file is opened in the middle."""
        self._clean(context)

    def _clean(self, context: bpy.types.Context) -> None:
        subject_overlay.end()
        subjects_view.bring_back(context.scene, self._take_id)
        context.workspace.status_text_set(None)
        if context.window is not None:
            context.window.cursor_modal_restore()
        redraw_views(context)

    def _tell(self, context: bpy.types.Context) -> None:
        context.workspace.status_text_set(self.hint(context))
