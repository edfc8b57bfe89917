import copy
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avsac.live.data import BatchSource, DataConfig
from avsac.live.evaluate import demo_samples, evaluate, format_table
from avsac.live.library import Library
from avsac.live.segmenter import TorchSegmenter
from avsac.live.studio import Studio
from avsac.live.train import Learner, LiveConfig, learn_sounds, told_apart, train
from avsac.model.avsac import AVSAC
from avsac.model.config import TINY
from avsac.training.checkpoint import load_model, start_from, write_model, write_trained
from avsac.training.trainer import follow

from .reduced import reduced
from .test_data import write_scenes
from .test_scene_builder import small_media  # noqa: F401


def test_overfits_a_small_batch_and_listens(tmp_path: Path) -> None:
    """Each picture is seen with the sound of its left disc, of its right disc and with none: only the sound differs."""
    write_scenes(tmp_path / "train", 3)
    source = BatchSource(DataConfig(None, tmp_path, pictures=3, seed=1))
    batch = source.batch().tensors()
    learner = Learner(TINY, list(source.index), LiveConfig(length=1)).train()
    optimiser = torch.optim.AdamW([p for p in learner.parameters() if p.requires_grad], 3e-3)
    first = None
    for _ in range(250):
        losses = learner(batch)
        total = sum(losses.values())
        first = first or total.item()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
    assert total.item() < 0.25 * first
    with torch.no_grad():
        seen = learner.model.encode_image(batch.image).repeat(3)
        logits = learner.model.decode(seen, batch.mel).logits
    lit = torch.nn.functional.interpolate(logits, size=32, mode="bilinear")[:, 0].numpy() > 0
    target = batch.target[:, 0].numpy() > 127
    sounding = target.any((1, 2))
    overlap = (lit & target).sum((1, 2))[sounding] / (lit | target).sum((1, 2))[sounding]
    assert overlap.min() > 0.6
    assert lit[~sounding].mean() < 0.02


def test_sounds_are_told_apart_after_their_lessons(small_media: Path) -> None:  # noqa: F811
    torch.manual_seed(0)
    source = BatchSource(DataConfig(small_media, None))
    learner = Learner(TINY, list(source.index), LiveConfig(length=1, sound_batches=120))
    studio = Studio(Library(small_media, "val"), TINY.image_size)
    before = told_apart(learner.eval(), studio, 128)
    learn_sounds(learner.train(), SimpleNamespace(get=source.sound_batch), classifier_alone=False)
    assert told_apart(learner.eval(), studio, 128) > before + 0.1
    ears = copy.deepcopy(learner.model.state_dict())
    learner.classify_sound.reset_parameters()
    before = told_apart(learner.eval(), studio, 128)
    learn_sounds(learner.train(), SimpleNamespace(get=source.sound_batch), classifier_alone=True)
    assert told_apart(learner.eval(), studio, 128) > before + 0.1
    assert all(torch.equal(ears[name], weight) for name, weight in learner.model.state_dict().items())


def test_a_run_is_resumed_where_it_stopped_and_its_model_loads(tmp_path: Path) -> None:
    for split in ("train", "held-out"):
        write_scenes(tmp_path / "scenes" / split, 4)
    data = DataConfig(None, tmp_path / "scenes", pictures=2)
    short = dict(sound_batches=2, evaluate_pictures=2)
    path = train(tmp_path / "run", TINY, data, LiveConfig(length=0.03, **short))
    before = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert before["step"] > 0
    train(tmp_path / "run", TINY, data, LiveConfig(length=before["elapsed"] / 60 + 0.03, **short))
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    resumed = next(line for line in log if "resumed" in line)
    assert resumed["resumed"] == before["step"]
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] > before["step"]
    figures = evaluate(TorchSegmenter(load_model(path)), demo_samples(tmp_path / "scenes", 3))
    assert {name: row["pictures"] for name, row in figures.items()} == {
        "IoU, demo scenes, sounding": 2,
        "lit, demo scenes, dark": 2,
    }
    assert "IoU, demo scenes, sounding" in format_table(figures)


def test_a_run_of_steps_ends_with_the_last_of_them(tmp_path: Path) -> None:
    for split in ("train", "held-out"):
        write_scenes(tmp_path / "scenes" / split, 4)
    live = LiveConfig(3, "step", sound_batches=2, evaluate_pictures=2)
    train(tmp_path / "run", TINY, DataConfig(None, tmp_path / "scenes", pictures=2), live)
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 3


