"""What the extension keeps in a scene: the settings of the sidebar, the takes made so far, the jobs under way.

Saved with the .blend, so that a job outlives Blender. Progress is not kept here: writing a scene property redraws every
editor, so what changes ten times a second lives in the session (``operators/session.py``).
"""

from collections.abc import Callable

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..motion.subjects import OFF, ON, PARTS
from ..video_model.follow_slider import HALF_FOLLOW
from ..video_model.following import PUBLISHED_DEPTHS
from ..video_model.names import BUNDLED, PUBLISHED
from ..video_model.presets import DEFAULT_PRESET, PRESETS
from . import subject_properties
from .subject_properties import RevisionSubject

SOURCES = (
    ("PICTURE", "Picture", "The video starts with one picture; the backend makes the coarse clip"),
    ("FOOTAGE", "Own Footage", "Your own video takes the place of the coarse clip"),
)
ENGINES = (
    ("reproject", "Reproject", "Moves the picture's own pixels on the lifted body; bundled, runs on every machine"),
    ("svd", "Video Model", "Stable Video Diffusion and models trained from it; the full-sized ones want a GPU"),
)
OWN_FOLDER = "folder"
MODELS = (
    (BUNDLED, "Small (Bundled)", "The project's own small model: runs on every machine, makes small and simple clips"),
    (PUBLISHED[0], "SVD XT 1.1", f"{PUBLISHED[0]}: downloaded once, after you accepted its licence; wants a GPU"),
    (PUBLISHED[1], "SVD XT", f"{PUBLISHED[1]}: downloaded once, after you accepted its licence; wants a GPU"),
    (OWN_FOLDER, "Own Folder", "A model on your disk, in diffusers layout: downloaded by yourself, or trained"),
)
FOLLOW_MODES = (
    ("auto", "Automatic", "Part masks where the model was trained to read them, else dual clock"),
    ("conditioned", "Part Masks", "The model reads the part masks; only models trained for it can"),
    (
        "dual-clock",
        "Dual Clock",
        "Every model can: the bodies are held to the moved picture of the engine Reproject until far into the denoising",
    ),
)
REFINE_METHODS = (
    ("prior", "Motion Prior", "The trained model of how people, animals and things move; takes words, motion strength and pinned places"),
    ("optimisation", "Optimisation", "Smooth motion with feet that stand, without any training; knows the bundled person only"),
)
MASK_METHODS = (
    ("auto", "Automatic", "The graphics card where Blender has one, else Cycles"),
    ("gpu", "Graphics Card", "Drawn into an integer buffer; scene objects occlude"),
    ("cycles", "Cycles", "One sample a pixel; slower, works without a window; scene objects occlude"),
    ("backend", "Backend", "The backend's own rasteriser; scene objects do not occlude"),
)
PROVIDER_KINDS = ("detection", "tracking", "segmentation", "depth", "people", "keypoints", "hands", "animals", "camera")
_PART_WORDS = {ON: "A place on the subject", OFF: "A place beside the subject, which does not belong to it"}
CLICKED = tuple((part, part.replace("_", " ").title(), _PART_WORDS.get(part, "Left and right are the animal's own")) for part in PARTS)
_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"}
STATUSES = (
    ("WAITING", "Waiting", "Not at the backend yet"),
    ("RUNNING", "Running", "The backend has it"),
    ("PLACING", "Placing", "The result is being fetched and put into the scene"),
    ("DONE", "Done", "The result is in the scene"),
    ("FAILED", "Failed", "It ended with an error"),
    ("CANCELLED", "Cancelled", "It was cancelled"),
)


class RevisionTake(bpy.types.PropertyGroup):
    """One motion from its first picture on. Folders and files are blend-relative where the .blend has a folder."""

    take_id: StringProperty(description="Names the take in strips, collections and result folders")
    picture: StringProperty(description="The picture that the clip starts with; empty for footage")
    frames: StringProperty(description="The coarse clip or footage, one PNG a frame")
    fps: FloatProperty(default=12.0)
    final_fps: FloatProperty(default=0.0, description="Rate of the final video; 0: the coarse clip's own")
    start_frame: FloatProperty(default=1.0, description="Scene frame at which the clip starts")
    prompt: StringProperty()
    lift: StringProperty(description="The clip as it was lifted (.npz)")
    masks: StringProperty(description="The part masks, one PNG of labels a frame")
    masks_motion: StringProperty(description="The motion that the masks were rendered from (.npz)")
    subjects: CollectionProperty(type=RevisionSubject, description="What the user shows of the clip")
    subject_index: IntProperty(name="Subject", description="Which one boxes and clicks are drawn for")


