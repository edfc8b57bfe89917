"""The paper's ablations, Tables 2 to 5: their rows as runs, and the paper's figures with ours beside them.

A row is trained once, whatever tables it stands in, in a folder named after what it changes; a row that is done is read again.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..avsbench import open_dataset
from ..avsbench.evaluate import evaluate
from ..device import choose
from ..model.config import ModelConfig
from .avsbench import Run, train
from .checkpoint import load_model
from .config import LossConfig

Figures = dict[str, tuple[float, float]]  # kind -> F and mIoU in percent
OURS: Figures = {"s4": (91.56, 84.51), "ms3": (76.60, 64.15)}
BAVD: Figures = {"s4": (90.93, 83.65), "ms3": (75.12, 63.50)}
COLUMNS = ("s4", "ms3")


@dataclass(frozen=True)
class Row:
    """`label` and `paper` as printed; what differs from the whole model."""

    label: str
    paper: Figures
    model: dict[str, object] = field(default_factory=dict)
    loss: LossConfig = field(default_factory=LossConfig)

    def changed(self, config: ModelConfig) -> ModelConfig:
        return replace(config, **self.model)

    def folder(self, config: ModelConfig) -> str:
        """Name of the folder of a run of this row, from all that a row may change."""
        config = self.changed(config)
        gate = "" if config.channel_gate else "no-gate-"
        return f"{config.decoder}-{config.decoder_layers}-{gate}{self.loss.segmentation}-{self.loss.sync}"


@dataclass(frozen=True)
class Table:
    title: str
    rows: tuple[Row, ...]


TABLES = {
    2: Table(
        "Table 2: each key design",
        (
            Row("baseline", {"s4": (89.9, 82.06), "ms3": (69.3, 58.36)}, {"decoder": "avsegformer"}, LossConfig(sync="none")),
            Row("BAVD", BAVD, loss=LossConfig(sync="none")),
            Row("ours", OURS),
        ),
    ),
    3: Table(
        "Table 3: BAVD",
        (
            Row("only audio -> vis", {"s4": (90.70, 83.32), "ms3": (72.91, 62.05)}, {"decoder": "audio-to-vision"}),
            Row("only vis -> audio", {"s4": (90.16, 82.49), "ms3": (71.02, 59.35)}, {"decoder": "vision-to-audio"}),
            Row("w/o AGCA", {"s4": (90.86, 83.51), "ms3": (73.33, 62.67)}, {"channel_gate": False}),
            Row("w/ BAVD", OURS),
        ),
    ),
    4: Table(
        "Table 4: loss function",
        (
            Row("dice loss", {"s4": (90.56, 83.29), "ms3": (73.66, 62.99)}, loss=LossConfig("dice", "none")),
            Row("L_seg", BAVD, loss=LossConfig(sync="none")),
            Row("L_seg + L2", {"s4": (91.02, 83.80), "ms3": (75.56, 63.57)}, loss=LossConfig(sync="l2")),
            Row("L_seg + frame-wise L2", {"s4": (91.15, 83.94), "ms3": (75.78, 63.66)}, loss=LossConfig(sync="frame-wise-l2")),
            Row("ours", OURS),
        ),
    ),
    5: Table(
        "Table 5: decoder layers",
        (
            Row("2", {"s4": (88.76, 79.83), "ms3": (71.58, 59.83)}, {"decoder_layers": 2}),
            Row("4", {"s4": (90.50, 82.84), "ms3": (73.56, 62.88)}, {"decoder_layers": 4}),
            Row("6", OURS, {"decoder_layers": 6}),
        ),
    ),
}


def ablate(number: int, run: Run, out: Path) -> None:
    """Trains and measures the rows of a table that are not done, into `out/KIND/ROW/`.

    Raises ValueError when a row was made with other settings than `run`'s.
    """
    for row in TABLES[number].rows:
        changed = replace(run, model=row.changed(run.model), loss=row.loss)
        folder = out / run.kind / row.folder(run.model)
        done, settings = folder / "figures.json", described(changed)
        if done.exists():
            if json.loads(done.read_text())["settings"] != settings:
                raise ValueError(f"{folder} was made with other settings: give those, or another --out")
            continue
        train(folder, changed)
        if os.environ.get("RANK", "0") == "0":
            done.write_text(json.dumps({"settings": settings, **measured(folder, changed)}, indent=2) + "\n")


def described(run: Run) -> dict:
    """What a row's figures depend on, as JSON."""
    model = json.loads(json.dumps(run.sized().to_dict()))
    options = {"epochs": run.epochs, "batch": run.batch, "freeze": run.freeze, "seed": run.loop.seed}
    rates = {"learningRate": run.loop.learning_rate, "schedule": run.loop.schedule, "precision": run.loop.precision}
    return {"model": model, "loss": asdict(run.loss), **options, **rates}


def measured(folder: Path, run: Run) -> dict:
    """The best model's figures on the test split, 0..1."""
    model = load_model(folder / "best.pt").to(choose(run.device))
    clips = open_dataset(run.kind, run.data, "test", model.config.image_size)
    figures = evaluate(model, clips, wrong_sounds=False, workers=run.workers)
    return {name: figures[name] for name in ("videos", "frames", "legacy", "batchFree")}


def collect(number: int, config: ModelConfig, out: Path) -> dict:
    """{table, title, rows: [{label, paper, ours}]}; figures {kind: {f, miou}} in percent, of the rows that are done."""

    def ours(row: Row) -> Iterator[tuple[str, dict[str, float]]]:
        for kind in COLUMNS:
            path = out / kind / row.folder(config) / "figures.json"
            if path.exists():
                legacy = json.loads(path.read_text())["legacy"]
                yield kind, {name: round(100 * legacy[name], 2) for name in ("f", "miou")}

    rows = [
        {"label": row.label, "paper": {kind: dict(zip(("f", "miou"), row.paper[kind], strict=True)) for kind in COLUMNS}}
        | {"ours": dict(ours(row))}
        for row in TABLES[number].rows
    ]
    return {"table": number, "title": TABLES[number].title, "rows": rows}


def cells(table: dict) -> list[list[str]]:
    """Head and rows: for each set F and mIoU, the paper's and ours; a dash where a row is not done."""
    head = [table["title"], *(f"{kind.upper()} {name}" for kind in COLUMNS for name in ("F", "ours", "mIoU", "ours"))]
    lines = [head]
    for row in table["rows"]:
        line = [row["label"]]
        for kind in COLUMNS:
            for name in ("f", "miou"):
                value = row["ours"].get(kind, {}).get(name)
                line += [f"{row['paper'][kind][name]:.2f}", "-" if value is None else f"{value:.2f}"]
        lines.append(line)
    return lines


def text(table: dict) -> str:
    lines = cells(table)
    first, *others = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(first), *(cell.rjust(width) for cell, width in zip(line[1:], others, strict=True))])
        for line in lines
    )


def markdown(table: dict) -> str:
    head, *rows = cells(table)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows)) + "\n"
