"""What a run reports: JSON lines in `log.jsonl` and on standard output, TensorBoard's files, a bar with the time left."""

import json
from pathlib import Path

import numpy as np
from tqdm import tqdm


class Journal:
    """`with` closes it. Where `active` is false (processes but the first) it reports nothing."""

    def __init__(self, folder: Path, step: int, length: float, position: float, unit: str, active: bool = True):
        """TensorBoard forgets what a killed run wrote after `step`. The bar stands at `position` of `length` `unit`s."""
        self.active = active
        if active:
            from torch.utils.tensorboard import SummaryWriter

            self.file = (folder / "log.jsonl").open("a")
            self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=step)
        format = "{l_bar}{bar}| {n:.4g}/{total:.4g} {unit} [{elapsed}<{remaining}{postfix}]"
        self.bar = tqdm(total=length, initial=position, unit=unit, bar_format=format, disable=None if active else True)

    def line(self, **values: object) -> None:
        if self.active:
            text = json.dumps(values)
            print(text, file=self.file, flush=True)
            tqdm.write(text)

    def scalars(self, step: int, values: dict[str, float | None]) -> None:
        """tag -> number; a None is left out."""
        if self.active:
            for tag, value in values.items():
                if value is not None:
                    self.board.add_scalar(tag, value, step)

    def picture(self, step: int, tag: str, image: np.ndarray) -> None:
        """image [H,W,3] uint8."""
        if self.active:
            self.board.add_image(tag, image, step, dataformats="HWC")

    def advance(self, position: float, loss: float) -> None:
        self.bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        self.bar.update(position - self.bar.n)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()
        if self.active:
            self.file.close()
            self.board.close()
