"""Reads every file of a set and says what is missing, what is broken, and how the counts compare with the published ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from .dataset import read_mask, read_sound
from .errors import DataError
from .layouts import LAYOUTS, ClipFiles, Layout
from .metadata import SPLITS, Row, read_classes, read_table
from .pictures import read_frame

NAMED = 10  # missing or broken files that the text names; JSON has all
SMALLEST = 8  # pixels; decoding is what counts


@dataclass
class Report:
    """What is found in one set. Counts that differ from the published ones are no fault: a part of a set is usable."""

    layout: Layout
    path: Path
    videos: dict[str, int]  # split -> rows of the table
    categories: int
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # one sentence each, the file first

    @property
    def faults(self) -> int:
        return len(self.missing) + len(self.broken)

    def to_dict(self) -> dict:
        return {
            "kind": self.layout.kind,
            "path": str(self.path),
            "splits": {s: {"videos": self.videos[s], "published": self.layout.published[s]} for s in SPLITS},
            "categories": {"found": self.categories, "published": self.layout.categories},
            "missing": self.missing,
            "broken": self.broken,
        }

    def text(self) -> str:
        lines = [f"{self.layout.kind.upper()} in {self.path}", f"{'split':<12}{'videos':>8}{'published':>12}"]
        lines += [f"{split:<12}{self.videos[split]:>8}{self.layout.published[split]:>12}" for split in SPLITS]
        lines.append(f"{'all':<12}{sum(self.videos.values()):>8}{sum(self.layout.published.values()):>12}")
        if self.layout.categories:
            lines.append(f"{'categories':<12}{self.categories:>8}{self.layout.categories:>12}")
        for title, faults in (("missing", self.missing), ("broken", self.broken)):
            lines.append(f"{title}: {len(faults) or 'none'}")
            lines += [f"  {fault}" for fault in faults[:NAMED]]
            if len(faults) > NAMED:
                lines.append(f"  and {len(faults) - NAMED} more; --json names them all")
        return "\n".join(lines)


def find_kind(path: Path) -> str:
    """The set whose table is in the folder. Raises DataError when there is none, or more than one."""
    kinds = [layout.kind for layout in LAYOUTS.values() if (path / layout.table).exists()]
    if not kinds:
        raise DataError(f"{path} holds none of {', '.join(layout.table for layout in LAYOUTS.values())}")
    if len(kinds) > 1:
        raise DataError(f"{path} holds the tables of {' and '.join(kinds)}; say which with --kind")
    return kinds[0]


def check(kind: str, path: Path, workers: int = 0) -> Report:
    """Reads all files, with a progress bar. Raises DataError when the table itself cannot be read."""
    layout = LAYOUTS[kind]
    rows = read_table(path / layout.table, layout.columns)
    if layout.classes > 1:
        read_classes(path / "label2idx.json", layout.classes)
    videos = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    report = Report(layout, path, videos, len({row["category"] for row in rows if "category" in row}))
    faults = DataLoader(Faults(layout, path, rows), batch_size=None, num_workers=workers)
    for missing, broken in tqdm(faults, desc=f"check {kind}", unit=" videos", disable=None):
        report.missing += missing
        report.broken += broken
    return report


class Faults(Dataset):
    """(missing files, sentences about broken ones) of each video."""

    def __init__(self, layout: Layout, path: Path, rows: list[Row]):
        self.layout, self.path, self.rows = layout, path, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[list[str], list[str]]:
        missing, broken = [], []
        for path, read in self.readers(self.layout.locate(self.path, self.rows[index])):
            if not path.exists():
                missing.append(str(path))
                continue
            try:
                read()
            except DataError as error:
                broken.append(str(error))
        return missing, broken

    def readers(self, files: ClipFiles) -> Iterator[tuple[Path, Callable[[], object]]]:
        for path in files.frames:
            yield path, partial(read_frame, path, SMALLEST)
        for path in filter(None, files.masks):
            yield path, partial(read_mask, self.layout, path, SMALLEST)
        pickled = files.log_mel and files.log_mel.exists()
        yield files.log_mel if pickled else files.wav, partial(read_sound, self.layout, files)
