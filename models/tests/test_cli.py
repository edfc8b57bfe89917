import sys
from pathlib import Path

import pytest

from avsac.cli import main


def test_errors_are_one_line_and_name_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        ("eval", "none.pt"): "give either --data, or --scenes, --media or both",
        ("eval", "none.pt", "--scenes", str(tmp_path)): "no rendered split",
        ("export", "none.pt", "-o", str(tmp_path)): "none.pt",
        ("train", "--scenes", str(tmp_path)): "give --minutes or --steps",
        (
            "train",
            "--scenes",
            str(tmp_path),
            "--steps",
            "1",
            "--sync-loss",
            "l2",
        ): "losses focal-dice, and avfs or none",
        ("train", "--minutes", "1"): "give --data \\(a folder of AVSBench\\), or --scenes, --media or both",
    }
    for arguments, expected in cases.items():
        monkeypatch.setattr(sys, "argv", ["avsac", *arguments])
        with pytest.raises(SystemExit, match=expected) as error:
            main()
        assert str(error.value).startswith("avsac: ")
        assert "\n" not in str(error.value)
