"""Which device a command runs on."""

import torch


def choose(name: str = "auto") -> str:
    """`name` of "auto", "cpu" and "cuda" -> "cpu" or "cuda". Raises ValueError for "cuda" where torch finds none."""
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise ValueError("torch finds no CUDA device; give --device cpu")
    return "cuda" if found and name != "cpu" else "cpu"
