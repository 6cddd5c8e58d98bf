"""Detection by words with Grounding DINO (arXiv 2303.05499), as the ``transformers`` library holds it.

The words go in as one sentence, a full stop after each: "person. dog. ball.". The network answers with boxes (middle and extents as
shares of the picture) and, for each, a value for every token of the sentence; a box speaks of the phrase whose tokens it values most.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.errors import EngineError, InputError
from backend.lifting.providers.base import Frames, Kind
from backend.lifting.providers.coco import kind_of
from backend.lifting.providers.hub_model import HUB, HubModel
from backend.lifting.providers.overlaps import kept
from backend.lifting.providers.picture_input import normalised, shorter_side, stretched
from backend.lifting.providers.pretrained import device_name, first_line, missing_words
from backend.lifting.subject import Detection
from backend.progress import Progress

if TYPE_CHECKING:
    import torch

SHORTEST, LONGEST = 800, 1333  # pixels of the input's sides
THRESHOLD = 0.3  # of a box's best token; the authors' demonstrations take 0.25 to 0.35
MOST_OVERLAP = 0.8  # two boxes of one phrase that share more are one thing seen twice
MAX_WORDS = 40
DOT = "."


def sentence_of(words: tuple[str, ...]) -> str:
    """What the network reads: lower case, no full stop inside a phrase, one after each. Raises ``InputError`` for no word at all."""
    phrases = phrases_of(words)
    if not phrases:
        raise InputError("Nothing to look for was named; name at least one thing, such as person or dog.")
    return " ".join(f"{phrase}{DOT}" for phrase in phrases)


def phrases_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words cleaned, in their order, each once, at most ``MAX_WORDS``."""
    clean = (" ".join(word.lower().replace(DOT, " ").replace("?", " ").split()) for word in words)
    return tuple(dict.fromkeys(phrase for phrase in clean if phrase))[:MAX_WORDS]


def token_places(ids: list[int], dot: int, specials: frozenset[int]) -> list[list[int]]:
    """Which tokens belong to each phrase of a sentence: those between full stops, without the ones at its ends."""
    places: list[list[int]] = [[]]
    for place, token in enumerate(ids):
        if token == dot:
            places.append([])
        elif token not in specials:
            places[-1].append(place)
    return [phrase for phrase in places if phrase]


def boxes_in_pixels(shares: Float[NDArray[np.floating], "N 4"], width: int, height: int) -> Float[NDArray[np.float32], "N 4"]:
    """Middle x, middle y, width, height as shares of the picture to left, top, right, bottom in pixels, cut off at its borders."""
    middle, extent = shares[:, :2], shares[:, 2:]
    corners = np.concatenate([middle - extent / 2, middle + extent / 2], axis=1) * (width, height, width, height)
    return corners.clip(0.0, (width, height, width, height)).astype(np.float32)


class GroundingDino(HubModel):
    """Detector by words; see ``base.Detector``. What is opened is the network and its sentence splitter."""

    kind: Kind = "detection"
    name = "grounding_dino"
    repositories = ("IDEA-Research/grounding-dino-base", "IDEA-Research/grounding-dino-tiny")
    model_class, model_type = "GroundingDinoForObjectDetection", "grounding-dino"
    where = HUB + repositories[0]
    size = 933.0

    def missing(self) -> str:
        folder = self.folder()
        words = () if folder is not None and (folder / "tokenizer.json").is_file() else ("vocab.txt",)
        return missing_words(self.name, self.repositories, self.home, words)

    def load(self) -> tuple[Any, Any]:
        return super().load(), open_tokenizer(self.required(), self.repositories[0])

    def detect(self, frames: Frames, words: tuple[str, ...], progress: Progress) -> list[list[Detection]]:
        """Raises EngineError for weights that cannot be used, InputError for no words."""
        sentence = sentence_of(words)
        network, tokenizer = self.opened()
        encoded = tokenizer(sentence, return_tensors="pt")
        ids = encoded["input_ids"][0].tolist()
        dot = tokenizer.convert_tokens_to_ids(DOT)
        places = token_places(ids, dot, frozenset(tokenizer.all_special_ids))
        phrases = phrases_of(words)
        if len(places) != len(phrases) or len(ids) > network.config.max_text_len:
            raise InputError(f"The words {sentence[:80]!r} cannot be told apart by the detector; name fewer or simpler things.")
        steps = progress.each(frames, len(frames), "Looking for what was named")
        return [self._on_frame(network, encoded, frame, phrases, places) for frame in steps]

    def _on_frame(
        self, network: Any, encoded: Any, frame: NDArray[np.uint8], phrases: tuple[str, ...], places: list[list[int]]
    ) -> list[Detection]:
        import torch

        height, width = frame.shape[:2]
        device = device_name()
        picture = input_of(frame)[None].to(device)
        with torch.inference_mode():
            mask = torch.ones(1, *picture.shape[-2:], dtype=torch.long, device=device)
            found = network(pixel_values=picture, pixel_mask=mask, **{name: value.to(device) for name, value in encoded.items()})
        values = found.logits[0].float().sigmoid().cpu().numpy()  # (N, tokens)
        shares = found.pred_boxes[0].float().cpu().numpy()
        each = np.stack([values[:, tokens].max(axis=1) for tokens in places], axis=1)  # (N, phrases)
        return chosen(boxes_in_pixels(shares, width, height), each, phrases)


def input_of(frame: NDArray[np.uint8]) -> "torch.Tensor":
    """A frame as the network takes it, ``(3, h, w)``."""
    height, width = frame.shape[:2]
    return normalised(stretched(frame, *shorter_side(width, height, SHORTEST, LONGEST)))


def chosen(
    boxes: Float[NDArray[np.float32], "N 4"],
    values: Float[NDArray[np.floating], "N P"],
    phrases: tuple[str, ...],
    threshold: float = THRESHOLD,
) -> list[Detection]:
    """The boxes that speak clearly enough of a phrase, best first, doubles dropped."""
    labels, scores = values.argmax(axis=1), values.max(axis=1)
    extents = boxes[:, 2:] - boxes[:, :2]
    clear = np.flatnonzero((scores > threshold) & (extents > 0.0).all(axis=1))
    stay = kept(boxes[clear], scores[clear], labels[clear], MOST_OVERLAP)
    return [Detection(kind_of(phrases[labels[index]]), phrases[labels[index]], boxes[index], float(scores[index])) for index in clear[stay]]


def open_tokenizer(folder: Path, again: str) -> Any:
    """The sentence splitter (BERT's, uncased) in a folder. Raises EngineError."""
    from transformers import BertTokenizer

    try:
        tokenizer = BertTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # its parts raise what they like: Rust's own, key and type errors
        raise EngineError(f"The vocabulary in {folder} cannot be read ({first_line(error)}). Download {again} again.") from error
    if tokenizer.unk_token_id is None or tokenizer.convert_tokens_to_ids(DOT) in (None, tokenizer.unk_token_id):
        raise EngineError(f"The vocabulary in {folder} has no full stop, which parts the words. Download {again} again.")
    return tokenizer


PROVIDERS = (GroundingDino,)
