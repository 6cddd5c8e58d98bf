"""The video models that can be downloaded, with what has to be known before: licence, size, and whether the hub asks for an account."""

from dataclasses import dataclass

from .names import PUBLISHED

HUB = "https://huggingface.co"
TOKENS_PAGE = f"{HUB}/settings/tokens"


@dataclass(frozen=True)
class PublishedModel:
    """name: of the hub's repository. bytes: of the half-precision files, about. gated: whether an account must accept the licence first."""

    name: str
    words: str
    licence: str
    bytes: int
    gated: bool

    @property
    def page(self) -> str:
        return page_of(self.name)


_LICENCE = "Stability AI Community License (research and non-commercial use are free; read it for commercial use)"

PUBLISHED_MODELS: tuple[PublishedModel, ...] = (
    PublishedModel(PUBLISHED[0], "25 frames, 1024 x 576, tuned for steady results", _LICENCE, 4_510_000_000, gated=True),
    PublishedModel(PUBLISHED[1], "25 frames, 1024 x 576", _LICENCE, 4_510_000_000, gated=False),
)


def page_of(name: str) -> str:
    """A repository's page, where its licence stands and is accepted."""
    return f"{HUB}/{name}"


def published_model(name: str) -> PublishedModel | None:
    """None for a repository that is not in the table."""
    return next((model for model in PUBLISHED_MODELS if model.name == name), None)


def licence_words(name: str) -> str:
    """One sentence to show before a download begins."""
    model = published_model(name)
    if model is None:
        return f"The licence of {name} stands on {page_of(name)}: read it before you download."
    return f"{name} is about {gigabytes(model.bytes)} under the {model.licence}: {model.page}"


def gated_words(name: str) -> str:
    """What to do about a model that the hub gives to accounts only."""
    return (
        f"Log in at {HUB}, accept the licence on {page_of(name)}, make a token for reading on {TOKENS_PAGE}, "
        'keep it with "hf auth login" (or in the variable HF_TOKEN before the backend starts), then download again.'
    )


def gigabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
