"""How the tensors of a published file lie in our model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

Shape = tuple[int, ...]


class CheckpointError(ValueError):
    """The file is not what it was taken for."""


@dataclass(frozen=True)
class Source:
    """Where one of our tensors lies: the `part`-th of `parts` equal slices of the first axis of their tensor `key`."""

    key: str
    part: int = 0
    parts: int = 1


@dataclass(frozen=True)
class Layout:
    """What a published file holds. `idle` are its tensors that its model never runs: accepted, when there, and dropped."""

    name: str
    origin: str  # where the file comes from
    sources: Mapping[str, Source]  # by our key
    shapes: Mapping[str, Shape]  # by their key
    idle: Mapping[str, Shape]  # by their key

    @staticmethod
    def of(
        name: str, origin: str, ours: Mapping[str, Tensor], source: Callable[[str], Source], idle: Mapping[str, Shape]
    ) -> "Layout":
        """`ours` are the tensors of our model that the file fills, by our key; `source` names where each lies."""
        sources = {key: source(key) for key in ours}
        shapes = {
            place.key: (place.parts * ours[key].shape[0], *ours[key].shape[1:]) if ours[key].dim() else ()
            for key, place in sources.items()
        }
        return Layout(name, origin, sources, shapes, idle)

    def shared(self, keys: Iterable[str]) -> int:
        """How many of the keys are this layout's."""
        return len(set(keys) & (self.shapes.keys() | self.idle.keys()))

    def convert(self, theirs: Mapping[str, object], file: str) -> dict[str, Tensor]:
        """Their tensors under our keys, as views. Raises CheckpointError that names every key that is wrong.

        Counters of batches, which files from before PyTorch 0.4 lack and inference does not read, may be missing.
        """
        known = {**self.shapes, **self.idle}
        missing = [key for key in self.shapes if key not in theirs and not key.endswith("num_batches_tracked")]
        unexpected = [key for key in theirs if key not in known]
        misshapen = [
            f"{key} {shape_of(theirs[key])}, not {shape}"
            for key, shape in known.items()
            if key in theirs and shape_of(theirs[key]) != shape
        ]
        faults = {"missing": missing, "unexpected": unexpected, "misshapen": misshapen}
        if any(faults.values()):
            listed = "; ".join(f"{len(keys)} {fault}: {', '.join(keys)}" for fault, keys in faults.items() if keys)
            raise CheckpointError(f"{file} is not {self.name}: {listed}")
        return {
            key: theirs[place.key].chunk(place.parts)[place.part] if place.parts > 1 else theirs[place.key]
            for key, place in self.sources.items()
            if place.key in theirs
        }


def shape_of(value: object) -> Shape | str:
    return tuple(value.shape) if isinstance(value, Tensor) else f"of type {type(value).__name__}"
