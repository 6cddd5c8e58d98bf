"""Bodies ready to use, one file a body model: mesh, weights, shape keys and driven correctives, as a small Blender file.

Making all that takes up to a second; appending it from an uncompressed file takes 10 to 20 ms and leaves nothing else in the
user's file. A template is known by the model's numbers, the bone axes and Blender's version, so it can never be an old one's.
"""

import contextlib
import hashlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import bpy

from ...motion.bodies.body_model import BodyModel
from .. import marks
from ..removal import remove
from . import body_mesh, correctives, shape_keys
from .bones import R_armature_model, R_smpl_bone_of, bone_names

_LAYOUT = 3  # of templates: raised when what is built here changes
_KEPT = 12  # files; the least recently used go
_NAME, _PLACE = "ReVision body template", "ReVision rig's place"
_KEYS_A_STEP = 4

Building = Generator[str, None, bpy.types.Object]

_digests: WeakKeyDictionary[BodyModel, str] = WeakKeyDictionary()


def template_folder() -> Path:
    """Where templates are kept: the extension's own folder of the user."""
    parts = __package__.split(".")
    if parts[0] == "bl_ext":
        return Path(bpy.utils.extension_path_user(".".join(parts[:3]), path="bodies", create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path="revision_bodies", create=True))


def digest_of(model: BodyModel) -> str:
    """What tells a template from others: the arrays that enter it, bone names and axes, and the layout of templates."""
    if model not in _digests:
        found = hashlib.sha256(f"{_LAYOUT} {model.family} {bone_names(model.family, model.n_joints)}".encode())
        shapes, expressions = shape_keys.keyed_shapes(model), shape_keys.keyed_expressions(model)
        for array in (
            model.v_template, model.faces, model.shapedirs[:, :, :shapes], model.expressiondirs[:, :, :expressions],
            model.posedirs, model.weights, model.part_labels, R_smpl_bone_of(model).round(6), R_armature_model(model.family),
        ):  # fmt: skip
            found.update(str(array.shape).encode())
            found.update(array.tobytes() if not array.flags.c_contiguous else array.data)
        _digests[model] = found.hexdigest()[:32]
    return _digests[model]


def template_path(model: BodyModel, folder: Path) -> Path:
    return folder / f"{digest_of(model)}-{bpy.app.version_string.split()[0]}.blend"


def new_body(model: BodyModel, folder: Path) -> Building:
    """Makes one body of ``model``, yielding words after each small step; ``give_rig`` then binds what it returns.

    The body is the mean shape, linked to no scene, its keys at 0, its rig's place held by an empty armature. folder: where
    templates lie; the body comes from there, or is built and left there for the next time. A generator that is closed or
    fails before its end leaves nothing behind.
    """
    path = template_path(model, folder)
    appended = _appended(path)
    body = appended or _bare(model)
    try:
        if appended is None:
            yield "mesh"
            yield from _furnished(body, model)
            body[marks.TEMPLATE] = path.stem
            yield _keep(body, path)
        else:
            yield "body"
    except BaseException:
        place, mesh = body.parent, body.data
        remove(body, mesh, place, place.data)
        raise
    return body


def _bare(model: BodyModel) -> bpy.types.Object:
    body = body_mesh.new_mesh(_NAME, model)
    body.name = _NAME  # takes the name from a left-over
    body_mesh.bind(body, bpy.data.objects.new(_PLACE, bpy.data.armatures.new(_PLACE)))
    return body


def give_rig(body: bpy.types.Object, rig: bpy.types.Object, name: str) -> None:
    """Puts ``rig`` in the place of the empty armature of a fresh body: parent, modifier and all drivers."""
    place = body.parent
    armature = place.data
    place.user_remap(rig)
    remove(place, armature)
    body.name = body.data.name = name
    body.data.materials.append(body_mesh.material())
    if body.data.shape_keys is not None:
        body.data.shape_keys.name = name


def _furnished(body: bpy.types.Object, model: BodyModel) -> Iterator[str]:
    for _ in body_mesh.add_weights(body, model):
        yield "weights"
    for number, _ in enumerate(shape_keys.add_keys(body, model)):
        if number % _KEYS_A_STEP == 0:
            yield "shape keys"
    for _ in correctives.add_keys(body, body.parent, model):
        yield "pose correctives"


def _appended(path: Path) -> bpy.types.Object | None:
    """A copy of the template at ``path``; None where there is none or it is not whole."""
    if not _is_whole(path):
        return None
    before = set(bpy.data.libraries)
    with bpy.data.libraries.load(str(path), link=False) as (held, wanted):
        wanted.objects = [name for name in held.objects if name == _NAME]
    body = next((thing for thing in wanted.objects if thing is not None and thing.get(marks.TEMPLATE) == path.stem), None)
    for library in set(bpy.data.libraries) - before:
        bpy.data.libraries.remove(library)
    if body is not None:
        os.utime(path)
    return body


def _is_whole(path: Path) -> bool:
    """Whether the file begins and ends as Blender files do: what a crash cut short does not."""
    try:
        with path.open("rb") as stream:
            head = stream.read(7)
            stream.seek(-min(64, path.stat().st_size), os.SEEK_END)
            return head == b"BLENDER" and b"ENDB" in stream.read()
    except OSError:
        return False


def _keep(body: bpy.types.Object, path: Path) -> str:
    """Writes the template; says so where the disk does not let it, for the body at hand is good all the same."""
    part = path.with_name(f".{path.stem}-{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        bpy.data.libraries.write(str(part), {body}, path_remap="NONE", fake_user=False, compress=False)
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
        _forget_old(path.parent)
    except (OSError, RuntimeError) as reason:
        with contextlib.suppress(OSError):
            part.unlink()
        return f"body (not kept for the next time: {reason})"
    return "body kept for the next time"


def _forget_old(folder: Path) -> None:
    known = sorted(folder.glob("*.blend"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in known[_KEPT:]:
        path.unlink(missing_ok=True)
