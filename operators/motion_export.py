"""File > Export > Motion: a take's motion as it stands, edits and constraints included, for other tools."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ..revision_blender.motion.clip import Clip
from ..revision_blender.motion.clip_file import save_clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.motion.files.amass_out import write_amass
from ..revision_blender.motion.files.bvh_out import write_bvh
from ..revision_blender.scene.capture import capture_clip
from ..revision_blender.scene.take import Take, find_take, find_takes
from .body_shelf import shelf

FORMATS = (
    ("CLIP", "ReVision Clip (.npz)", "Everything: all people and objects, camera and ground"),
    ("AMASS", "AMASS (.npz)", "One person, z up, read by SMPL tools and the SMPL-X add-on"),
    ("BVH", "BVH (.bvh)", "One skeleton, read by most animation tools"),
    ("FBX", "FBX (.fbx)", "Rigs and meshes, for game engines"),
    ("ABC", "Alembic (.abc)", "Meshes as they deform, correctives included"),
    ("USD", "USD (.usdc)", "Meshes as they deform, correctives included"),
)
_ENDINGS = {"CLIP": ".npz", "AMASS": ".npz", "BVH": ".bvh", "FBX": ".fbx", "ABC": ".abc", "USD": ".usdc"}


def _takes(_owner: object, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    global _take_items  # noqa: PLW0603 -- Blender keeps no reference to the strings of an enumeration that is made anew at each redraw
    _take_items = [(take.take_id, take.collection_name, "") for take in find_takes(context.scene)] or [("NONE", "No Take", "")]
    return _take_items


def _people(self: "REVISION_OT_export_motion", context: bpy.types.Context) -> list[tuple[str, str, str]]:
    global _people_items  # noqa: PLW0603 -- as above
    take = find_take(context.scene, self.take)
    _people_items = [(track_id, track_id, "") for track_id, _rig, _mesh in take.bodies] if take is not None else []
    _people_items = _people_items or [("NONE", "Nobody", "")]
    return _people_items


_take_items: list[tuple[str, str, str]] = []
_people_items: list[tuple[str, str, str]] = []


class REVISION_OT_export_motion(ExportHelper, bpy.types.Operator):
    """Writes a take's motion as it stands, hand edits and constraints included"""

    bl_idname = "revision.export_motion"
    bl_label = "Export Motion"
    bl_options = {"PRESET"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz;*.bvh;*.fbx;*.abc;*.usdc", options={"HIDDEN"})
    format: EnumProperty(name="Format", items=FORMATS, default="CLIP", update=lambda self, _context: _name_again(self))
    take: EnumProperty(name="Take", items=_takes, options={"SKIP_SAVE"})
    person: EnumProperty(name="Person", items=_people, options={"SKIP_SAVE"})
    own_body: BoolProperty(
        name="For the File's Own Body",
        default=True,
        description="Where a body stands in for one that is not on the shelf: write the motion for that one, with its shape",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if find_takes(context.scene):
            return True
        cls.poll_message_set("There is no take in this scene: import a motion or lift a clip first")
        return False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        chosen = context.scene.revision.take()
        if chosen is not None and find_take(context.scene, chosen.take_id) is not None:
            self.take = chosen.take_id
        return super().invoke(context, event)

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "format")
        layout.prop(self, "take")
        if self.format in ("AMASS", "BVH"):
            layout.prop(self, "person")
        if self.format in ("AMASS", "CLIP"):
            layout.prop(self, "own_body")

    def check(self, _context: bpy.types.Context) -> bool:
        before = self.filepath
        _name_again(self)
        return before != self.filepath

    def execute(self, context: bpy.types.Context) -> set[str]:
        _name_again(self)
        take = find_take(context.scene, self.take) or next(iter(find_takes(context.scene)), None)
        if take is None:
            self.report({"ERROR"}, "The take is no longer in this scene")
            return {"CANCELLED"}
        try:
            words = export(context.scene, take, self.format, Path(bpy.path.abspath(self.filepath)), self.person, own_body=self.own_body)
        except (RevisionError, OSError, RuntimeError) as error:
            self.report({"ERROR"}, str(error).strip())
            return {"CANCELLED"}
        self.report({"INFO"}, words)
        return {"FINISHED"}


def _name_again(options: bpy.types.OperatorProperties) -> None:
    """The name's ending follows the format; also called by Blender, which then knows nothing of the operator's methods."""
    if options.filepath and Path(options.filepath).suffix.lower() in {"", *_ENDINGS.values()}:
        options.filepath = str(Path(options.filepath).with_suffix(_ENDINGS[options.format]))


def export(scene: bpy.types.Scene, take: Take, kind: str, path: Path, person: str, *, own_body: bool) -> str:
    """Writes the take and says what was written. Raises RevisionError or OSError, and RuntimeError from Blender's exporters."""
    if kind in _EXPORTERS:
        with _selected(scene, take):
            _EXPORTERS[kind](path, scene, take)
        return f"Wrote {path.name}: {len(take.bodies)} rigs with their meshes"
    clip = capture_clip(scene, take, own_bodies=own_body)
    if kind == "CLIP":
        save_clip(path, clip)
        return f"Wrote {path.name}: {len(clip.tracks)} tracks, {clip.n_frames} frames at {clip.fps:g} a second"
    track_id = person if any(track.track_id == person for track in clip.bodies) else _only(clip)
    if kind == "AMASS":
        write_amass(path, clip, track_id, shelf())
    else:
        write_bvh(path, clip, track_id, shelf())
    return f"Wrote {path.name}: {track_id}, {clip.n_frames} frames at {clip.fps:g} a second"


def _only(clip: Clip) -> str:
    if not clip.bodies:
        raise RevisionError("This take has no person or animal; export it as a ReVision clip")
    return clip.bodies[0].track_id


@contextmanager
def _selected(scene: bpy.types.Scene, take: Take) -> Iterator[None]:
    """The take's rigs and meshes selected for Blender's exporters; the user's selection comes back."""
    layer = bpy.context.view_layer
    before, active = [thing for thing in layer.objects if thing.select_get()], layer.objects.active
    names = {name for _track, rig, mesh in take.bodies for name in (rig, mesh)}
    try:
        for thing in layer.objects:
            thing.select_set(thing.name in names)
        yield
    finally:
        for thing in layer.objects:
            thing.select_set(thing in before)
        layer.objects.active = active


def _range(scene: bpy.types.Scene, take: Take) -> tuple[int, int]:
    frames = take.scene_frames(scene)
    return int(frames[0] // 1), int(-(-frames[-1] // 1))


@contextmanager
def _range_of(scene: bpy.types.Scene, take: Take) -> Iterator[None]:
    """The scene's frame range is the take's, for exporters that ask for no range of their own."""
    before = scene.frame_start, scene.frame_end
    try:
        scene.frame_start, scene.frame_end = _range(scene, take)
        yield
    finally:
        scene.frame_start, scene.frame_end = before


def _fbx(path: Path, scene: bpy.types.Scene, take: Take) -> None:
    with _range_of(scene, take):
        bpy.ops.export_scene.fbx(
            filepath=str(path), use_selection=True, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False, use_armature_deform_only=True,
            bake_anim=True, bake_anim_use_all_bones=True, bake_anim_use_nla_strips=False, bake_anim_use_all_actions=False,
            bake_anim_force_startend_keying=True, bake_anim_simplify_factor=0.0,
        )  # fmt: skip


def _alembic(path: Path, scene: bpy.types.Scene, take: Take) -> None:
    first, last = _range(scene, take)
    bpy.ops.wm.alembic_export(filepath=str(path), start=first, end=last, selected=True, as_background_job=False)


def _usd(path: Path, scene: bpy.types.Scene, take: Take) -> None:
    """As meshes a frame: UsdSkel as Blender 5.2 writes it is off by millimetres on a body with driven shape keys."""
    with _range_of(scene, take):
        bpy.ops.wm.usd_export(
            filepath=str(path), selected_objects_only=True, export_animation=True, export_armatures=False, export_shapekeys=False,
            export_custom_properties=False,
        )  # fmt: skip


_EXPORTERS: dict[str, Callable[[Path, bpy.types.Scene, Take], None]] = {"FBX": _fbx, "ABC": _alembic, "USD": _usd}


def _menu(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(REVISION_OT_export_motion.bl_idname, text="ReVision Motion (.npz/.bvh/.fbx/.abc/.usdc)")


classes = (REVISION_OT_export_motion,)
_register_classes, _unregister_classes = bpy.utils.register_classes_factory(classes)


def register() -> None:
    _register_classes()
    bpy.types.TOPBAR_MT_file_export.append(_menu)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_export.remove(_menu)
    _unregister_classes()
