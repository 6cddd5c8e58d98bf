"""Providers of bodies and hands on this machine: seconds for 25 frames of one subject, read, run and joined.

HMR2.0, HaMeR and AniMer run on small random checkpoints in the released layout ("tiny"): what remains is the cost of everything around
the network. MediaPipe's hands and the joining run as they are.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from backend.lifting.people.smplx_joining import with_hands
from backend.lifting.providers.animer import AniMer
from backend.lifting.providers.base import Hands, LiftedBody
from backend.lifting.providers.hamer import Hamer
from backend.lifting.providers.hands_mediapipe import HandsMediapipe
from backend.lifting.providers.hmr2 import Hmr2
from backend.lifting.providers.mano_body import open_hand
from backend.lifting.subject import Followed
from backend.progress import silent
from revision_blender.motion.camera import static_camera
from tests.lifting.tiny_body_models import KINDS, write_tiny

FRAMES, WIDTH, HEIGHT = 25, 1280, 720
CAMERA = static_camera(WIDTH, HEIGHT, 1468.0, FRAMES)
SEEN = np.ones(FRAMES, bool)
BOX = np.tile(np.array([500.0, 100.0, 700.0, 650.0], np.float32), (FRAMES, 1))


def _seconds(work: Callable[[], object]) -> float:
    work()  # imports and the first read
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 3)


def _joining() -> Callable[[], object]:
    """One person with two hands of which points are known."""
    world = open_hand().points(np.tile(np.eye(3), (FRAMES, 16, 1, 1)), left=False)
    points = np.tile((300.0 * world[..., :2] + 200.0)[None, :, None], (1, 1, 2, 1, 1)).astype(np.float32)
    both = np.tile(world[None, :, None], (1, 1, 2, 1, 1))
    body = LiftedBody(
        "smpl", "open_human", np.zeros(10), np.tile(np.eye(3), (FRAMES, 24, 1, 1)), np.zeros((FRAMES, 3)), np.ones((FRAMES, 24))
    )

    def work() -> object:
        hands = Hands(points, np.ones((1, FRAMES, 2), np.float32), None, both)
        return with_hands(body, hands, CAMERA, 24.0, silent())

    return work


def main() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    hands_at = np.stack([BOX, BOX], axis=1)[None] + np.array([0, 0, -100, -450], np.float32)
    both = np.ones((1, FRAMES, 2), bool)
    dog = Followed("dog", "animal", "dog", BOX, SEEN, SEEN.astype(np.float32), np.zeros((FRAMES, 1, 1), np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for kind in KINDS:
            write_tiny(kind, home)
        people, hands, animals, seen = Hmr2(home), Hamer(home), AniMer(home), HandsMediapipe(home)
        row = {
            "hmr2_tiny": _seconds(lambda: people.lift_people(frames, BOX[None], SEEN[None], CAMERA, silent())),
            "hamer_tiny": _seconds(lambda: hands.hands(frames, hands_at, both, CAMERA, silent())),
            "animer_tiny": _seconds(lambda: animals.lift_animal(frames, dog, CAMERA, 24.0, silent())),
            "hands_mediapipe": _seconds(lambda: seen.hands(frames, hands_at, both, CAMERA, silent())),
            "joining_from_points": _seconds(_joining()),
        }
        print(json.dumps({"name": "lifting_bodies", "frames": FRAMES, "size": [WIDTH, HEIGHT]} | row))


if __name__ == "__main__":
    main()