class RevisionJob(bpy.types.PropertyGroup):
    """One piece of work at the backend, and what is to be done with its result."""

    job_id: StringProperty()
    kind: StringProperty(description="coarse, decode, lift, refine, masks or fine")
    take_id: StringProperty(description="The take that the result belongs to")
    title: StringProperty()
    status: EnumProperty(items=STATUSES, default="WAITING")
    message: StringProperty(description="Why it failed, in the backend's words")
    provenance: StringProperty(description="The settings it was made with, as JSON")


def _suggestions(kind: str) -> Callable[["RevisionProviders", bpy.types.Context, str], list[str]]:
    def search(_settings: "RevisionProviders", _context: bpy.types.Context, _typed: str) -> list[str]:
        return list(provider_names.get(kind, ()))

    return search


def _choice_of(kind: str) -> object:
    words = f"Who does the {kind}; empty: chosen for this machine"
    return StringProperty(name=kind.title(), description=words, search=_suggestions(kind), search_options={"SUGGESTION"})


class RevisionProviders(bpy.types.PropertyGroup):
    """The user's choice for each kind of work in a lift, by name; empty: chosen for the machine."""

    __annotations__ = {kind: _choice_of(kind) for kind in PROVIDER_KINDS}


provider_names: dict[str, tuple[str, ...]] = {}  # by kind, filled by whoever has asked the backend; only suggestions


