import json
import re
import sys
from pathlib import Path

import pytest

from avsac.avsbench.generate import generate
from avsac.cli import main
from avsac.model.config import PRESETS
from avsac.training.ablation import OURS, TABLES, Row

PAPER = Path(__file__).resolve().parents[3] / "shared" / "reference" / "avsac-paper.txt"

# The paper's labels -> ours.
LABELS = {
    2: {"BASELINE": "baseline", "BAVD": "BAVD", "OURS": "ours"},
    3: {
        "ONLY AUDIO → VIS": "only audio -> vis",
        "ONLY VIS → AUDIO": "only vis -> audio",
        "w/o AGCA": "w/o AGCA",
        "w/ BAVD": "w/ BAVD",
    },
    4: {
        "DICE LOSS": "dice loss",
        r"\mathcal{L}_{Seg}": "L_seg",
        r"\mathcal{L}_{Seg} + L2": "L_seg + L2",
        r"\mathcal{L}_{Seg} + \text{FRAME-WISE L2}": "L_seg + frame-wise L2",
        "OURS": "ours",
    },
    5: {"2": "2", "4": "4", "6": "6"},
}


@pytest.mark.parametrize("number", TABLES)
def test_rows_are_those_of_the_paper_in_its_order(number: int) -> None:
    if not PAPER.exists():
        pytest.skip(f"{PAPER} is not there")
    printed = PAPER.read_text().split(f"\nTable {number}: ")[1]
    rows = []
    for line in printed.splitlines():
        cells = [cell.strip("$ ") for cell in line.split("\t")]
        if len(cells) < 5 or not re.fullmatch(r"\d+\.\d+", cells[-1]):
            if rows:
                break
            continue
        s4_f, s4_miou, ms3_f, ms3_miou = map(float, cells[-4:])
        rows.append((LABELS[number][cells[-5]], {"s4": (s4_f, s4_miou), "ms3": (ms3_f, ms3_miou)}))
    assert [(row.label, row.paper) for row in TABLES[number].rows] == rows


def changes(row: Row) -> dict[str, object]:
    loss = {"segmentation": row.loss.segmentation, "sync": row.loss.sync}
    whole = {"segmentation": "focal-dice", "sync": "avfs"}
    return row.model | {name: value for name, value in loss.items() if value != whole[name]}


def test_rows_change_what_the_paper_says_and_nothing_else() -> None:
    assert {number: [changes(row) for row in table.rows] for number, table in TABLES.items()} == {
        2: [{"decoder": "avsegformer", "sync": "none"}, {"sync": "none"}, {}],
        3: [{"decoder": "audio-to-vision"}, {"decoder": "vision-to-audio"}, {"channel_gate": False}, {}],
        4: [{"segmentation": "dice", "sync": "none"}, {"sync": "none"}, {"sync": "l2"}, {"sync": "frame-wise-l2"}, {}],
        5: [{"decoder_layers": 2}, {"decoder_layers": 4}, {"decoder_layers": 6}],
    }
    ours = {table.rows[-1].folder(PRESETS["s4-pvt"]) for table in TABLES.values()}
    assert ours == {"bavd-6-focal-dice-avfs"}  # the same run in all four
    assert all(table.rows[-1].paper is OURS for table in TABLES.values())


def test_a_table_is_run_printed_and_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    generate("ms3", tmp_path / "ms3", clips=2, size=64)

    def ablate(*options: str) -> str:
        command = [
            "ablate",
            "--table",
            "5",
            "--preset",
            "tiny",
            "--data",
            str(tmp_path / "ms3"),
            "--out",
            str(tmp_path / "out"),
        ]
        options = ("--epochs", "1", "--batch", "2", "--workers", "0", "--device", "cpu", "--learning-rate", "1e-3", *options)
        monkeypatch.setattr(sys, "argv", ["avsac", *command, *options])
        main()
        return capsys.readouterr().out

    printed = ablate()
    folders = [tmp_path / "out" / "ms3" / f"bavd-{layers}-focal-dice-avfs" for layers in (2, 4, 6)]
    table = json.loads((tmp_path / "out" / "table-5.json").read_text())
    for folder, row in zip(folders, table["rows"], strict=True):
        figures = json.loads((folder / "figures.json").read_text())
        assert figures["videos"] == 2
        assert figures["settings"]["model"]["decoder_layers"] == int(row["label"])
        assert row["ours"] == {"ms3": {name: round(100 * figures["legacy"][name], 2) for name in ("f", "miou")}}
        assert re.search(rf"^{row['label']} .*(59\.83|62\.88|64\.15) +{row['ours']['ms3']['miou']:.2f}$", printed, re.MULTILINE)
    assert (tmp_path / "out" / "table-5.md").read_text().count("\n") == 5
    written = [(folder / "model.pt").stat().st_mtime_ns for folder in folders]
    (folders[1] / "figures.json").unlink()  # trained but not measured
    assert ablate().splitlines()[-4:] == printed.splitlines()[-4:]
    assert [(folder / "model.pt").stat().st_mtime_ns for folder in folders] == written
    with pytest.raises(SystemExit, match="bavd-2-focal-dice-avfs was made with other settings: give those, or another --out"):
        ablate("--seed", "1")
