"""Shape and expression of a body as shape keys: the value of "Shape 003" is the shape component of that number.

The basis is the model's mean shape. Models with hundreds of components get keys for the first of them; what a person has of
the others is one key more, "Shape others". Blender holds key values within 10: a person of more gets larger steps for that
key, and the steps are kept on the object. Of animals that come in every size the last component is the key "Size": 0 is the
model's, a large dog's, 1 is twice that.
"""

from collections.abc import Iterator, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_model import BodyModel
from .. import marks
from .bones import R_armature_model

Array = NDArray[np.floating]

OTHERS, SIZE = "Shape others", "Size"
_ALL_UP_TO, _FIRST_SHAPES, _FIRST_EXPRESSIONS = 50, 16, 10
_LIMIT = 10.0  # of a shape key's value in Blender
_SLIDER = 5.0  # standard deviations, what the slider shows
_SMALLEST = -0.95  # of the size: a twentieth


def shape_name(number: int) -> str:
    return f"Shape {number:03d}"


def shape_names(model: BodyModel) -> list[str]:
    """The names of the keys for shape components, in their order."""
    count = keyed_shapes(model)
    names = [shape_name(number) for number in range(count)]
    return [*names[:-1], SIZE] if model.sized and count == model.n_betas else names


def expression_name(number: int) -> str:
    return f"Expr {number:03d}"


def value_path(name: str) -> str:
    """The data path of a key's value, on the mesh's shape keys."""
    return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'


def keyed_shapes(model: BodyModel) -> int:
    """How many shape components have a key of their own: all of up to 50, else the first 16."""
    return model.n_betas if model.n_betas <= _ALL_UP_TO else _FIRST_SHAPES


def keyed_expressions(model: BodyModel) -> int:
    """How many expression components have a key from the start: all of up to 50, else the first 10."""
    return model.n_expressions if model.n_expressions <= _ALL_UP_TO else _FIRST_EXPRESSIONS


def add_offset_key(body: bpy.types.Object, name: str, offsets: Array, limits: tuple[float, float]) -> bpy.types.ShapeKey:
    """A key that moves the basis by ``offsets`` ``(V, 3)``, armature space, metres, at value 1; its value is 0."""
    basis = np.empty(offsets.size, dtype=np.float32)
    body.data.attributes["position"].data.foreach_get("vector", basis)
    if body.data.shape_keys is None:
        body.shape_key_add(name="Basis", from_mix=False)
    key = body.shape_key_add(name=name, from_mix=False)
    key.slider_min, key.slider_max = limits
    key.value = 0.0  # Blender 5 makes keys of value 1
    key.points.foreach_set("co", basis + offsets.ravel().astype(np.float32, copy=False))
    return key


def add_component(body: bpy.types.Object, model: BodyModel, name: str, direction: Array) -> None:
    """A key for one component. direction: ``(V, 3)`` in the model's axes, metres a standard deviation."""
    offsets = np.einsum("vy,xy->vx", direction, R_armature_model(model.family).astype(np.float32))
    add_offset_key(body, name, offsets, (-_SLIDER, _SLIDER))


def add_keys(body: bpy.types.Object, model: BodyModel) -> Iterator[None]:
    """The keys that every body of ``model`` has, values 0, a key a step."""
    for number, name in enumerate(shape_names(model)):
        add_component(body, model, name, model.shapedirs[:, :, number])
        yield
    for number in range(keyed_expressions(model)):
        add_component(body, model, expression_name(number), model.expressiondirs[:, :, number])
        yield


def _scale_key(body: bpy.types.Object, name: str, step: float) -> None:
    key = body.data.shape_keys.key_blocks[name]
    points, basis = np.empty(3 * len(key.data), dtype=np.float32), np.empty(3 * len(key.data), dtype=np.float32)
    key.points.foreach_get("co", points)
    key.relative_key.points.foreach_get("co", basis)
    key.points.foreach_set("co", basis + (points - basis) * step)


def fit_steps(body: bpy.types.Object, names: Sequence[str], largest: Array) -> Array:
    """``(K,)`` what value 1 of each key means in standard deviations: 1, or more for keys that must show ``largest`` ``(K,)``
    beyond Blender's limit; those keys are scaled."""
    steps = np.maximum(1.0, np.asarray(largest) / _LIMIT)
    for name, value, step in zip(names, largest, steps, strict=True):
        key = body.data.shape_keys.key_blocks[name]
        reach = max(_SLIDER, float(value / step))
        key.slider_min, key.slider_max = -reach, reach
        if step > 1.0:
            _scale_key(body, name, float(step))
    return steps


def set_shape(body: bpy.types.Object, model: BodyModel, betas: Array) -> None:
    """Gives a fresh body the shape ``betas`` ``(B,)``. Raises BodyModelError for more components than the model has."""
    full, count = model.checked_betas(betas), keyed_shapes(model)
    others = full[count:]
    if others.any():
        direction = np.einsum("vyb,b->vy", model.shapedirs[:, :, count:], others.astype(np.float32))
        add_component(body, model, OTHERS, direction)
        body.data.shape_keys.key_blocks[OTHERS].value = 1.0
    names, blocks = shape_names(model), body.data.shape_keys.key_blocks
    steps = fit_steps(body, names, np.abs(full[:count]))
    if SIZE in names:
        blocks[SIZE].slider_min = _SMALLEST
    for name, value in zip(names, full[:count] / steps, strict=True):
        blocks[name].value = value
    body[marks.BETAS] = [float(value) for value in full]
    body[marks.SHAPE_STEPS] = steps.tolist()


def betas_of(body: bpy.types.Object) -> NDArray[np.float64]:
    """``(B,)`` the shape that the body's keys show now; components whose key was deleted, and the others, as imported."""
    betas = np.array(body.get(marks.BETAS, ()), dtype=np.float64)
    keys = body.data.shape_keys
    steps = list(body.get(marks.SHAPE_STEPS, ()))
    if keys is None:
        return betas
    for number, step in enumerate(steps):
        key = keys.key_blocks.get(shape_name(number) if number < len(steps) - 1 or SIZE not in keys.key_blocks else SIZE)
        if key is not None:
            betas[number] = _shown(key, betas[number] / step) * step
    others = keys.key_blocks.get(OTHERS)
    if others is not None:
        betas[len(steps) :] *= _shown(others, 1.0)
    return betas


def _shown(key: bpy.types.ShapeKey, imported: float) -> float:
    """The key's value; what was imported, with all its digits, where Blender's 32-bit number is still that."""
    if key.mute:
        return 0.0
    return imported if np.float32(imported) == np.float32(key.value) else key.value
