"""Which clips make which step: a function of the seed, so that a run goes on anywhere and on any number of processes."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import Sampler


@dataclass(frozen=True)
class Share:
    """Process `rank` of `world`, each step's part in `accumulate` micro-batches."""

    rank: int = 0
    world: int = 1
    accumulate: int = 1


class StepSampler(Sampler[list[int]]):
    """Indices of this process's micro-batches, `accumulate` of them a step, from step `first` to the last of all epochs.

    Every epoch is shuffled anew, cut into global batches, the rest left out. Processes and micro-batches share a batch in its
    order, so the batch of a step is the same for any number of them.
    """

    def __init__(self, clips: int, batch: int, epochs: int, seed: int, share: Share, first: int = 0):
        """Raises ValueError when the batch does not divide, or is larger than the set."""
        parts = share.world * share.accumulate
        if batch < 1 or batch % parts:
            raise ValueError(
                f"a batch of {batch} does not divide into {share.world} process(es) x {share.accumulate} micro-batch(es): "
                f"change --batch or --accumulate"
            )
        if batch > clips:
            raise ValueError(f"a batch of {batch} is larger than the training set of {clips}: lower --batch")
        self.clips, self.batch, self.epochs, self.seed, self.share, self.first = clips, batch, epochs, seed, share, first
        self.epoch_steps = clips // batch
        self.steps = epochs * self.epoch_steps

    def order(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(self.clips, generator=generator).tolist()

    def __len__(self) -> int:
        return (self.steps - self.first) * self.share.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        mine = self.batch // self.share.world
        micro = mine // self.share.accumulate
        epoch, order = -1, []
        for step in range(self.first, self.steps):
            if step // self.epoch_steps != epoch:
                epoch = step // self.epoch_steps
                order = self.order(epoch)
            start = (step % self.epoch_steps) * self.batch + self.share.rank * mine
            for index in range(start, start + mine, micro):
                yield order[index : index + micro]
