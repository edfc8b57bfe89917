"""The loop, on generated AVSBench clips: what a step is made of, what a killed run leaves, what is frozen."""

import json
import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from avsac.avsbench.generate import generate
from avsac.cli import main
from avsac.model.avsac import AVSAC
from avsac.model.config import TINY
from avsac.training import checkpoint
from avsac.training.avsbench import AVSBenchRecipe, Run, build, train
from avsac.training.checkpoint import load_model
from avsac.training.config import TASKS, LossConfig, TrainConfig, frozen_parts
from avsac.training.memory import OutOfMemory, explained
from avsac.training.sampler import Share, StepSampler
from avsac.training.trainer import Trainer, launch

PVT = replace(TINY, backbone="pvt-v2-b0", drop_path=0.3, image_size=32)
RESNET = replace(TINY, backbone="resnet50", image_size=32)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four tiny clips a split of each set."""
    root = tmp_path_factory.mktemp("avsbench")
    for kind in TASKS:
        generate(kind, root / kind, clips=4, size=64)
    return root


def tiny_run(clips: Path, kind: str = "ms3", **options: object) -> Run:
    loop = TrainConfig(learning_rate=1e-3, log_steps=1, checkpoint_minutes=0)
    return Run(kind, clips / kind, TINY, loop=loop, **({"epochs": 2, "batch": 1, "device": "cpu"} | options))


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["model"]


def killed_while_writing(folder: Path, run: Run, step: int) -> None:
    """Trains until `step`'s last.pt is half written, then dies as of `kill -9`."""

    def save(state: dict, path: Path) -> None:
        if state["step"] == step and path.stem == "last":
            path.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        whole(state, path)

    whole, checkpoint.torch.save = torch.save, save
    train(folder, run)


def test_a_killed_run_ends_with_the_weights_it_would_have_had(clips: Path, tmp_path: Path) -> None:
    run = tiny_run(clips, "avss", freeze="avsegformer", random_backbones=True)
    run = replace(run, model=PVT, batch=2, epochs=2, loop=replace(run.loop, accumulate=2, schedule="cosine"))
    # A fork starts without importing torch again; it is safe with one thread.
    process = multiprocessing.get_context("fork").Process(target=killed_while_writing, args=(tmp_path / "killed", run, 4))
    process.start()
    whole = train(tmp_path / "whole", run)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert torch.load(tmp_path / "killed" / "last.pt", weights_only=True)["step"] == 3
    resumed = train(tmp_path / "killed", run)
    for name, weight in weights(whole).items():
        assert torch.equal(weight, weights(resumed)[name]), name
    first = AVSAC(run.sized()).state_dict()
    assert any((weights(whole)[name] != first[name]).any() for name in first if name.startswith("backbone"))


def test_every_epoch_takes_each_clip_once_and_processes_share_each_batch() -> None:
    whole = list(StepSampler(11, 4, 3, seed=5, share=Share()))
    assert len(whole) == 6  # two steps an epoch, three clips of each left out
    for epoch in range(3):
        taken = whole[2 * epoch] + whole[2 * epoch + 1]
        assert len(set(taken)) == 8 and set(taken) <= set(range(11))
    assert whole[0] != whole[2]
    shares = [list(StepSampler(11, 4, 3, 5, Share(rank, 2, accumulate=2))) for rank in (0, 1)]
    for step in range(6):
        assert [clip for share in shares for part in share[2 * step : 2 * step + 2] for clip in part] == whole[step]
    assert list(StepSampler(11, 4, 3, 5, Share(), first=3)) == whole[3:]
    with pytest.raises(ValueError, match=r"4 does not divide into 3 process\(es\) x 1 micro-batch\(es\): change --batch"):
        StepSampler(11, 4, 3, 5, Share(0, 3))
    with pytest.raises(ValueError, match="a batch of 4 is larger than the training set of 3: lower --batch"):
        StepSampler(3, 4, 3, 5, Share())


def test_who_learns_when() -> None:
    both = ("backbone", "audio_encoder")
    for task in TASKS.values():
        assert frozen_parts("always", task, 0) == frozen_parts("always", task, 59) == both
        assert frozen_parts("vision", task, 0) == ("backbone",)
    vision_from = {
        kind: next(e for e in range(60) if frozen_parts("avsegformer", task, e) != both) for kind, task in TASKS.items()
    }
    assert vision_from == {"s4": 5, "ms3": 10, "avss": 0}
    assert {kind: task.epochs for kind, task in TASKS.items()} == {"s4": 30, "ms3": 60, "avss": 30}
    assert frozen_parts("avsegformer", TASKS["avss"], 0) == ("audio_encoder",)


def test_frozen_parts_keep_weights_and_batch_statistics(clips: Path, tmp_path: Path) -> None:
    run = replace(tiny_run(clips, "s4", freeze="always", random_backbones=True, epochs=1), model=RESNET, batch=4)
    torch.manual_seed(0)
    before = build(run).state_dict()
    after = weights(train(tmp_path, run))
    frozen = [name for name in before if name.startswith(("backbone.", "audio_encoder."))]
    assert any(name.endswith("running_mean") for name in frozen)
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    learnt = [name for name in before if name not in frozen and before[name].dtype.is_floating_point]
    assert sum((before[name] != after[name]).any().item() for name in learnt) > 0.9 * len(learnt)


def test_an_unfrozen_resnet_moves_its_batch_statistics(clips: Path, tmp_path: Path) -> None:
    run = replace(tiny_run(clips, "avss", freeze="avsegformer", random_backbones=True), model=RESNET)
    fabric = launch("32-true", "cpu")
    recipe = AVSBenchRecipe(run, fabric, build(run))
    trainer = Trainer(fabric, recipe, run.loop, tmp_path)
    trainer.freeze(("backbone", "audio_encoder"))
    assert not recipe.learner.model.backbone.training and recipe.learner.model.encoder.training
    trainer.freeze(recipe.frozen(0))
    assert recipe.learner.model.backbone.training and not recipe.learner.model.audio_encoder.training


