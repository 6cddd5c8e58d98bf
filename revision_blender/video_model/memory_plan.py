"""How a run is fitted into the memory there is: what stays, what is cut in pieces, what moves out meanwhile."""

from dataclasses import dataclass, replace

from .cost import GIB, SVD_SHAPE, ModelShape

OVERHEAD = 1.12  # what the allocator holds beyond the tensors in use, and the workspaces of convolutions
FIXED = {"cuda": 0.1 * GIB, "mps": 0.3 * GIB, "cpu": 0.7 * GIB}  # held before the first weight: workspaces; on the CPU the whole program
MAX_CHUNK = 25  # frames decoded together at most: the published models' whole clip
SLACK = 0.95  # of the free memory is planned for


@dataclass(frozen=True)
class MemoryPlan:
    """offload: encoder, U-Net and autoencoder take turns on the device, else all stay. split_guidance: the two guidance halves one after
    the other. chunk_feed_forward: feed-forward layers in pieces. decode_chunk, decode_overlap: frames decoded together, and shared by two
    pieces. bytes: what the run is expected to reserve at its peak. fits: whether that is within the memory planned for.
    """

    offload: bool
    split_guidance: bool
    chunk_feed_forward: bool
    decode_chunk: int
    decode_overlap: int
    bytes: int
    fits: bool

    @property
    def words(self) -> str:
        """For the panel, when something is done to save memory."""
        parts = [
            (self.offload, "the model's parts by turns"),
            (self.split_guidance, "the guidance halves one by one"),
            (self.chunk_feed_forward, "feed-forward layers in pieces"),
        ]
        chosen = [words for is_on, words in parts if is_on]
        return f"To save memory: {', '.join(chosen)}." if chosen else ""


@dataclass(frozen=True)
class Frames:
    """What is made. frames: seen by the U-Net at once; total: of the clip. cells: latent cells a frame. reuse: features are kept."""

    frames: int
    total: int
    cells: int
    reuse: bool = False


def plan_in(
    limit: float, made: Frames, shape: ModelShape = SVD_SHAPE, *, device: str = "cuda", margin: float = OVERHEAD, fixed: float | None = None
) -> MemoryPlan:
    """The first of these that fits into ``limit`` bytes, from fastest to smallest; the smallest, marked as not fitting, where none does.

    margin: bytes reserved per byte in use. fixed: bytes that are gone before the first weight. Only on a graphics card with memory of its
    own is there another place for the parts that wait for their turn.
    """
    fixed = FIXED.get(device, FIXED["cpu"]) if fixed is None else fixed
    apart = device == "cuda"
    ways = [(False, False, False), (apart, False, False), (apart, True, False), (apart, True, True)]
    for offload, split, chunked in ways:
        for chunk in _chunks(made.total):
            plan = _plan(offload, split, chunked, chunk, made, shape, margin, fixed)
            if plan.bytes <= limit * SLACK:
                return plan
    return replace(_plan(apart, True, True, 1, made, shape, margin, fixed), fits=False)


def _chunks(frames: int) -> list[int]:
    """Most first: fewer seams, and fewer frames decoded twice."""
    most = min(frames, MAX_CHUNK)
    return sorted({most, *(chunk for chunk in (14, 8, 6, 4, 3, 2, 1) if chunk < most)}, reverse=True)


def bytes_in_use(made: Frames, shape: ModelShape, *, offload: bool, split: bool, chunked: bool, chunk: int) -> float:
    """Weights and activations at the busiest moment of a run, as tensors count, without what an allocator adds."""
    unet = shape.unet_peak(made.frames * made.cells, halves=1 if split else 2, chunked=chunked, reuse=made.reuse)
    decoder, encoder = shape.decoder_peak(chunk * made.cells), shape.encoder_peak(made.cells)
    encoder += shape.coder_bytes * (4 / shape.item - 1)  # its weights in float32 meanwhile
    if offload:
        return max(shape.encoder_bytes + shape.coder_bytes + encoder, shape.unet_bytes + unet, shape.coder_bytes + decoder)
    return shape.weight_bytes + max(unet, decoder, encoder)


def _plan(
    offload: bool, split: bool, chunked: bool, chunk: int, made: Frames, shape: ModelShape, margin: float, fixed: float
) -> MemoryPlan:
    used = bytes_in_use(made, shape, offload=offload, split=split, chunked=chunked, chunk=chunk)
    overlap = 0 if chunk >= made.total else min(2, chunk // 2)
    return MemoryPlan(offload, split, chunked, chunk, overlap, round(used * margin + fixed), True)
