"""The rules between rooms hold, and the checker sees a rule broken."""

from pathlib import Path

import pytest

from authoring.import_rules import lay_out, lint

ROOT = Path(__file__).resolve().parents[2]

PLANTED = {
    "revision_extension/revision_blender/motion/planted.py": "import bpy\n",
    "revision_extension/revision_blender/masks/planted.py": "from ..wire import framing\n",
    "revision_extension/revision_blender/wire/planted.py": "from ..scene import take\n",
    "revision_extension/revision_blender/video_model/planted.py": "import numpy\n",
    "revision_extension/operators/planted.py": "import torch\n",
    "revision_extension/revision_blender/scene/planted.py": "from ...operators import session\n",
    "backend/planted.py": "import revision_blender.scene\n",
    "backend/lifting/planted.py": "import smplx\n",
}


def test_rooms_import_only_what_they_may(tmp_path: Path) -> None:
    lay_out(ROOT, tmp_path / "tree")
    done = lint(tmp_path / "tree")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", PLANTED)
def test_a_planted_import_breaks_the_contract(tmp_path: Path, path: str) -> None:
    tree = tmp_path / "tree"
    lay_out(ROOT, tree)
    (tree / path).write_text(PLANTED[path])
    done = lint(tree)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout
