"""docs/reproduce.md: its commands are the command line's, its folders those that runs make, its miniature runs."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import torch

from avsac.cli import main, parser
from avsac.model.config import PRESETS
from avsac.training.ablation import TABLES
from avsac.training.avsbench import Run

from .conftest import MODELS

PAGE = MODELS.parent / "docs" / "reproduce.md"
TEXT = PAGE.read_text()
MINIATURE = TEXT.split("## The whole way in miniature")[1]


def commands(text: str) -> list[list[str]]:
    """Arguments of every `avsac` in the fenced shell blocks, under torchrun as well."""
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ").splitlines()
    found = [re.fullmatch(r"models/run (?:torchrun .* -m avsac\.cli|avsac) (.*)", line) for line in lines]
    return [shlex.split(match[1]) for match in found if match]


def test_every_command_is_one_of_the_command_line() -> None:
    found = commands(TEXT)
    parsed = [parser().parse_args(arguments) for arguments in found]  # exits when one is not
    assert {arguments[0] for arguments in found} >= {"data", "import", "params", "train", "eval", "ablate", "figures", "export"}
    trained = {a.preset: a.data.name for arguments, a in zip(found, parsed, strict=True) if arguments[0] == "train"}
    table_1 = {preset: task for preset in PRESETS if (task := preset.split("-")[0]) in ("s4", "ms3", "avss")}
    assert {preset: trained[preset] for preset in table_1} == table_1
    ablated = {(a.preset, a.table) for arguments, a in zip(found, parsed, strict=True) if arguments[0] == "ablate"}
    assert ablated >= {(preset, table) for preset in ("s4-pvt", "ms3-pvt") for table in TABLES}


def test_figures_read_folders_that_ablations_make() -> None:
    made = {row.folder(PRESETS["s4-pvt"]) for table in TABLES.values() for row in table.rows}
    assert len(made) == 11
    named = re.findall(r"\.cache/runs/ablations/(\w+)/(\S+)/best\.pt", TEXT)
    assert len(named) == 4
    for kind, folder in named:
        assert kind in ("s4", "ms3")
        assert folder in made


def test_links_lead_to_files_and_sections() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in {h.lower().replace(" ", "-") for h in re.findall(r"^## (.*)$", TEXT, re.MULTILINE)}
        elif not target.startswith("http"):
            assert (PAGE.parent / target).exists(), target


def test_hours_follow_from_the_counted_operations() -> None:
    """The table's lines, from those of the table of operations and the sets' published sizes."""
    from avsac.avsbench.layouts import LAYOUTS
    from avsac.training.config import TASKS

    cost = {"PVT-v2-B5": {}, "ResNet-50": {}}
    for backbone, side, forward, step in re.findall(
        r"^\| (PVT-v2-B5|ResNet-50), (\d+) px.*\| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE
    ):
        cost[backbone][int(side)] = (int(forward), int(step))
    rates = (0.5 * 19.5, 0.15 * 312, 0.5 * 67, 0.15 * 989)
    rows = re.findall(r"^\| (S4|MS3|AVSS), (\S+) \| (\d+) \| (.*) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    for name, backbone, petaflop, hours in rows:
        kind = name.lower()
        forward, step = cost[backbone][PRESETS[f"{kind}-pvt"].image_size]
        videos, window = LAYOUTS[kind].published, LAYOUTS[kind].window
        trained = videos["train"] // Run.batch * Run.batch
        total = (trained * step + videos["val"] * forward) * window * TASKS[kind].epochs / 1e6
        assert int(petaflop) == pytest.approx(total, rel=0.005)
        for given, rate in zip(hours.split(" | "), rates, strict=True):
            assert float(given) == pytest.approx(1000 * total / rate / 3600, abs=0.06)


def test_the_miniature_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    for arguments in commands(MINIATURE):
        monkeypatch.setattr(sys, "argv", ["avsac", *arguments])
        main()
    tried = tmp_path / ".cache" / "try"
    assert len(list((tried / "figures").glob("*.png"))) == 2
    assert "baseline" in (tried / "ablations" / "table-2.md").read_text()
    assert (tried / "served" / "manifest.json").exists()
