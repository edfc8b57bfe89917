import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from avsac.avsbench import DataError
from avsac.avsbench.check import check, find_kind
from avsac.avsbench.generate import generate
from avsac.cli import main

PUBLISHED = {"s4": (3452, 740, 740), "ms3": (296, 64, 64), "avss": (8498, 1304, 1554)}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_whole_set_has_counts_beside_the_published_ones_and_no_faults(tmp_path: Path, kind: str) -> None:
    generate(kind, tmp_path, clips=2, size=24)
    assert find_kind(tmp_path) == kind
    report = check(kind, tmp_path)
    assert report.faults == 0
    splits = report.to_dict()["splits"]
    assert splits == {s: {"videos": 2, "published": n} for s, n in zip(("train", "val", "test"), PUBLISHED[kind], strict=True)}
    text = report.text()
    assert f"val                2{PUBLISHED[kind][1]:>12}" in text
    assert "missing: none\nbroken: none" in text
    assert ("categories" in text) == (kind == "s4")
    if kind == "s4":
        assert report.to_dict()["categories"] == {"found": 2, "published": 23}


def test_every_missing_and_broken_file_is_found_and_the_first_ones_named(tmp_path: Path) -> None:
    generate("s4", tmp_path, clips=4, size=24, pickles=True)
    data = tmp_path / "s4_data"
    frames = sorted((data / "visual_frames" / "test").rglob("*.png"))[:12]
    for path in frames:
        path.unlink()
    broken_frame, mask = sorted((data / "visual_frames" / "val").rglob("*.png"))[3], next((data / "gt_masks").rglob("*_1.png"))
    broken_frame.write_bytes(broken_frame.read_bytes()[:200])
    Image.new("L", (24, 24), 3).save(mask)
    pickles = sorted((data / "audio_log_mel").rglob("*.pkl"))
    pickles[0].write_bytes(b"no pickle")
    pickles[1].unlink()  # its wav is there
    pickles[2].unlink()
    wav = data / "audio_wav" / pickles[2].relative_to(data / "audio_log_mel").with_suffix(".wav")
    wav.unlink()
    report = check("s4", tmp_path)
    assert sorted(report.missing) == sorted(map(str, [*frames, wav]))
    assert len(report.broken) == 3
    for path in (broken_frame, mask, pickles[0]):
        assert sum(str(path) in fault for fault in report.broken) == 1
    text = report.text()
    assert "missing: 13" in text
    assert sum(str(path) in text for path in frames) <= 10
    assert "  and 3 more; --json names them all" in text
    assert "this one 3, too" in text


def test_avss_with_colours_only_and_a_wrong_class(tmp_path: Path) -> None:
    generate("avss", tmp_path, clips=1, size=24)
    labels = next((tmp_path / "v2").rglob("labels_semantic"))
    Image.new("L", (24, 24), 200).save(labels / "0.png")
    (labels / "1.png").rename(labels.parent / "1.png")
    report = check("avss", tmp_path)
    assert report.missing == [str(labels / "1.png")]
    assert len(report.broken) == 1
    assert "class 200 is not one of the 71" in report.broken[0]


def test_the_kind_is_the_one_whose_table_is_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds none of s4_meta_data.csv, ms3_meta_data.csv, metadata.csv"):
        find_kind(tmp_path)
    (tmp_path / "metadata.csv").touch()
    (tmp_path / "ms3_meta_data.csv").touch()
    with pytest.raises(DataError, match="tables of ms3 and avss; say which with --kind"):
        find_kind(tmp_path)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["avsac", "data", *map(str, arguments)])
    main()


def test_the_command_line_generates_checks_and_fails_on_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder, report = tmp_path / "set", tmp_path / "report.json"
    command(monkeypatch, "generate", "ms3", folder, "--clips", 1, "--image-size", 32, "--seed", 4, "--pickles")
    command(monkeypatch, "check", folder)
    assert "MS3 in" in capsys.readouterr().out
    (folder / "ms3_data" / "visual_frames" / "val-0000" / "val-0000.mp4_2.png").unlink()
    with pytest.raises(SystemExit, match="avsac: files are missing: 1, broken: 0"):
        command(monkeypatch, "check", folder, "--kind", "ms3", "--json", report)
    written = json.loads(report.read_text())
    assert written["kind"] == "ms3"
    assert written["missing"] == [str(folder / "ms3_data/visual_frames/val-0000/val-0000.mp4_2.png")]
    with pytest.raises(SystemExit, match=r"avsac: .*s4_meta_data.csv is missing"):
        command(monkeypatch, "check", folder, "--kind", "s4")
