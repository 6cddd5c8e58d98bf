"""Procedural materials: skin with a painted face, cloth, stone, leaves, a facade. No picture files."""

from collections.abc import Callable, Sequence

import bpy

from .garments import REST

Colour = tuple[float, float, float]


class Nodes:
    """A material's node tree, built by name."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.surface = next(node for node in self.tree.nodes if node.type == "BSDF_PRINCIPLED")

    def add(self, kind: str, inputs: dict[str | int, object] | None = None, **settings: object) -> bpy.types.Node:
        """A node; a socket given as input is linked, anything else is its value."""
        node = self.tree.nodes.new(kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self.put(node.inputs[key], value)
        return node

    def put(self, socket: bpy.types.NodeSocket, value: object) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = (*value, 1.0) if socket.type == "RGBA" and len(value) == 3 else value

    def math(self, operation: str, *values: object) -> bpy.types.NodeSocket:
        return self.add("ShaderNodeMath", dict(enumerate(values)), operation=operation).outputs[0]

    def mix(self, part: object, start: object, end: object) -> bpy.types.NodeSocket:
        node = self.add("ShaderNodeMix", data_type="RGBA")
        for name, value in (("Factor", part), ("A", start), ("B", end)):
            kind = "VALUE" if name == "Factor" else "RGBA"
            self.put(next(socket for socket in node.inputs if socket.name == name and socket.type == kind), value)
        return next(socket for socket in node.outputs if socket.type == "RGBA")

    def rest(self) -> bpy.types.NodeSocket:
        return self.add("ShaderNodeAttribute", attribute_name=REST).outputs["Vector"]

    def axes(self, vector: bpy.types.NodeSocket) -> Sequence[bpy.types.NodeSocket]:
        return self.add("ShaderNodeSeparateXYZ", {0: vector}).outputs

    def noise(self, vector: bpy.types.NodeSocket, scale: float, detail: float = 4.0) -> bpy.types.NodeSocket:
        return self.add("ShaderNodeTexNoise", {"Vector": vector, "Scale": scale, "Detail": detail}).outputs[0]

    def place(self) -> bpy.types.NodeSocket:
        return self.add("ShaderNodeNewGeometry").outputs["Position"]

    def bump(self, height: bpy.types.NodeSocket, strength: float, distance: float) -> None:
        node = self.add("ShaderNodeBump", {"Height": height, "Strength": strength, "Distance": distance})
        self.put(self.surface.inputs["Normal"], node.outputs[0])

    def finish(self, colour: object, roughness: float) -> bpy.types.Material:
        self.put(self.surface.inputs["Base Color"], colour)
        self.put(self.surface.inputs["Roughness"], roughness)
        return self.material


def _spot(nodes: Nodes, centre: Colour, radii: tuple[float, float], bend: float = 0.0, soft: float = 0.25) -> bpy.types.NodeSocket:
    """1 inside an ellipse in the rest pose's front view, mirrored at x = 0, curved by ``bend``, faded at the rim."""
    x, y, z = nodes.axes(nodes.rest())
    across = nodes.math("SUBTRACT", nodes.math("ABSOLUTE", x), centre[0])
    up = nodes.math("SUBTRACT", nodes.math("SUBTRACT", y, centre[1]), nodes.math("MULTIPLY", nodes.math("MULTIPLY", across, across), bend))
    a, b = nodes.math("DIVIDE", across, radii[0]), nodes.math("DIVIDE", up, radii[1])
    distance = nodes.math("SQRT", nodes.math("ADD", nodes.math("MULTIPLY", a, a), nodes.math("MULTIPLY", b, b)))
    inside = nodes.math("DIVIDE", nodes.math("SUBTRACT", 1.0 + soft, distance), 2.0 * soft)
    front = nodes.math("GREATER_THAN", z, centre[2])
    return nodes.math("MULTIPLY", nodes.add("ShaderNodeClamp", {0: inside}).outputs[0], front)