class RevisionSettings(bpy.types.PropertyGroup):
    """``scene.revision``."""

    source: EnumProperty(name="Source", items=SOURCES, default="PICTURE")
    picture: StringProperty(name="Picture", subtype="FILE_PATH", options=_RELATIVE, description="The first frame of the video")
    footage: StringProperty(name="Footage", subtype="FILE_PATH", options=_RELATIVE, description="A video file to take the motion from")
    footage_start: IntProperty(name="First Frame", min=0, default=0, description="Where in the footage the clip starts")
    footage_stride: IntProperty(name="Every", min=1, max=60, default=2, description="Take every n-th frame of the footage")
    prompt: StringProperty(name="Prompt", description="What happens, in words: walk, run, jump, kick, wave, turn, throw")
    strength: FloatProperty(name="Motion", min=0.0, max=1.0, default=0.7, subtype="FACTOR", description="How strong the motion is")
    frames: IntProperty(name="Frames", min=2, max=250, default=24, description="How many frames the clip has")
    fps: FloatProperty(name="Rate", min=1.0, max=120.0, default=12.0, precision=2, description="Frames a second of the clip")
    seed: IntProperty(name="Seed", min=0, default=42, description="The same seed makes the same clip")
    engine: EnumProperty(name="Engine", items=ENGINES, default="reproject")
    model_choice: EnumProperty(name="Model", items=MODELS, default=BUNDLED, description="The video model that the engine runs")
    model_folder: StringProperty(
        name="Folder",
        subtype="DIR_PATH",
        options=_RELATIVE,
        description="The model's folder in diffusers layout (with unet, vae, scheduler)",
    )
    preset: EnumProperty(
        name="Preset",
        items=[(preset.name, preset.name.title(), preset.words) for preset in PRESETS],
        default=DEFAULT_PRESET,
        description="What is given up for speed",
    )
    follow_mode: EnumProperty(name="Follows", items=FOLLOW_MODES, default="auto", description="What the final video takes its motion from")
    follow: FloatProperty(
        name="Follow",
        min=0.0,
        max=1.0,
        default=HALF_FOLLOW,
        subtype="FACTOR",
        description="How closely the bodies keep to the moved picture: to the left the model makes its own motion, to the right looks suffer",
    )
    own_depths: BoolProperty(name="Own Depths", description="Set the two noise levels by hand, in place of the slider Follow")
    sigma_weak: FloatProperty(
        name="Begins At",
        min=0.0,
        soft_max=700.0,
        default=PUBLISHED_DEPTHS.weak,
        precision=2,
        description="Noise level at which denoising begins: less leaves the background less freedom",
    )
    sigma_strong: FloatProperty(
        name="Held Down To",
        min=0.0,
        soft_max=700.0,
        default=PUBLISHED_DEPTHS.strong,
        precision=2,
        description="Noise level down to which the bodies are held to the moved picture: less holds them for longer",
    )
    aim_at_pose: BoolProperty(
        name="Aim at the rig's pose in the last frame", description="The clip ends in the pose that the take's rig has at its last frame"
    )
    focal: FloatProperty(
        name="Focal Length",
        min=0.0,
        default=0.0,
        precision=1,
        description="Of the picture, in pixels; 0: not known, it is read from the file, estimated from the camera's turn, or assumed",
    )
    find_people: BoolProperty(name="Find People", default=True, description="People are found without being shown")
    most_people: IntProperty(name="At Most", min=1, max=32, default=8, description="How many people are looked for")
    choose_found: BoolProperty(
        name="Choose Who Comes", description="Where several people or animals are found, ask which of them come into the scene"
    )
    click_part: EnumProperty(name="Part", items=CLICKED, default=ON, description="What the next click is on")
    show_subjects: BoolProperty(
        name="Show Boxes and Clicks", default=True, description="Draw what is shown of the subjects on this frame over the clip"
    )
    track_name: StringProperty(name="Track", description="The track that the buttons below the list work on")
    providers: PointerProperty(type=RevisionProviders)
    refine_method: EnumProperty(name="Method", items=REFINE_METHODS, default="prior", description="What makes the motion plausible")
    refine_strength: FloatProperty(
        name="Correction", min=0.0, max=1.0, default=1.0, subtype="FACTOR", description="How far the motion may leave the one it is now"
    )
    refine_auto: BoolProperty(name="Automatic", default=True, description="As much motion as the take itself suggests")
    refine_motion: FloatProperty(
        name="Motion",
        min=0.0,
        max=1.0,
        default=0.5,
        subtype="FACTOR",
        description="How much motion: 0 is as still, 1 as lively as anything that the prior has learnt from",
    )
    refine_words: StringProperty(name="Words", description="What is done, in words: walk, dance, throw. Empty: the take's own prompt")
    refine_polish: BoolProperty(
        name="Polish",
        default=True,
        description="Afterwards solve for feet that stand still on the floor, and for joints within their limits",
    )
    refine_first: BoolProperty(name="First Frame", description="Keep the take's first frame exactly as it is")
    refine_last: BoolProperty(
        name="Last Frame", description="Keep the take's last frame exactly as it is: the pose that the motion ends in"
    )
    mask_method: EnumProperty(name="Drawn By", items=MASK_METHODS, default="auto")
    take_name: StringProperty(name="Take", description="The take that Lift, Refine, Part Masks and Generate Fine work on")
    takes: CollectionProperty(type=RevisionTake)
    jobs: CollectionProperty(type=RevisionJob)

    def take(self) -> RevisionTake | None:
        """The take that the buttons work on: the chosen one, else the newest."""
        chosen = self.takes.get(self.take_name)
        return chosen or (self.takes[-1] if self.takes else None)

    def take_of(self, take_id: str) -> RevisionTake | None:
        return next((take for take in self.takes if take.take_id == take_id), None)

    def job_of(self, job_id: str) -> RevisionJob | None:
        return next((job for job in self.jobs if job.job_id == job_id), None)


classes = (RevisionTake, RevisionJob, RevisionProviders, RevisionSettings)
_register_classes, _unregister_classes = bpy.utils.register_classes_factory(classes)


def register() -> None:
    subject_properties.register()
    _register_classes()
    bpy.types.Scene.revision = PointerProperty(type=RevisionSettings)


def unregister() -> None:
    del bpy.types.Scene.revision
    _unregister_classes()
    subject_properties.unregister()
