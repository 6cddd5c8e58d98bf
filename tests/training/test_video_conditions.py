"""The mix of masks, what is dropped, and masks that are damaged as much as their confidence says."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from backend.training.video.conditions import drawn_drop, drawn_masks, full_masks, no_masks, target_masks
from backend.training.video.config import DoubtConfig, DropConfig, MixConfig
from backend.training.video.corruption import doubted
from tests.backend.svd_samples import part_labels

LABELS = part_labels(6)
seeds = st.integers(0, 10_000)


def overlap(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> float:
    both, either = ((left > 0) & (right > 0)).sum(), ((left > 0) | (right > 0)).sum()
    return float(both / either)


def test_shares_of_the_mix_and_of_what_is_dropped_are_as_configured() -> None:
    rng, n = np.random.default_rng(0), 3000
    kinds = Counter(drawn_masks(LABELS, MixConfig(), DoubtConfig(), rng).kind for _ in range(n))
    assert abs(kinds["full"] / n - 0.28) < 0.03 and abs(kinds["doubted"] / n - 0.12) < 0.03
    assert abs(kinds["target"] / n - 0.3) < 0.03 and abs(kinds["none"] / n - 0.3) < 0.03
    drops = [drawn_drop(DropConfig(), rng) for _ in range(n)]
    assert abs(sum(drop.everything for drop in drops) / n - 0.1) < 0.02
    assert abs(sum(drop.picture for drop in drops) / n - 0.05) < 0.015
    assert not any(drop.everything and drop.picture for drop in drops)


def test_full_masks_are_the_labels_and_none_are_nothing() -> None:
    full, none = full_masks(LABELS), no_masks(LABELS)
    assert np.array_equal(full.labels, LABELS) and np.array_equal(full.confidence, np.where(LABELS > 0, 255, 0))
    assert not none.labels.any() and not none.confidence.any()


@given(seeds)
def test_a_target_pose_stands_in_the_last_frame_alone_with_half_confidence(seed: int) -> None:
    masks = target_masks(LABELS, np.random.default_rng(seed))
    assert not masks.labels[:-1].any() and not masks.confidence[:-1].any()
    parts = set(np.unique(masks.labels[-1])) - {0}
    assert parts and parts <= set(np.unique(LABELS[-1]))
    assert np.array_equal(masks.confidence[-1], np.where(masks.labels[-1] > 0, 128, 0))
    truth = np.where(np.isin(LABELS[-1], list(parts)), LABELS[-1], 0)
    assert overlap(masks.labels[-1], truth.astype(np.uint8)) > 0.45  # rough, and where the parts are


@given(seeds, st.floats(0.3, 0.99))
def test_doubted_masks_hold_known_parts_and_say_which_of_them_are_doubted(seed: int, confidence: float) -> None:
    labels, trust = doubted(LABELS, confidence, np.random.default_rng(seed))
    assert labels.shape == trust.shape == LABELS.shape
    assert set(np.unique(labels)) <= set(np.unique(LABELS))
    assert not trust[labels == 0].any()
    assert set(np.unique(trust[labels > 0])) <= {255, round(255 * confidence)}
    sure = (trust == 255) & (labels > 0)
    assert np.array_equal(labels[sure], LABELS[sure]) or round(255 * confidence) == 255  # what is sure was not touched


def test_the_less_confidence_the_more_damage() -> None:
    def mean_overlap(confidence: float) -> float:
        return float(np.mean([overlap(doubted(LABELS, confidence, np.random.default_rng(seed))[0], LABELS) for seed in range(150)]))

    strong, middle, weak = mean_overlap(0.3), mean_overlap(0.6), mean_overlap(0.95)
    assert strong + 0.05 < middle < weak - 0.05
    assert weak > 0.8 and strong < 0.75


def test_a_clip_without_a_part_stays_without() -> None:
    nothing = np.zeros_like(LABELS)
    for seed in range(40):
        masks = drawn_masks(nothing, MixConfig(), DoubtConfig(), np.random.default_rng(seed))
        assert not masks.labels.any() and not masks.confidence.any()
