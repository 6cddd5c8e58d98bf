"""From the frames that are known to all frames: each from its neighbour, from both sides, whichever side explains more."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.coarse_body import CoarseBody, PosedAnimal
from backend.lifting.animals.descent import Steps, assessed, descend
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, Weights
from backend.lifting.animals.first_frame import First, best_heading
from backend.lifting.animals.starts import placed
from backend.lifting.axis_angle import matrices
from backend.progress import Progress

STRIDE = Steps(14, 0.05, 0.03)
TURNS = (0.0, 0.3, -0.3)  # radians
TURN_SPREAD, BEND_SPREAD = 0.15, 0.25  # radians from one frame to the next
DEPTH_SPREAD = 0.03  # of the depth, from one frame to the next
KNOWN = 3  # clicked parts that make a frame one to begin from
LOST, WON, WON_TURNED = 0.6, 0.08, 0.12  # overlap of a lost frame; what beginning anew must win, and more if the animal turns round
RESTARTS = 2
Chain = list[int]  # frames, each the neighbour of the one before


def followed(body: CoarseBody, evidence: Evidence, first: First, progress: Progress) -> Unknowns:
    """A row a frame, all of the first frame's shape. Frames with enough clicks are fitted on their own; lost ones are begun anew."""
    anchors = {first.frame: first.unknowns}
    clicked = (evidence.clicked.sum(dim=1) >= KNOWN).numpy() & (evidence.crops.seen.numpy() > 0)
    for frame in np.flatnonzero(clicked):
        if int(frame) not in anchors:
            anchors[int(frame)] = best_heading(body, evidence, int(frame), first.unknowns.betas, progress.part(0.0, 0.1), shape=False)[0]
    found, overlap = _from_anchors(body, evidence, first, anchors, progress.part(0.1, 0.6))
    for turn in range(RESTARTS):
        frame = _lost(overlap, evidence, anchors)
        if frame is None:
            break
        part = progress.part(0.6 + 0.2 * turn, 0.8 + 0.2 * turn)
        anew, _ = best_heading(body, evidence, frame, first.unknowns.betas, part.part(0.0, 0.3), shape=False)
        energy = AnimalEnergy(body, evidence.rows(np.array([frame])), first.preferred, Weights())
        turned = float(_angle_square(anew.R_camera_root @ found.R_camera_root[frame : frame + 1].mT)[0])
        if float(assessed(energy, anew)[1][0]) < overlap[frame] + WON + WON_TURNED * min(turned, 4.0) / 4.0:
            break
        anchors[frame] = anew
        found, overlap = _from_anchors(body, evidence, first, anchors, part.part(0.3, 1.0))
    return found


def _lost(overlap: NDArray[np.float32], evidence: Evidence, anchors: dict[int, Unknowns]) -> int | None:
    """In the middle of the longest row of lost frames, the one seen best; None where fewer than three follow each other."""
    lost = (overlap < LOST) & (evidence.crops.seen.numpy() > 0)
    lost[list(anchors)] = False
    starts = np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(int), [0]])))
    rows = [(stop - start, start, stop) for start, stop in zip(starts[::2], starts[1::2], strict=True)]
    if not rows or max(rows)[0] < 3:
        return None
    _, start, stop = max(rows)
    quarter = (stop - start) // 4
    area = (evidence.crops.masks.float().mean(dim=(1, 2)) / evidence.crops.scale.square()).numpy()
    return int(start + quarter + np.argmax(area[start + quarter : stop - quarter]))


def _from_anchors(
    body: CoarseBody, evidence: Evidence, first: First, anchors: dict[int, Unknowns], progress: Progress
) -> tuple[Unknowns, NDArray[np.float32]]:
    """All frames, and their overlap with the masks."""
    frames = len(evidence.clicked)
    known = sorted(anchors)
    borders = [-1, *known, frames]
    chains: list[Chain] = []
    for place, frame in enumerate(known):
        chains += [list(range(frame, borders[place + 2])), list(range(frame, borders[place], -1))]
    rows = [{frame: anchors[frame]} for chain in chains for frame in chain[:1]]
    costs = [{chain[0]: _cost(body, evidence, first, chain[0], anchors[chain[0]])} for chain in chains]
    longest = max(map(len, chains))
    for step in progress.each(range(1, longest), longest, "Following the animal"):
        going = [number for number, chain in enumerate(chains) if step < len(chain)]
        here = np.array([chains[number][step] for number in going])
        before = _stacked([rows[number][chains[number][step - 1]] for number in going])
        reached, cost, overlap = _stride(body, evidence, here, before, first)
        for row, number in enumerate(going):
            rows[number][int(here[row])] = reached.rows(np.array([row]))
            costs[number][int(here[row])] = (float(cost[row]), float(overlap[row]))
    chosen = _chosen(chains, costs, frames)
    overlap = np.array([costs[number][frame][1] for frame, number in enumerate(chosen)], np.float32)
    return _stacked([rows[number][frame] for frame, number in enumerate(chosen)]), overlap


