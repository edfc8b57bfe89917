import sys
from dataclasses import replace

import pytest

from avsac import cli
from avsac.commands.params import DESIGN, counted
from avsac.model.avsac import AVSAC
from avsac.model.config import PRESETS, TINY
from avsac.model.parameters import count

S4 = PRESETS["s4-pvt"]


@pytest.fixture(scope="module")
def s4() -> dict[str, int]:
    return counted(S4)


@pytest.mark.parametrize("part", DESIGN)
def test_every_part_has_the_settled_count(s4: dict[str, int], part: str) -> None:
    assert s4[part] == DESIGN[part]
    assert list(s4) == list(DESIGN)


def test_totals_are_the_papers() -> None:
    """181 M and 186 M in the paper, section 4.5."""
    assert DESIGN["total with these"] - DESIGN["w of Eq. 2"] == 180_981_824
    assert counted(replace(S4, decoder="avsegformer"))["total with these"] == 186_053_504


def test_classes_add_to_the_last_convolution_alone(s4: dict[str, int]) -> None:
    avss = counted(PRESETS["avss-pvt"])
    assert {part for part in avss if avss[part] != s4[part]} == {"fc", "total", "attn_fc, never run", "total with these"}
    assert avss["fc"] - s4["fc"] == 70 * 32


def test_the_count_is_that_of_a_model_with_memory() -> None:
    assert count(TINY)["total"] == sum(p.numel() for p in AVSAC(TINY).parameters())


def test_command_prints_every_preset_and_the_design_beside(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["avsac", "params"])
    cli.main()
    printed = capsys.readouterr().out
    assert all(f"{preset}, decoder bavd" in printed for preset in PRESETS)
    backbone = next(line for line in printed.splitlines() if line.startswith("backbone") and "81,443,008" in line)
    assert backbone.split() == ["backbone", "81,443,008", "81,443,008"]
    monkeypatch.setattr(sys, "argv", ["avsac", "params", "--preset", "s4-pvt", "--decoder", "avsegformer"])
    cli.main()
    assert "186,053,504       186,053,504".replace("       ", "") in capsys.readouterr().out.replace(" ", "")
