"""Where a run's time goes: U-Net, autoencoder, and what is ours around them."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Clock:
    """Seconds by name. On CUDA a share ends when its work is done, not when it is queued."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._seconds = device, defaultdict[str, float](float)
        self._began = time.perf_counter()

    @contextmanager
    def share(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
        finally:
            self._seconds[name] += time.perf_counter() - began

    def of(self, name: str) -> float:
        return self._seconds[name]

    @property
    def total(self) -> float:
        """Since the clock was made."""
        return time.perf_counter() - self._began
