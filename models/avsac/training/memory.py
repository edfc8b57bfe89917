"""Running out of memory, told in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class OutOfMemory(ValueError):
    """A step or a validation did not fit; the message names the setting to lower."""


@contextmanager
def explained(what: str, remedy: str) -> Iterator[None]:
    """Turns what torch (CUDA or CPU) and NumPy raise into OutOfMemory; other errors pass."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        # The CPU allocator raises a plain RuntimeError.
        short = isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
        if not short:
            raise
        raise OutOfMemory(f"out of memory in {what}: {remedy}") from error
