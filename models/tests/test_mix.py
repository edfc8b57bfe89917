"""`avsac mix`: the weighted mean of several runs."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avsac.cli import main
from avsac.model.avsac import AVSAC
from avsac.model.config import TINY, ModelConfig
from avsac.training.checkpoint import load_model, write_model


def written(path: Path, config: ModelConfig, seed: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    model = AVSAC(config)
    write_model(path, model)
    return model.state_dict()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["avsac", "mix", *map(str, arguments)])
    main()


def test_every_weight_is_the_weighted_mean_and_what_only_one_has_its_own(tmp_path: Path, monkeypatch, capsys) -> None:
    plain, sharp = replace(TINY, backbone="efficientnet-lite0"), replace(TINY, backbone="efficientnet-lite0", head_lateral=True)
    a, b = written(tmp_path / "a.pt", plain, 1), written(tmp_path / "b=0.pt", sharp, 2)
    run(monkeypatch, f"{tmp_path / 'a.pt'}=0.3", f"{tmp_path / 'b=0.pt'}=0.7", "-o", tmp_path / "c.pt")
    assert "0.3 of" in capsys.readouterr().out
    mixed = load_model(tmp_path / "c.pt")
    assert mixed.config == sharp
    for name, weight in mixed.state_dict().items():
        expected = 0.3 * a[name] + 0.7 * b[name] if name in a else b[name]
        torch.testing.assert_close(weight, expected.to(weight.dtype))
    assert "head.lateral.weight" in mixed.state_dict()
    assert not torch.equal(mixed.state_dict()["head.reduce.weight"], b["head.reduce.weight"])


def test_a_lift_is_set_in_a_model_that_recognises(tmp_path: Path, monkeypatch) -> None:
    before = written(tmp_path / "a.pt", replace(TINY, backbone="efficientnet-lite0", recognition=True), 1)
    run(monkeypatch, f"{tmp_path / 'a.pt'}=1", "--lift", 0.5, 0.25, "-o", tmp_path / "b.pt")
    after = load_model(tmp_path / "b.pt").state_dict()
    assert {name for name, weight in after.items() if not torch.equal(weight, before[name])} == {"recognition.lift"}
    assert after["recognition.lift"].tolist() == [0.5, 0.25]
    written(tmp_path / "plain.pt", TINY, 1)
    with pytest.raises(SystemExit, match="--lift is of a model with recognition, such as the preset live"):
        run(monkeypatch, f"{tmp_path / 'plain.pt'}=1", "--lift", 0.5, 0.25, "-o", tmp_path / "c.pt")


def test_what_cannot_be_mixed_is_said(tmp_path: Path, monkeypatch) -> None:
    written(tmp_path / "a.pt", TINY, 1)
    written(tmp_path / "b.pt", replace(TINY, queries=4), 1)
    cases = {
        ("a.pt", "b.pt=0.5"): "a.pt is not MODEL=SHARE",
        ("a.pt=0.5", "b.pt=0.6"): "shares 0.5, 0.6 are not above 0 and 1 together",
        ("a.pt=1.5", "b.pt=-0.5"): "are not above 0",
        ("a.pt=0.5", "b.pt=0.5"): "only models of one configuration",
        ("a.pt=0.5", "none.pt=0.5"): "none.pt",
    }
    for models, expected in cases.items():
        with pytest.raises(SystemExit, match=expected):
            run(monkeypatch, *(tmp_path / model for model in models), "-o", tmp_path / "c.pt")
        assert not (tmp_path / "c.pt").exists()