def _cost(body: CoarseBody, evidence: Evidence, first: First, frame: int, unknowns: Unknowns) -> tuple[float, float]:
    cost, overlap = assessed(AnimalEnergy(body, evidence.rows(np.array([frame])), first.preferred, Weights(well=0.3)), unknowns)
    return float(cost[0]), float(overlap[0])


def _chosen(chains: list[Chain], costs: list[dict[int, tuple[float, float]]], frames: int) -> list[int]:
    """For each frame the number of the chain it is taken from: between two anchors first the one that leaves, then the one that comes."""
    chosen = [0] * frames
    for number in (0, 1):  # before the first anchor and after the last there is one chain
        for frame in chains[1 if number == 0 else -2]:
            chosen[frame] = 1 if number == 0 else len(chains) - 2
    for leaves, comes in zip(range(0, len(chains) - 2, 2), range(3, len(chains), 2), strict=True):
        between = [frame for frame in chains[leaves] if frame in costs[comes]] + [chains[comes][0]]
        ahead = [costs[leaves].get(frame, (np.inf, 0.0))[0] for frame in between]
        back = [costs[comes].get(frame, (np.inf, 0.0))[0] for frame in between]
        totals = [sum(ahead[:cut]) + sum(back[cut:]) for cut in range(len(between))]
        cut = int(np.argmin(totals))
        chosen[chains[leaves][0]] = leaves
        for place, frame in enumerate(between):
            chosen[frame] = leaves if place < cut else comes
    return chosen


def _stride(
    body: CoarseBody, evidence: Evidence, frames: NDArray[np.int64], before: Unknowns, first: First
) -> tuple[Unknowns, Tensor, Tensor]:
    """One frame on, from the poses before: as they were, or turned a little to either side; with their costs and overlaps."""
    ways = np.repeat(np.arange(len(frames)), len(TURNS))
    here = AnimalEnergy(body, evidence.rows(frames[ways]), first.preferred, Weights(well=0.3))
    was = before.rows(ways)
    if not bool(here.evidence.crops.seen.any()):
        return before, torch.zeros(len(frames)), torch.ones(len(frames))
    start = _turned(placed(here, was, keep_depth=True), here.evidence.view.up, np.tile(TURNS, len(frames)))

    def held(now: Unknowns, _posed: PosedAnimal) -> Tensor:
        return _held(now, was).sum()

    reached = descend(here, start, STRIDE, held)
    energy, overlap = assessed(here, reached)
    cost = (energy + _held(reached, was)).view(len(frames), len(TURNS))
    best = np.arange(len(frames)) * len(TURNS) + cost.argmin(dim=1).numpy()
    return reached.rows(best), energy[best], overlap[best]


def _held(now: Unknowns, was: Unknowns) -> Tensor:
    """``(N,)``: what it costs to have changed from one frame to the next."""
    bent = ((now.pose - was.pose)[:, 1:] / BEND_SPREAD).square().sum((1, 2))
    turn = _angle_square(matrices(now.turn) @ now.R_camera_root @ was.R_camera_root.mT)
    deeper = ((now.place[:, 2] - was.place[:, 2]) / DEPTH_SPREAD).square()
    return 0.3 * bent + turn / TURN_SPREAD**2 + deeper


def _angle_square(rotations: Tensor) -> Tensor:
    """About the square of the angle of ``(N, 3, 3)``, radians."""
    return 3.0 - rotations.diagonal(dim1=1, dim2=2).sum(-1)


def _turned(unknowns: Unknowns, up: Tensor, angles: NDArray[np.floating]) -> Unknowns:
    """The same poses turned about the vertical."""
    turn = matrices(up * torch.tensor(angles, dtype=torch.float32)[:, None])
    return replace(unknowns, R_camera_root=turn @ unknowns.R_camera_root)


def _stacked(rows: list[Unknowns]) -> Unknowns:
    """Rows of one shape after each other."""
    columns = {name: torch.cat([getattr(row, name) for row in rows]) for name in ("turn", "R_camera_root", "pose", "place")}
    return Unknowns(betas=rows[0].betas, **columns)
