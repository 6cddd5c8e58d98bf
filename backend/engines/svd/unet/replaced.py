"""Modules that compute something else for a while, and then again what they were made for."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from torch import nn


class Replacements:
    """Keeps what it replaced; ``restore`` (or leaving the ``with`` block) puts everything back, the last replaced first.

    Weights, buffers and the module tree stay as they are, so that a network can be saved or moved in between.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def forward(self, module: nn.Module, function: Callable[..., Any]) -> Callable[..., Any]:
        """From now on ``function`` is called in place of the module's forward, which is returned."""
        before: Callable[..., Any] = module.forward
        own = "forward" in vars(module)  # somebody else's replacement, an offload hook for instance
        self._undo.append((lambda: setattr(module, "forward", before)) if own else (lambda: delattr(module, "forward")))
        module.forward = function
        return before

    def processor(self, attention: Any, processor: Any) -> None:
        """From now on ``processor`` computes this diffusers attention layer."""
        before = attention.get_processor()
        self._undo.append(lambda: attention.set_processor(before))
        attention.set_processor(processor)

    def restore(self) -> None:
        while self._undo:
            self._undo.pop()()

    def __enter__(self) -> "Replacements":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.restore()
