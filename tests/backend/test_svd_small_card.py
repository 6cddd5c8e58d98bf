"""SVD at full size on a card of 8 GB: the limit is enforced, so that whatever did not fit would fail."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from revision_blender.video_model.cost import GIB

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="full size needs an NVIDIA GPU"),
]
ALLOWED = 7.2 * GIB  # what a card of 8 GB leaves to one program


@pytest.mark.parametrize("led", [False, True])
def test_a_whole_clip_is_made_within_what_an_8_gb_card_leaves(tmp_path: Path, led: bool) -> None:
    from backend.engines.svd.cost.planning import Memory
    from backend.engines.svd.generation import Led, Wanted, generated
    from backend.progress import silent
    from revision_blender.video_model.canvas import canvas_for
    from revision_blender.video_model.following import PUBLISHED_DEPTHS
    from revision_blender.video_model.presets import preset_of
    from tests.backend.svd_samples import picture
    from tests.benchmarks.bench_prediction import saved_model

    model = saved_model(tmp_path / "model", True)
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(ALLOWED / total)
    try:
        canvas = canvas_for(1024, 576, 1024 * 576, model.multiple)
        shown = np.zeros((25, 576, 1024, 3), np.uint8)
        leading = Led(shown, torch.ones((25, 72, 128), dtype=torch.bool), PUBLISHED_DEPTHS) if led else None
        wanted = Wanted(picture(1024, 576), canvas, 25, 7.0, 127, 0, replace(preset_of("best"), steps=3), led=leading)
        made = generated(model, wanted, Memory(tmp_path, "full"), silent())
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    plan = made.plan.plan
    assert made.frames.shape == (25, 576, 1024, 3)
    assert plan.offload and plan.split_guidance and plan.fits
    assert 0 < made.peak <= ALLOWED
