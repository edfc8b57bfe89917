"""The table of a data set: one row a video."""

import csv
import json
from pathlib import Path

from .errors import DataError

SPLITS = ("train", "val", "test")
Row = dict[str, str]


def read_table(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """Rows of a CSV file that has at least `columns`, one of them `split`. Raises DataError."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            found, rows = reader.fieldnames or [], list(reader)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; give the folder that holds it") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no readable table: {error}") from None
    missing = [column for column in columns if column not in found]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(found) or 'none'}")
    for number, row in enumerate(rows, 2):
        for column in columns:
            if not row[column]:
                raise DataError(f"{path}, line {number}: column {column!r} is empty")
        if row["split"] not in SPLITS:
            raise DataError(f"{path}, line {number}: column 'split' is {row['split']!r}, not train, val or test")
    return rows


def read_classes(path: Path, count: int) -> list[str]:
    """Names of the `count` classes by index, from {name: index}. Raises DataError when the indices are not 0..count-1."""
    try:
        indices = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; it gives the class of each index") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no readable JSON: {error}") from None
    if not isinstance(indices, dict) or sorted(map(str, indices.values())) != sorted(map(str, range(count))):
        found = len(indices) if isinstance(indices, dict) else "no"
        raise DataError(f"{path}: expected {count} class names with the indices 0 to {count - 1}, found {found} names")
    return sorted(indices, key=lambda name: int(indices[name]))
