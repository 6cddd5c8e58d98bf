"""Words for the network: a built-in vocabulary that needs no download, and CLIP's text encoder where its weights are present."""

import re
import zlib
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from backend.errors import InputError

VOCABULARY = 512
MOST_WORDS = 6

_WORD = re.compile(r"[a-z]+")
_SAYS_NOTHING = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "by",
        "for",
        "from",
        "he",
        "her",
        "his",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "she",
        "some",
        "someone",
        "that",
        "the",
        "their",
        "then",
        "they",
        "this",
        "to",
        "while",
        "who",
        "with",
        "man",
        "woman",
        "person",
        "people",
        "boy",
        "girl",
        "human",
        "figure",
        "motion",
        "moving",
        "moves",
    ]
)
_VOWELS = "aeiouy"
_SHORTEST_STEM = 3


def tokens(text: str, n: int = MOST_WORDS, vocabulary: int = VOCABULARY) -> tuple[int, ...]:
    """``n`` token ids in [0, vocabulary) of the first ``n`` telling words of ``text``; 0 fills up.

    Words are cut to a stem ("runs" and "running" are "run") and hashed: an unknown word finds an embedding that was hardly trained, so
    it says little.
    """
    words = [word for word in _WORD.findall(text.lower()) if word not in _SAYS_NOTHING]
    found = [1 + zlib.crc32(stem(word).encode()) % (vocabulary - 1) for word in words[:n]]
    return tuple(found + [0] * (n - len(found)))


def stem(word: str) -> str:
    """A lower-cased word without its commonest English endings."""
    for ending in ("ing", "ed", "es", "s"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and not word.endswith("ss") and len(rest) >= _SHORTEST_STEM and any(letter in _VOWELS for letter in rest):
            doubled = len(rest) > _SHORTEST_STEM and rest[-1] == rest[-2] and rest[-1] not in "lsz" + _VOWELS
            word = rest[:-1] if doubled else rest
            break
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST_STEM else word


def word_ids(texts: list[str], n: int = MOST_WORDS, vocabulary: int = VOCABULARY) -> Int[Tensor, "b n"]:
    """``tokens`` of several texts."""
    return torch.tensor([tokens(text, n, vocabulary) for text in texts], dtype=torch.long).reshape(len(texts), n)


class ClipText:
    """CLIP's text encoder (arXiv 2103.00020) from a folder in the layout of ``transformers``, for networks trained with it.

    folder: holds tokenizer and safetensors weights; nothing is downloaded. Raises InputError where it does not.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import CLIPTextModel, CLIPTokenizer

        try:
            self._tokenizer: Any = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = CLIPTextModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        except (OSError, ValueError, TypeError) as reason:
            cause = str(reason).splitlines()[0]
            raise InputError(f"{folder} holds no CLIP text encoder ({cause}); download one there or use the built-in words") from reason

    @property
    def width(self) -> int:
        """Features a token."""
        return int(self._model.config.hidden_size)

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> Float[Tensor, "b n e"]:
        """Token features; 0 throughout for the padding after each text's end, and for every token of an empty text."""
        given: Any = self._tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        said = torch.tensor([bool(text.strip()) for text in texts])
        features: Tensor = self._model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state
        return features * (given["attention_mask"] * said[:, None])[..., None]
