"""A page about built scenes: what is in them, how large, how loud, and which file of the media serves which split."""

from collections import Counter
from dataclasses import dataclass
from html import escape

import numpy as np

AREAS = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0)  # of the picture
LEVELS = (-90, -60, -50, -40, -30, -25, -20, -15, 0)  # dBFS


@dataclass(frozen=True)
class Table:
    title: str
    head: list[str]
    rows: list[list[str]]


def page(kind: str, sources: dict, suffix: str) -> str:
    """The page as .html or .md, of what `read_sources` gives."""
    title = f"{kind.upper()} scenes: " + ", ".join(f"{len(split['clips'])} {name}" for name, split in sources.items())
    return (html if suffix == ".html" else markdown)(title, tables(sources))


def tables(sources: dict) -> list[Table]:
    clips = {split: content["clips"] for split, content in sources.items()}
    seconds = {
        split: [pair for note in notes for pair in zip(note["litShare"], note["levelsDbfs"], strict=True)]
        for split, notes in clips.items()
    }

    def each(of) -> dict[str, Counter]:
        return {split: Counter(name for note in notes for name in of(note)) for split, notes in clips.items()}

    return [
        Table("How they were built", ["", *sources], built(sources)),
        counts("Clips of each scene", each(lambda note: [note["scene"]])),
        counts(
            "Who and what sounds, in clips", each(lambda n: {f"{a['name']}: {a['sound']}" for a in n["actors"] if a["sound"]})
        ),
        counts("Silent in view, in clips", each(lambda note: {a["name"] for a in note["actors"] if not a["sound"]})),
        counts("How many sound at once, in seconds", each(sounding_at_once)),
        counts("Degradations, in clips", each(lambda note: conditions(note["conditions"]))),
        histogram(
            "Mask area, share of the picture, in seconds",
            {s: [lit for lit, _ in p] for s, p in seconds.items()},
            AREAS,
            "lit: none",
        ),
        histogram(
            "Level of seconds in which something lit sounds, dBFS",
            {s: [x for lit, x in p if lit] for s, p in seconds.items()},
            LEVELS,
        ),
        histogram(
            "Level of seconds in which nothing lit sounds, dBFS",
            {s: [x for lit, x in p if not lit] for s, p in seconds.items()},
            LEVELS,
        ),
        counts("Files used, by folder", {split: Counter(map(folder, content["files"])) for split, content in sources.items()}),
        counts(
            "Clips a talker, recording, sequence, photograph or video is in",
            each(lambda note: {origin(f) for f in note["files"]}),
        ),
    ]


def built(sources: dict) -> list[list[str]]:
    facts = (("seed", "seed"), ("frames, pixels", "imageSize"), ("clean", "clean"))
    rows = [[name, *(str(split[key]) for split in sources.values())] for name, key in facts]
    return [["clips", *(str(len(split["clips"])) for split in sources.values())], *rows]


def counts(title: str, found: dict[str, Counter]) -> Table:
    """A row a name, the most frequent first; a column a split."""
    total = sum(found.values(), Counter())
    names = sorted(total, key=lambda name: (-total[name], name))
    return Table(title, ["", *found], [[name, *(str(column[name] or "") for column in found.values())] for name in names])


def histogram(title: str, values: dict[str, list[float]], edges: tuple[float, ...], zero: str = "") -> Table:
    """A row a range [low, high), the last one closed; with `zero`, what is 0 has a row of its own."""
    rows = [[zero, *(str(sum(v == 0 for v in column)) for column in values.values())]] if zero else []
    kept = {split: np.clip([v for v in column if v or not zero], edges[0], edges[-1]) for split, column in values.items()}
    bins = [np.histogram(column, edges)[0] for column in kept.values()]
    rows += [[f"{edges[i]:g} to {edges[i + 1]:g}", *(str(b[i]) for b in bins)] for i in range(len(edges) - 1)]
    return Table(title, ["", *values], rows)


def sounding_at_once(note: dict) -> list[str]:
    return [str(sum(on)) for on in zip(*(actor["seconds"] for actor in note["actors"]), strict=True)]


def conditions(how: dict) -> list[str]:
    said = [name for name in ("reverberation", "dark", "blur", "shake") if how.get(name)]
    said += [how["video"]] if how.get("video") else []
    said += [f"Opus {how['opusKbps']} kb/s"] if how["opusKbps"] else []
    return said + ([f"noise: {how['noise']}"] if how["snrDb"] is not None else [])


def folder(name: str) -> str:
    return "/".join(name.split("/")[: 2 if name.startswith("sounds/") else 1])


def origin(name: str) -> str:
    """A sequence for its frames, the file itself for the rest."""
    return name.rsplit("/", 1)[0] if name.startswith("davis/") else name


def markdown(title: str, found: list[Table]) -> str:
    lines = [f"# {title}"]
    for table in found:
        lines += [
            "",
            f"## {table.title}",
            "",
            row(table.head),
            "|---|" + "---:|" * (len(table.head) - 1),
            *map(row, table.rows),
        ]
    return "\n".join(lines) + "\n"


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


STYLE = """body{font:15px/1.4 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1e1e22}
table{border-collapse:collapse;margin:.5rem 0 2rem}td,th{padding:.15rem .8rem;text-align:left}
td.n{text-align:right;min-width:6rem;font-variant-numeric:tabular-nums}th+th{text-align:right}tr:nth-child(even){background:#f3f3f1}"""


def html(title: str, found: list[Table]) -> str:
    """Behind each number a bar, relative to the largest of its column."""
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"]
    parts.append(f"<h1>{escape(title)}</h1>")
    for table in found:
        parts.append(f"<h2>{escape(table.title)}</h2><table><tr>{''.join(f'<th>{escape(h)}</th>' for h in table.head)}</tr>")
        largest = [max((int(c) for c in column if c.isdigit()), default=0) for column in zip(*table.rows, strict=True)]
        for first, *rest in table.rows:
            cells = "".join(cell(text, most) for text, most in zip(rest, largest[1:], strict=True))
            parts.append(f"<tr><td>{escape(first)}</td>{cells}</tr>")
        parts.append("</table>")
    return "\n".join(parts) + "\n"


def cell(text: str, most: int) -> str:
    width = 100 * int(text) // most if text.isdigit() and most else 0
    bar = f' style="background:linear-gradient(to left,#b9d3ea {width}%,transparent {width}%)"' if width else ""
    return f"<td class=n{bar}>{escape(text)}</td>"