def skin() -> bpy.types.Material:
    """Skin with brows, lips, lash lines and a little red in the cheeks."""
    nodes = Nodes("skin")
    tone = nodes.mix(nodes.noise(nodes.rest(), 18.0), (0.42, 0.205, 0.125), (0.50, 0.26, 0.165))
    tone = nodes.mix(nodes.math("MULTIPLY", _spot(nodes, (0.040, 0.597, 0.10), (0.028, 0.022), 0.0, 0.9), 0.35), tone, (0.50, 0.15, 0.11))
    tone = nodes.mix(nodes.math("MULTIPLY", _spot(nodes, (0.0, 0.5655, 0.13), (0.026, 0.0085), 6.0, 0.3), 0.8), tone, (0.40, 0.11, 0.10))
    tone = nodes.mix(_spot(nodes, (0.0, 0.5665, 0.13), (0.022, 0.0012), 8.0, 0.5), tone, (0.10, 0.02, 0.02))
    tone = nodes.mix(_spot(nodes, (0.033, 0.6655, 0.11), (0.0205, 0.0042), -10.0, 0.35), tone, (0.035, 0.018, 0.012))
    tone = nodes.mix(
        nodes.math("MULTIPLY", _spot(nodes, (0.0305, 0.6435, 0.13), (0.018, 0.0035), -18.0, 0.6), 0.75), tone, (0.06, 0.025, 0.02)
    )
    nodes.put(nodes.surface.inputs["Subsurface Weight"], 0.12)
    nodes.put(nodes.surface.inputs["Subsurface Radius"], (0.02, 0.008, 0.004))
    return nodes.finish(tone, 0.48)


def eye() -> bpy.types.Material:
    """White, brown iris, black pupil, seen from the front."""
    nodes = Nodes("eye")
    white = nodes.mix(_spot(nodes, (0.0305, 0.6385, 0.12), (0.0068, 0.0068), 0.0, 0.1), (0.80, 0.78, 0.75), (0.09, 0.045, 0.02))
    return nodes.finish(nodes.mix(_spot(nodes, (0.0305, 0.6385, 0.12), (0.003, 0.003), 0.0, 0.15), white, (0.004, 0.004, 0.004)), 0.12)


def cloth(
    name: str, colour: Colour, weave: float, folds: float, paint: Callable[[Nodes, object], object] | None = None
) -> bpy.types.Material:
    """Cloth with woven grain and soft folds; ``paint`` draws on its base colour."""
    nodes = Nodes(name)
    rest = nodes.rest()
    stretched = nodes.add("ShaderNodeVectorMath", {0: rest, 1: (1.0, 0.55, 1.0)}, operation="MULTIPLY").outputs[0]
    fold, grain = nodes.noise(stretched, 9.0, 2.0), nodes.noise(rest, weave, 2.0)
    tone = nodes.mix(grain, tuple(0.86 * c for c in colour), tuple(min(1.10 * c, 1.0) for c in colour))
    nodes.bump(nodes.math("ADD", nodes.math("MULTIPLY", fold, folds), nodes.math("MULTIPLY", grain, 0.02)), 0.9, 0.03)
    nodes.put(nodes.surface.inputs["Sheen Weight"], 0.15)
    return nodes.finish(paint(nodes, tone) if paint else tone, 0.85)


def pale_sleeves(nodes: Nodes, tone: object) -> object:
    """Raglan sleeves: pale beyond a slanted seam."""
    x, y, _ = nodes.axes(nodes.rest())
    seam = nodes.math("ADD", nodes.math("ABSOLUTE", x), nodes.math("MULTIPLY", y, 0.62))
    return nodes.mix(nodes.math("GREATER_THAN", seam, 0.392), tone, (0.74, 0.69, 0.58))


def white_sole(nodes: Nodes, tone: object) -> object:
    """The lowest two centimetres of a shoe, pale."""
    return nodes.mix(nodes.math("LESS_THAN", nodes.axes(nodes.rest())[1], -0.922), tone, (0.72, 0.70, 0.66))


