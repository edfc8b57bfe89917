"""The loop, on generated AVSBench clips: what a step is made of, what a killed run leaves, what is frozen."""

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from avsac.avsbench import open_dataset
from avsac.avsbench.generate import generate
from avsac.model.avsac import AVSAC
from avsac.model.config import PRESETS, TINY
from avsac.training import avsbench, checkpoint
from avsac.training.avsbench import AVSBenchRecipe, ClipLearner, Run, build, train
from avsac.training.checkpoint import load_model
from avsac.training.config import TASKS, LossConfig, TrainConfig, frozen_parts
from avsac.training.memory import OutOfMemory
from avsac.training.sampler import Share, StepSampler
from avsac.training.trainer import Trainer, launch

# A backbone with dropped paths and batch statistics, trained from the first epoch on.
RESNET = replace(TINY, backbone="resnet50", drop_path=0.0)
PVT = replace(TINY, backbone="pvt-v2-b0", drop_path=0.3, image_size=32)


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
    torch.set_num_threads(1)

    def save(state: dict, path: Path) -> None:
        if state["step"] == step and path.stem == "last":
            path.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        whole(state, path)

    whole, checkpoint.torch.save = torch.save, save
    train(folder, run)


def test_a_killed_run_ends_with_the_weights_it_would_have_had(clips: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    run = tiny_run(clips, "avss", freeze="avsegformer", random_backbones=True)
    run = replace(run, model=PVT, batch=2, epochs=2, loop=replace(run.loop, accumulate=2, schedule="cosine"))
    process = multiprocessing.get_context("spawn").Process(target=killed_while_writing, args=(tmp_path / "killed", run, 4))
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
