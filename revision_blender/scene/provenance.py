"""How a result was made, written on it as custom properties, so that any step can be done again."""

from collections.abc import Mapping

import bpy

PREFIX = "revision_made_"

Provenance = Mapping[str, str | float | int]


def write_provenance(thing: bpy.types.bpy_struct, provenance: Provenance) -> None:
    """Sets one custom property an entry on a strip, an action or any other data that takes them."""
    for key, value in provenance.items():
        thing[PREFIX + key] = value


def read_provenance(thing: bpy.types.bpy_struct) -> dict[str, str | float | int]:
    """What ``write_provenance`` wrote, whole numbers, numbers and words alike."""
    return {key.removeprefix(PREFIX): value for key, value in thing.items() if key.startswith(PREFIX)}
