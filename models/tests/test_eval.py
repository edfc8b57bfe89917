"""`avsac eval` on generated sets, with models whose figures are known beforehand, and against a loop over frames."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from avsac.audio import log_mel
from avsac.avsbench import DataError, open_dataset
from avsac.avsbench.evaluate import evaluate, format_table
from avsac.avsbench.generate import KINDS, generate
from avsac.avsbench.wrong_sounds import Heard
from avsac.cli import main
from avsac.model.avsac import AVSAC
from avsac.model.config import TINY

from .test_data import write_scenes

SIDE = 64
CLASSES = {"s4": 1, "ms3": 1, "avss": 71}


class Oracle(nn.Module):
    """Lights the pixels whose colour belongs to a tone that it hears: right on generated sets."""

    def __init__(self, classes: int):
        super().__init__()
        self.config = replace(TINY, image_size=SIDE, classes=classes)
        self.nothing = nn.Parameter(torch.zeros(()))

    def heard(self, mel: Tensor) -> Tensor:
        """[B,kinds] boolean: a tone stands out of its spectrum."""
        bands = mel[:, 0, 8:-8].mean(1)
        return torch.stack([bands[:, tone_band(kind.hertz)] > bands.median(1).values + 2 for kind in KINDS], 1)

    def forward(self, image: Tensor, mel: Tensor) -> Tensor:
        colours = torch.tensor([kind.colour for kind in KINDS]).float()
        near = (image[:, None].float() - colours[:, None, None]).abs().sum(-1) < 60  # [B,kinds,S,S]
        lit = near & self.heard(mel)[:, :, None, None]
        if self.config.classes == 1:
            return torch.where(lit.any(1, keepdim=True), 9.0, -9.0)
        logits = torch.zeros(len(image), self.config.classes, SIDE, SIDE)
        logits[:, 0] = 1
        logits[:, 1 : 1 + len(KINDS)] = 9.0 * lit
        return logits


class Deaf(Oracle):
    def heard(self, mel: Tensor) -> Tensor:
        return torch.ones(len(mel), len(KINDS), dtype=torch.bool)


def tone_band(hertz: float) -> int:
    return int(log_mel(np.sin(2 * np.pi * hertz * np.arange(15_600) / 16_000)).mean(0).argmax())


@pytest.mark.parametrize("kind", CLASSES)
def test_a_model_that_hears_scores_and_stays_dark_and_a_deaf_one_does_neither(tmp_path: Path, kind: str) -> None:
    generate(kind, tmp_path, clips=4, size=SIDE)
    clips = open_dataset(kind, tmp_path, "test", SIDE)
    good, deaf = (evaluate(model(CLASSES[kind]), clips) for model in (Oracle, Deaf))
    assert good["videos"] == 4
    assert good["frames"] == {"s4": 20, "ms3": 20, "avss": 30}[kind]
    # With AVSS the legacy mean is over 71 classes, of which at most 5 are there.
    key = "batchFree" if kind == "avss" else "legacy"
    assert good[key]["miou"] > 0.95
    assert good[key]["f"] > 0.95
    assert deaf[key]["miou"] < 0.85
    assert good["wrongSounds"]["silence"] == {"count": good["frames"], "litPixels": 0.0, "litPictures": 0.0}
    assert good["wrongSounds"]["noise"]["litPixels"] == 0
    for sound in ("silence", "noise", "off-screen"):
        assert deaf["wrongSounds"][sound]["litPictures"] == 1
        assert deaf["wrongSounds"][sound]["litPixels"] > 0.1
    if kind == "avss":
        assert good["perClass"]["background"]["miou"] > 0.98
        assert good["perClass"]["class-70"] is None
        assert list(good["perClass"])[1:5] == [k.name for k in KINDS]


def test_figures_of_a_network_equal_a_loop_over_frames(tmp_path: Path) -> None:
    generate("s4", tmp_path, clips=3, size=SIDE)
    model = AVSAC(TINY)
    clips = open_dataset("s4", tmp_path, "test", TINY.image_size)
    figures = evaluate(model, clips, batch_size=2)
    assert model.training  # as it was
    model.eval()
    ious, lit = [], {"silence": [], "noise": []}
    silence = log_mel(np.zeros(15_600))
    for i in range(3):
        clip, (_, sounds) = clips[i], Heard(clips)[i]
        np.testing.assert_array_equal(sounds["silence"], np.broadcast_to(silence, (5, 1, 96, 64)))
        for t in range(5):
            picture = torch.from_numpy(clip.image[t : t + 1])
            predicted = model(picture, torch.from_numpy(clip.log_mel[t : t + 1]))[0, 0].detach().numpy() > 0
            truth = clip.mask[t] == 1
            ious.append((predicted & truth).sum() / (predicted | truth).sum())
            for sound in lit:
                lit[sound].append((model(picture, torch.from_numpy(sounds[sound][t : t + 1])) > 0).float().mean().item())
    assert figures["batchFree"]["miou"] == pytest.approx(np.mean(ious), abs=1e-4)
    assert figures["legacy"]["miou"] == pytest.approx((np.mean(ious[:10]) + np.mean(ious[10:])) / 2, abs=1e-4)
    for sound, shares in lit.items():
        assert figures["wrongSounds"][sound]["litPixels"] == pytest.approx(np.mean(shares), abs=1e-3)
        assert figures["wrongSounds"][sound]["litPictures"] == pytest.approx(np.mean(np.array(shares) > 0.01), abs=1e-3)


def test_off_screen_sounds_are_of_another_category_and_not_padding(tmp_path: Path) -> None:
    generate("s4", tmp_path / "s4", clips=8, size=16)
    clips = open_dataset("s4", tmp_path / "s4", "test", 16)
    heard = Heard(clips)
    for i in range(8):
        other = heard.off_screen(i)
        assert clips.files(other).categories != clips.files(i).categories
        np.testing.assert_array_equal(heard[i][1]["off-screen"], clips[other].log_mel)
    generate("avss", tmp_path / "avss", clips=6, size=16)
    clips = open_dataset("avss", tmp_path / "avss", "test", 16)
    heard, padded = Heard(clips), 0
    for i in range(6):
        other = heard.off_screen(i)
        if other is None:
            assert "off-screen" not in heard[i][1]
            continue
        assert not set(clips.files(other).categories) & set(clips.files(i).categories)
        sound, theirs = heard[i][1]["off-screen"], clips[other]
        if not theirs.valid.all():
            padded += 1
            np.testing.assert_array_equal(sound[5:], theirs.log_mel[:5])
        assert np.abs(sound).max((1, 2, 3)).min() > 1
    assert padded
    generate("s4", tmp_path / "one", clips=1, size=16)
    assert list(Heard(open_dataset("s4", tmp_path / "one", "val", 16))[0][1]) == ["silence", "noise"]


def test_a_model_that_does_not_fit_the_set_is_refused(tmp_path: Path) -> None:
    generate("s4", tmp_path, clips=1, size=32)
    with pytest.raises(DataError, match="tells 71 classes apart, s4 has 1"):
        evaluate(Oracle(71), open_dataset("s4", tmp_path, "test", SIDE))
    with pytest.raises(DataError, match="takes 64 pixels a side; open the set with that, not 32"):
        evaluate(Oracle(1), open_dataset("s4", tmp_path, "test", 32))


def test_the_table_stands_beside_the_papers(tmp_path: Path) -> None:
    generate("s4", tmp_path, clips=1, size=SIDE)
    table = format_table(evaluate(Oracle(1), open_dataset("s4", tmp_path, "test", SIDE), wrong_sounds=False))
    rows = {line[:52].strip(): line[52:].split() for line in table.splitlines()}
    assert rows["S4 test, 1 videos, 5 frames"] == ["mIoU", "F"]
    assert float(rows["legacy, batches of 1"][0]) > 95
    assert rows["paper: AVSAC, PVT-v2 (test)"] == ["84.51", "91.56"]
    assert rows["paper: AVSegFormer, ResNet-50 (test)"] == ["76.45", "85.90"]
    assert "nothing in view" not in table


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["avsac", "eval", *map(str, arguments)])
        main()

    folder, checkpoint, figures = tmp_path / "set", tmp_path / "model.pt", tmp_path / "figures.json"
    generate("ms3", folder, clips=2, size=32)
    model = AVSAC(TINY)
    torch.save({"config": TINY.to_dict(), "model": model.state_dict()}, checkpoint)
    run(checkpoint, "--data", folder, "--split", "val", "--batch-size", 2, "--json", figures, "--device", "cpu")
    written, printed = json.loads(figures.read_text()), capsys.readouterr().out
    expected = evaluate(model, open_dataset("ms3", folder, "val", TINY.image_size), batch_size=2)
    assert written == expected  # two worker processes read the same
    assert printed.strip() == format_table(expected)
    for arguments, message in (
        (("--data", folder, "--scenes", folder), "give either --data, or --scenes"),
        (("--data", folder, "--kind", "avss"), "metadata.csv is missing"),
        (("--data", folder, "--batch-size", 0), "batch"),
        *([] if torch.cuda.is_available() else [(("--data", folder, "--device", "cuda"), "torch finds no CUDA device")]),
    ):
        with pytest.raises(SystemExit, match=f"avsac: .*{message}"):
            run(checkpoint, *arguments)
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(SystemExit, match=r"avsac: .*text\.pt is no checkpoint that torch can read; give a run's model.pt"):
        run(tmp_path / "text.pt", "--data", folder)
    (folder / "ms3_data" / "gt_masks" / "test" / "test-0001" / "test-0001_4.png").unlink()
    with pytest.raises(SystemExit) as error:
        run(checkpoint, "--data", folder)
    assert str(error.value) == f"avsac: {folder}/ms3_data/gt_masks/test/test-0001/test-0001_4.png is missing"


def test_the_command_line_measures_live_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    write_scenes(tmp_path / "held-out", 4)
    checkpoint, figures = tmp_path / "model.pt", tmp_path / "figures.json"
    torch.save({"config": TINY.to_dict(), "model": AVSAC(TINY).state_dict()}, checkpoint)
    arguments = ["avsac", "eval", checkpoint, "--scenes", tmp_path, "--count", 2, "--json", figures]
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    main()
    summary = json.loads(figures.read_text())
    assert {name: row["pictures"] for name, row in summary.items()} == {
        "IoU, demo scenes, sounding": 2,
        "lit, demo scenes, dark": 2,
    }
    assert "IoU, demo scenes, sounding" in capsys.readouterr().out