def test_one_part_learns_alone(tmp_path: Path) -> None:
    for split in ("train", "held-out"):
        write_scenes(tmp_path / "scenes" / split, 4)
    data = DataConfig(None, tmp_path / "scenes", pictures=2)
    live = LiveConfig(3, "step", sound_batches=2, evaluate_pictures=2)
    before = load_model(train(tmp_path / "whole", TINY, data, live)).state_dict()
    only = replace(live, only="head")
    after = load_model(train(tmp_path / "head", TINY, data, only, init=tmp_path / "whole" / "model.pt")).state_dict()
    learnt = {name.split(".")[0] for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert learnt == {"head"}
    with pytest.raises(ValueError, match="backbone is no part that learns: give one of in_proj, "):
        train(tmp_path / "none", TINY, data, replace(live, only="backbone"))


def test_a_teacher_is_learnt_from_and_stays_as_it_is(tmp_path: Path) -> None:
    for split in ("train", "held-out"):
        write_scenes(tmp_path / "scenes" / split, 4)
    data = DataConfig(None, tmp_path / "scenes", pictures=2)
    live = LiveConfig(50, "step", sound_batches=2, evaluate_pictures=2)
    write_model(tmp_path / "teacher.pt", AVSAC(TINY))
    taught = tmp_path / "teacher.pt"
    before = taught.read_bytes()
    train(tmp_path / "run", replace(TINY, coarse_first=True), data, live, init=taught, teacher=taught)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line for line in log if line.get("teacher", 0) > 0]
    assert taught.read_bytes() == before
    assert not [name for name in torch.load(tmp_path / "run" / "last.pt", weights_only=True)["learner"] if "teacher" in name]
    with pytest.raises(ValueError, match=r"teacher.pt has queries 8, the preset 12: a teacher's answers must have the same"):
        train(tmp_path / "other", replace(TINY, queries=12), data, live, teacher=taught)
    with pytest.raises(ValueError, match="whom a teacher teaches begins with its ears, which are not taught: give --init"):
        train(tmp_path / "other", TINY, data, live, teacher=taught)


def test_average_follows_weights_and_copies_statistics() -> None:
    ours, theirs = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    with torch.no_grad():
        theirs.weight.fill_(3.0)
        theirs.running_mean.fill_(5.0)
    follow(ours, theirs, keep=0.75)
    np.testing.assert_allclose(ours.weight.detach(), 1.5)
    np.testing.assert_allclose(ours.running_mean, 5.0)


def test_pictures_of_another_size_are_refused_before_anything_is_learnt(tmp_path: Path) -> None:
    for split in ("train", "held-out"):
        write_scenes(tmp_path / split, 1, side=96)
    with pytest.raises(ValueError, match="the pictures are 96 px wide, the preset takes 64: render scenes of that --size"):
        train(tmp_path / "run", TINY, DataConfig(None, tmp_path), LiveConfig(length=1))


def test_a_run_starts_from_the_weights_that_fit(tmp_path: Path) -> None:
    theirs, ours = AVSAC(TINY), AVSAC(replace(TINY, motion=True, queries=12))
    write_model(tmp_path / "model.pt", theirs)
    said = start_from(ours, tmp_path / "model.pt")
    torch.testing.assert_close(ours.audio_encoder.state_dict(), theirs.audio_encoder.state_dict())
    assert "motion.convolutions.0" in said
    assert "backbone" not in said


@torch.no_grad()
def test_weights_without_a_packaged_backbone_are_the_whole_model(tmp_path: Path) -> None:
    model = AVSAC(replace(reduced("live"), motion=False)).eval()
    write_model(tmp_path / "model.pt", model)
    write_trained(tmp_path / "weights.pt", model)
    backbone = sum(weight.nbytes for weight in model.backbone.state_dict().values())
    assert (tmp_path / "weights.pt").stat().st_size < (tmp_path / "model.pt").stat().st_size - 0.95 * backbone
    inputs = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8), torch.randn(1, 1, 96, 64)
    assert torch.equal(load_model(tmp_path / "weights.pt")(*inputs), model(*inputs))
    write_trained(tmp_path / "tiny.pt", AVSAC(TINY))
    with pytest.raises(RuntimeError, match=r"backbone\.levels\.0\.weight"):
        load_model(tmp_path / "tiny.pt")
