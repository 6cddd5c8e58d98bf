"""Picture files come in byte for byte; what cannot be used is refused in one sentence."""

import struct

import bpy
import numpy as np
import pytest


def picture(room):
    return room("revision_blender.scene.picture")


def error(room):
    return room("revision_blender.scene.errors").PictureError


def test_every_byte_value_comes_through(room, scene, tmp_path):
    frame = np.stack(np.meshgrid(np.arange(256), np.arange(32), indexing="xy"), axis=-1)
    frame = np.concatenate([frame, 255 - frame[..., :1]], axis=-1).astype(np.uint8)
    path = tmp_path / "p.png"
    path.write_bytes(room("revision_blender.wire.png").encode_png(frame))
    np.testing.assert_array_equal(picture(room).picture_pixels(path), frame)
    assert not bpy.data.images


@pytest.mark.parametrize(("kind", "depth", "tolerance"), [("PNG", "16", 1), ("JPEG", "8", 4), ("TIFF", "8", 0)])
def test_other_formats(room, scene, tmp_path, kind, depth, tolerance):
    image = bpy.data.images.new("p", 32, 24, float_buffer=depth == "16")
    values = np.tile(np.array([0.2, 0.5, 0.8, 1.0], dtype=np.float32), 32 * 24)
    image.pixels.foreach_set(values)
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth, settings.color_mode = kind, depth, "RGB"
    if kind == "JPEG":
        settings.quality = 100
    scene.view_settings.view_transform = "Standard"
    image.save_render(str(tmp_path / "p.img"), scene=scene)
    pixels = picture(room).picture_pixels(tmp_path / "p.img")
    assert pixels.shape == (24, 32, 3)
    expected = np.array([51, 128, 204]) if depth == "8" else np.rint(srgb(np.array([0.2, 0.5, 0.8])) * 255.0)
    assert np.abs(pixels.reshape(-1, 3).astype(int) - expected).max() <= tolerance


def srgb(linear: np.ndarray) -> np.ndarray:
    return 1.055 * linear ** (1 / 2.4) - 0.055


def test_what_is_no_picture_is_refused(room, scene, tmp_path):
    with pytest.raises(error(room), match="no picture file"):
        picture(room).picture_pixels(tmp_path / "none.png")
    for name, data in (("empty.png", b""), ("text.png", b"hello"), ("broken.png", b"\x89PNG\r\n\x1a\n" + bytes(40))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(error(room), match="choose another"):
            picture(room).picture_pixels(tmp_path / name)
    assert not bpy.data.images


def head_only_png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)


@pytest.mark.parametrize("size", [(20000, 20000), (20000, 100), (8, 8)])
def test_a_size_that_cannot_be_used_is_refused_before_decoding(room, scene, tmp_path, size):
    path = tmp_path / "big.png"
    path.write_bytes(head_only_png(*size))
    with pytest.raises(error(room), match=f"{size[0]} x {size[1]}"):
        picture(room).picture_pixels(path)
