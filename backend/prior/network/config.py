"""What the network is made of: a frozen description that is stored beside its weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from backend.errors import InputError

TextEncoder = Literal["builtin", "clip"]


@dataclass(frozen=True)
class PriorConfig:
    """width: of the stream through the blocks. hidden: of their feed-forward part. window, stride: frames of ``take.FPS`` seen at once,
    and between the starts of neighbouring windows. text: the encoder it was trained with; vocabulary, words: the built-in one's table
    and the most words read; text_width: features a token of another encoder, 0 where there is none. dropout: share of what each part
    of a block adds that is left out while training.

    Raises InputError for numbers that make no network. The paper (arXiv 2504.21855, figure 9) leaves all of them open.
    """

    width: int = 256
    blocks: int = 6
    heads: int = 4
    hidden: int = 512
    window: int = 64
    stride: int = 32
    text: TextEncoder = "builtin"
    vocabulary: int = 512
    words: int = 6
    text_width: int = 0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("width", "blocks", "heads", "hidden", "stride", "vocabulary", "words"):
            if getattr(self, name) < 1:
                raise InputError(f"the network's {name} is {getattr(self, name)}; it must be at least 1")
        if self.width % (2 * self.heads):
            raise InputError(f"the network's width {self.width} cannot be shared by {self.heads} heads in pairs; use a multiple of both")
        if not self.stride <= self.window:
            raise InputError(f"windows of {self.window} frames every {self.stride} leave gaps; use a stride of at most {self.window}")
        if not 0.0 <= self.dropout < 1.0:
            raise InputError(f"the network's dropout is {self.dropout}; it must lie between 0 and 1")
        if self.text not in get_args(TextEncoder):
            raise InputError(f"the text encoder {self.text!r} is not known; use one of {', '.join(get_args(TextEncoder))}")
        if self.text == "clip" and self.text_width < 1:
            raise InputError(f"the network's text_width is {self.text_width}; with CLIP's text it is the encoder's hidden size")

    def as_json(self) -> dict[str, int | float | str]:
        """Plain values by name."""
        return asdict(self)


def config_from_json(values: object) -> PriorConfig:
    """The other way; raises InputError for what is not such a description."""
    if not isinstance(values, Mapping):
        raise InputError(f"the network's description is {type(values).__name__}, not a table of names and values; export it again")
    known = {field.name: type(field.default) for field in fields(PriorConfig)}
    unknown = sorted(str(name) for name in values if name not in known)
    if unknown:
        raise InputError(f"the network's description has {unknown[0]!r}, which this version does not know; use the version that wrote it")
    for name, value in values.items():
        if type(value) is not known[name] and not (known[name] is float and type(value) is int):
            raise InputError(f"the network's {name} is {value!r}; a value of type {known[name].__name__} is needed")
    return PriorConfig(**{str(name): value for name, value in values.items()})
