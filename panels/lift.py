"""The panel Lift: what is looked for in the clip, and what the user shows of it."""

import bpy

from ..operators import reasons
from ..operators.clip_frames import known_frames
from ..operators.person_choice import chosen, draw_choices
from ..operators.session import current
from ..revision_blender.scene import subjects
from ..revision_blender.scene.camera import focal_of
from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.lifted_tracks import track_rows
from ..revision_blender.scene.lifted_tracks_build import is_part_of
from ..revision_blender.scene.properties import RevisionSettings, RevisionTake
from ..revision_blender.scene.subject_properties import KINDS, RevisionSubject
from ..revision_blender.scene.take import find_take
from .base import SidebarPanel, button, settings_column, under_way
from .wording import sentences

ICONS = {kind: icon for kind, _title, _words, icon, _number in KINDS}
_FRAMES_TOLD = 3
_ROWS = 3

_lifted: dict[str, tuple[str, ...]] = {}  # by take, which tracks it has: read once a redraw, for every row


class REVISION_PT_lift(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_lift"
    bl_label = "Lift"
    bl_order = 3

    def draw(self, context: bpy.types.Context) -> None:
        settings: RevisionSettings = context.scene.revision
        column = settings_column(self.layout)
        if len(settings.takes) > 1:
            column.prop_search(settings, "take_name", settings, "takes", icon="ARMATURE_DATA")
        elif settings.takes:
            column.label(text=f"Take: {settings.takes[0].name}", icon="ARMATURE_DATA")
        column.prop(settings, "focal")
        _draw_focal_hint(column, context.scene)
        row = column.row(heading="Find People")
        row.prop(settings, "find_people", text="")
        part = row.row()
        part.enabled = settings.find_people
        part.prop(settings, "most_people", text="At Most")
        column.prop(settings, "choose_found")
        entry = settings.take()
        if entry is not None and entry.frames:
            _draw_subjects(self.layout, context.scene, entry)
        button(self.layout, "revision.lift", reasons.why_not_lift(context.scene), icon="ARMATURE_DATA")
        if not _draw_found(self.layout, context):
            under_way(self.layout, context.scene, "lift")


def _draw_focal_hint(column: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """What 0 stands for, and what became of it in the take that is there."""
    settings: RevisionSettings = scene.revision
    entry = settings.take()
    take = find_take(scene, entry.take_id) if entry is not None and settings.focal == 0.0 else None
    camera = bpy.data.objects.get(take.camera_name) if take is not None else None
    words = "pixels" if settings.focal else "pixels; 0: not known"
    if take is not None and camera is not None and take.camera_given:
        words = f"pixels; 0: not known, {focal_of(camera.data, take.width, take.height):.0f} taken"
    row = column.row()
    row.alignment = "RIGHT"
    row.label(text=words)


def _draw_found(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """What a lift has found and waits for, where the user wants to choose who comes; whether there is one."""
    waiting = current().found.first
    if waiting is None or waiting.ticket.scene_uid != context.scene.session_uid:
        return False
    choices = context.window_manager.revision_found
    box = layout.box()
    box.label(text="Found: Who Comes Into the Scene?", icon="COMMUNITY")
    draw_choices(box, choices)
    box.operator("revision.place_found", text=f"Place {len(chosen(choices))} of {len(choices)}", icon="IMPORT")
    return True


def _draw_subjects(layout: bpy.types.UILayout, scene: bpy.types.Scene, entry: RevisionTake) -> None:
    """The list, its buttons beside it, and what can be done with the chosen one."""
    take = find_take(scene, entry.take_id)
    _lifted.clear()
    if take is not None:
        _lifted[entry.take_id] = tuple(row.track_id for row in track_rows(take))
    row = layout.row()
    row.template_list("REVISION_UL_subjects", "", entry, "subjects", entry, "subject_index", rows=_ROWS)
    column = row.column(align=True)
    for kind, _title, _words, icon, _number in KINDS:
        column.operator("revision.add_subject", text="", icon=icon).kind = kind
    column.operator("revision.remove_subject", text="", icon="REMOVE")
    if not len(entry.subjects):
        sentences(layout, "Show animals and things here, and people who are not found", icon="INFO")
        return
    subject = subjects.chosen(entry)
    if subject is not None:
        _draw_chosen(layout, scene, entry, subject)


def _draw_chosen(layout: bpy.types.UILayout, scene: bpy.types.Scene, entry: RevisionTake, subject: RevisionSubject) -> None:
    column = settings_column(layout)
    column.prop(subject, "kind")
    if subject.kind != "person":
        column.prop(subject, "label")
    row = layout.row(align=True)
    row.operator("revision.draw_box", icon="SELECT_SET")
    row.operator("revision.click_parts", icon="RESTRICT_SELECT_OFF")
    settings_column(layout).prop(scene.revision, "click_part", text="Click On")
    row = layout.row(align=True)
    row.operator("revision.go_to_shown", text="", icon="PREV_KEYFRAME").step = -1
    row.operator("revision.go_to_shown", text="", icon="NEXT_KEYFRAME").step = 1
    row.operator("revision.forget_shown", text="Clear Frame", icon="X")
    row.prop(scene.revision, "show_subjects", text="", icon="HIDE_OFF" if scene.revision.show_subjects else "HIDE_ON")
    sentences(layout, _words_of_frame(scene, entry, subject), icon="BLANK1")
    if entry.take_id in _lifted and not _is_found(entry, subject):  # what is there has its button in Tracks
        layout.operator("revision.lift_again", text=f"Lift {subject.name} Too", icon="FILE_REFRESH").track = subject.name


def _words_of_frame(scene: bpy.types.Scene, entry: RevisionTake, subject: RevisionSubject) -> str:
    """What is shown of a subject where the playhead is."""
    clip = known_frames(entry)
    try:
        frame = subjects.clip_frame(scene, entry, len(clip.files) if clip is not None else 0)
    except SceneError:
        return "This frame is outside the clip"
    shown = subjects.shown_at(subject, frame)
    if shown is None:
        return "Nothing is shown on this frame"
    clicks = len(shown.clicks)
    told = ["a box"] * shown.has_box + [f"{clicks} {'click' if clicks == 1 else 'clicks'}"] * bool(clicks)
    return f"On this frame: {' and '.join(told)}"


class REVISION_UL_subjects(bpy.types.UIList):
    """Kind, name, the frames on which it is shown, and whether it was found."""

    bl_idname = "REVISION_UL_subjects"

    def draw_item(self, context, layout, data, item, _icon, _active_data, _active_property, _index=0, _filter=0) -> None:  # noqa: ANN001
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon=ICONS[item.kind])
        part = row.row()
        part.alignment = "RIGHT"
        part.label(text=shown_words(context.scene, data, item))
        if data.take_id in _lifted:
            part.label(text="", icon="CHECKMARK" if _is_found(data, item) else "QUESTION")


def _is_found(entry: RevisionTake, subject: RevisionSubject) -> bool:
    """Whether the lifted take has a track of it."""
    return any(is_part_of(track, subject.name) for track in _lifted.get(entry.take_id, ()))


def shown_words(scene: bpy.types.Scene, entry: RevisionTake, subject: RevisionSubject) -> str:
    """The scene frames on which it is shown: "1, 13 …"."""
    frames = [subjects.scene_frame(scene, entry, shown.frame) for shown in subject.shown]
    if not frames:
        return "not shown"
    return ", ".join(map(str, frames[:_FRAMES_TOLD])) + (" …" if len(frames) > _FRAMES_TOLD else "")


classes = (REVISION_UL_subjects, REVISION_PT_lift)
register, unregister = bpy.utils.register_classes_factory(classes)
