"""File > Import > Motion: any motion file becomes an animated rig; several people are picked from a list."""

from collections.abc import Iterator
from pathlib import Path

import bpy
from bpy.props import CollectionProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.motion.files.motion_file import MotionSummary, PersonSummary
from ..revision_blender.motion.files.reading import describe
from . import arrivals, asking, handover
from .arrivals import ImportChoice
from .body_shelf import shelf
from .motion_options import MotionImportOptions
from .person_choice import RevisionPersonChoice, chosen, draw_choices, list_choices
from .session import current

EXTENSIONS = (".npz", ".pkl", ".pt", ".bvh", ".amc", ".npy", ".txt")


class REVISION_OT_import_motion(MotionImportOptions, ImportHelper, bpy.types.Operator):
    """Brings motion from AMASS, SMPL-X, 4D-Humans, PHALP, GVHMR, WHAM, TRAM, BVH, ASF/AMC, DeepMimic or ReVision files in as rigs"""

    bl_idname = "revision.import_motion"
    bl_label = "Import Motion"
    bl_options = {"PRESET"}

    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in EXTENSIONS), options={"HIDDEN"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    people: StringProperty(
        name="People", options={"SKIP_SAVE"}, description="Names of the people to import, separated by commas; empty for everybody"
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """From the menu: the file browser. A file dropped on the window: only the options."""
        return self.invoke_popup(context)

    def draw(self, _context: bpy.types.Context) -> None:
        self.draw_options(self.layout)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """In a window the files come in as jobs, one after another; a script has the motion in the scene when this returns."""
        people = tuple(name.strip() for name in self.people.split(",") if name.strip()) or None
        interactive = self.options.is_invoke and not bpy.app.background
        paths = self._paths()
        if not paths:
            self.report({"ERROR"}, "No motion file is chosen: give its path")
            return {"CANCELLED"}
        for path in paths:
            if interactive and people is None and self._asks_for_people(path):
                continue
            try:
                import_now(context.scene, self.choice(context.scene, path, people), self.report, as_job=interactive)
            except (RevisionError, OSError) as error:
                self.report({"ERROR"}, str(error))
                return {"CANCELLED"}
        return {"FINISHED"}

    def _paths(self) -> list[Path]:
        named = [Path(self.directory) / item.name for item in self.files if item.name]
        return named or ([Path(bpy.path.abspath(self.filepath))] if self.filepath else [])

    def _asks_for_people(self, path: Path) -> bool:
        """Opens the person picker where the file holds several people; what is wrong with a file is said by the import itself."""
        try:
            several = len(describe(path).people) > 1
        except (RevisionError, OSError):
            return False
        if several:
            bpy.ops.revision.import_people("INVOKE_DEFAULT", filepath=str(path), **self.option_values())
        return several


class REVISION_OT_import_people(MotionImportOptions, bpy.types.Operator):
    """Chooses which of the people in a motion file come into the scene"""

    bl_idname = "revision.import_people"
    bl_label = "Import People"
    bl_options = {"INTERNAL"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    people: CollectionProperty(type=RevisionPersonChoice, options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        try:
            summary = describe(Path(self.filepath))
        except (RevisionError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._list(summary)
        return context.window_manager.invoke_props_dialog(
            self, width=380, title=f"{summary.format}: {len(self.people)} Bodies", confirm_text="Import"
        )

    def _list(self, summary: MotionSummary) -> None:
        list_choices(self.people, [(person.track_id, _frames_of(person)) for person in summary.people])

    def draw(self, _context: bpy.types.Context) -> None:
        draw_choices(self.layout.box(), self.people)

    def execute(self, context: bpy.types.Context) -> set[str]:
        people = chosen(self.people)
        if not people:
            self.report({"WARNING"}, "Nobody is chosen, so nothing was imported")
            return {"CANCELLED"}
        try:
            import_now(context.scene, self.choice(context.scene, Path(self.filepath), people), self.report, as_job=not bpy.app.background)
        except (RevisionError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _frames_of(person: PersonSummary) -> str:
    return f"{person.n_frames} frames, {person.first_frame} to {person.first_frame + person.n_frames - 1}"


def import_now(scene: bpy.types.Scene, choice: ImportChoice, report: object, *, as_job: bool) -> None:
    """As a job: returns at once, the bar is in the panel Jobs. Otherwise the motion is in the scene on return. Raises RevisionError."""
    ticket = asking.motion_file(scene, choice.path)
    bodies = shelf()
    if as_job:
        session = current()

        def tell(fraction: float, words: str) -> None:
            ticket.fraction, ticket.words, session.changed = fraction, words, True

        session.begin_own(ticket)
        session.take_result(ticket, lambda: arrivals.read(choice, bodies, tell))
        return
    arrival = arrivals.read(choice, bodies)
    for _words in _with_progress(arrivals.place(scene, arrival, str(ticket.provenance["take"]), ticket.take_id)):
        pass
    report({"INFO"}, arrivals.words_of(arrival))
    handover.remember_for_undo(f"Import {choice.path.name}")


def _with_progress(steps: Iterator[str]) -> Iterator[str]:
    """The number at the pointer goes on while a script imports; without a window there is none."""
    manager = bpy.context.window_manager
    manager.progress_begin(0, 1000)
    try:
        for number, words in enumerate(steps):
            manager.progress_update(number % 1000)
            yield words
    finally:
        manager.progress_end()


class REVISION_FH_motion(bpy.types.FileHandler):
    """A motion file dropped on a viewport, the outliner or a timeline."""

    bl_idname = "REVISION_FH_motion"
    bl_label = "Motion as Rig (ReVision)"
    bl_import_operator = "revision.import_motion"
    bl_file_extensions = ";".join(EXTENSIONS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        area = context.area
        return area is not None and area.type in {"VIEW_3D", "OUTLINER", "DOPESHEET_EDITOR", "GRAPH_EDITOR"}


def _menu(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(REVISION_OT_import_motion.bl_idname, text="Motion as Rig (.npz/.pkl/.pt/.bvh/.amc)")


classes = (REVISION_OT_import_motion, REVISION_OT_import_people, REVISION_FH_motion)
_register_classes, _unregister_classes = bpy.utils.register_classes_factory(classes)


def register() -> None:
    _register_classes()
    bpy.types.TOPBAR_MT_file_import.append(_menu)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(_menu)
    _unregister_classes()