def test_a_run_leaves_figures_pictures_and_the_best_model(clips: Path, tmp_path: Path) -> None:
    path = train(tmp_path, tiny_run(clips, "ms3", epochs=3, batch=2))
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    scores = [line["legacy"]["miou"] for line in log if "evaluated" in line]
    assert len(scores) == 3
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert (best["score"], best["step"]) == (max(scores), 2 * (1 + int(np.argmax(scores))))
    assert load_model(path).config == replace(TINY, classes=1, frames=5)
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert {"learning rate", "loss/segmentation", "loss/sync", "legacy/miou"} <= set(board.Tags()["scalars"])
    assert [event.value for event in board.Scalars("legacy/miou")] == pytest.approx(scores)
    assert [event.step for event in board.Scalars("loss/sync")] == [1, 2, 3, 4, 5, 6]
    assert board.Images("validation/0")[0].width == 3 * 64  # frame, truth, mask


def test_a_rate_may_warm_up_and_fall() -> None:
    constant = TrainConfig(learning_rate=1e-3)
    assert constant.rate(0, 0.0) == constant.rate(900, 0.99) == 1e-3
    cosine = TrainConfig(learning_rate=1e-3, schedule="cosine", warm_up_steps=4)
    assert cosine.rate(0, 0.0) == pytest.approx(0.25e-3 + 1e-6)
    assert cosine.rate(50, 0.5) == pytest.approx(0.5e-3 + 1e-6)
    assert cosine.rate(99, 1.0) == pytest.approx(1e-6)


def test_mixed_precision_learns_the_same_within_its_precision(clips: Path, tmp_path: Path) -> None:
    losses = []
    for precision in ("32-true", "bf16-mixed"):
        run = tiny_run(clips, "s4", epochs=2, batch=4, validate_epochs=2)
        run = replace(run, model=replace(TINY, image_size=32), loop=replace(run.loop, precision=precision))
        train(tmp_path / precision, run)
        lines = map(json.loads, (tmp_path / precision / "log.jsonl").read_text().splitlines())
        losses.append([line["segmentation"] + line["sync"] for line in lines if "step" in line])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_run_without_synchrony_has_one_loss(clips: Path, tmp_path: Path) -> None:
    train(tmp_path, replace(tiny_run(clips, "s4", epochs=1, batch=4), loss=LossConfig("dice", "none")))
    line = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert "sync" not in line and 0 < line["segmentation"] <= 1


def test_a_folder_of_another_model_is_refused(clips: Path, tmp_path: Path) -> None:
    run = tiny_run(clips, "s4", epochs=1, batch=4)
    train(tmp_path, run)
    with pytest.raises(ValueError, match="holds a run of another model configuration: give another --out"):
        train(tmp_path, replace(run, model=replace(TINY, decoder_layers=1)))


def test_running_out_of_memory_names_what_to_lower(clips: Path, tmp_path: Path) -> None:
    run = tiny_run(clips, "s4", epochs=1, batch=4)
    fabric = launch("32-true", "cpu")
    recipe = AVSBenchRecipe(run, fabric, build(run))
    recipe.learner.forward = lambda batch: {"segmentation": torch.empty(1 << 60)}
    with pytest.raises(
        OutOfMemory, match=r"out of memory in a training step: raise --accumulate above 1 .* --image-size than 64"
    ):
        Trainer(fabric, recipe, run.loop, tmp_path).fit()
    with pytest.raises(OutOfMemory, match="out of memory in validation: lower it"), explained("validation", "lower it"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    with pytest.raises(RuntimeError, match="another"), explained("validation", "lower it"):
        raise RuntimeError("another")


def test_published_backbones_are_asked_for_and_taken(clips: Path, tmp_path: Path) -> None:
    run = replace(tiny_run(clips), model=RESNET)
    with pytest.raises(ValueError, match="give --backbone FILE, published weights, or --random-backbones"):
        build(run)
    with pytest.raises(ValueError, match="give --vggish FILE"):
        build(replace(run, model=replace(TINY, audio_encoder="vggish", audio_width=128)))
    with pytest.raises(ValueError, match="--vggish is not for this preset"):
        build(replace(tiny_run(clips), vggish=tmp_path / "x.pth"))
    published = timm.create_model("resnet50").state_dict()  # torchvision's key names
    torch.save(published, tmp_path / "resnet50.pth")
    ours = build(replace(run, backbone=tmp_path / "resnet50.pth")).backbone.net.state_dict()
    assert ours.keys() <= published.keys()
    assert all(torch.equal(ours[name], published[name]) for name in ours)


def test_the_command_line_trains_what_its_options_say(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def command(*options: str) -> None:
        monkeypatch.setattr(sys, "argv", ["avsac", "train", "--out", str(tmp_path), "--data", str(clips / "ms3"), *options])
        main()

    switches = ("--decoder", "vision-to-audio", "--decoder-layers", "1", "--no-channel-gate", "--image-size", "32")
    command("--preset", "tiny", *switches, "--epochs", "1", "--workers", "0", "--device", "cpu")
    assert capsys.readouterr().out.endswith(f"{tmp_path / 'model.pt'}\n")
    expected = replace(TINY, decoder="vision-to-audio", decoder_layers=1, channel_gate=False, image_size=32)
    assert load_model(tmp_path / "best.pt").config == expected
    with pytest.raises(SystemExit, match=r"avsac: the preset s4-pvt is for s4, .*ms3 holds ms3"):
        command("--preset", "s4-pvt")