def hair() -> bpy.types.Material:
    nodes = Nodes("hair")
    stretched = nodes.add("ShaderNodeVectorMath", {0: nodes.rest(), 1: (1.0, 0.35, 0.35)}, operation="MULTIPLY").outputs[0]
    strands = nodes.noise(stretched, 190.0, 3.0)
    nodes.bump(strands, 1.0, 0.012)
    return nodes.finish(nodes.mix(strands, (0.006, 0.0035, 0.0025), (0.040, 0.020, 0.011)), 0.5)


def paving() -> bpy.types.Material:
    """Square slabs of stone, each of its own shade, worn here and there."""
    nodes = Nodes("paving")
    place = nodes.place()
    turned = nodes.add("ShaderNodeVectorRotate", {"Vector": place, "Angle": 0.5}, rotation_type="Z_AXIS").outputs[0]
    slabs = nodes.add(
        "ShaderNodeTexBrick",
        {"Vector": turned, "Color1": (0.27, 0.235, 0.195), "Color2": (0.43, 0.375, 0.31), "Mortar": (0.13, 0.12, 0.11), "Scale": 1.0,
         "Mortar Size": 0.008, "Mortar Smooth": 0.2, "Brick Width": 0.9, "Row Height": 0.45},
    )  # fmt: skip
    worn = nodes.noise(place, 1.7, 8.0)
    grain = nodes.noise(place, 60.0, 5.0)
    tone = nodes.mix(nodes.math("MULTIPLY", worn, 0.6), slabs.outputs[0], (0.22, 0.20, 0.18))
    tone = nodes.mix(nodes.math("MULTIPLY", grain, 0.25), tone, (0.52, 0.46, 0.39))
    nodes.bump(nodes.math("ADD", nodes.math("MULTIPLY", slabs.outputs["Factor"], -1.0), nodes.math("MULTIPLY", grain, 0.15)), 0.5, 0.02)
    return nodes.finish(tone, 0.75)


def stone() -> bpy.types.Material:
    nodes = Nodes("stone")
    grain = nodes.noise(nodes.place(), 9.0, 10.0)
    nodes.bump(grain, 0.3, 0.02)
    return nodes.finish(nodes.mix(grain, (0.42, 0.39, 0.35), (0.63, 0.60, 0.55)), 0.8)


def leaves(name: str, dark: Colour, light: Colour) -> bpy.types.Material:
    nodes = Nodes(name)
    tone = nodes.mix(nodes.noise(nodes.place(), 22.0, 6.0), dark, light)
    nodes.bump(nodes.noise(nodes.place(), 30.0, 6.0), 1.0, 0.08)
    return nodes.finish(tone, 0.7)


def bark() -> bpy.types.Material:
    nodes = Nodes("bark")
    return nodes.finish(nodes.mix(nodes.noise(nodes.place(), 14.0, 8.0), (0.06, 0.045, 0.03), (0.19, 0.15, 0.11)), 0.9)


def facade(wall: Colour, glass: Colour) -> bpy.types.Material:
    """A wall with rows of windows: bricks without offset are the panes, their mortar is the wall."""
    nodes = Nodes("facade")
    x, _, z = nodes.axes(nodes.place())
    flat = nodes.add("ShaderNodeCombineXYZ", {0: x, 1: z}).outputs[0]
    grid = nodes.add(
        "ShaderNodeTexBrick",
        {"Vector": flat, "Color1": glass, "Color2": tuple(1.6 * c for c in glass), "Mortar": wall, "Scale": 1.0,
         "Mortar Size": 0.42, "Mortar Smooth": 0.02, "Brick Width": 2.0, "Row Height": 2.9},
        offset=0.0,
    )  # fmt: skip
    tone = nodes.mix(nodes.math("MULTIPLY", nodes.noise(nodes.place(), 0.8, 6.0), 0.25), grid.outputs[0], (0.5, 0.42, 0.34))
    return nodes.finish(tone, 0.55)
