"""Lessons of what drawn things look like."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avsac.live.data import BatchSource, DataConfig
from avsac.live.looks import Lesson, learn_looks, look_at, look_loss
from avsac.live.train import LiveConfig, learn_only, train
from avsac.model.avsac import AVSAC
from avsac.model.recognition import RECOGNISED

from .reduced import reduced
from .test_scene_builder import small_media  # noqa: F401
from .test_studio import small_things  # noqa: F401

SIDE = 96
SMALL = replace(reduced("live"), image_size=SIDE)


@pytest.fixture
def model() -> AVSAC:
    torch.manual_seed(0)
    return AVSAC(SMALL).eval()


@pytest.fixture
def source(small_media: Path, small_things: Path) -> BatchSource:  # noqa: F811
    return BatchSource(DataConfig(small_media, None, small_things, side=SIDE))


def looks_of_own(model: AVSAC, lesson: Lesson) -> float:
    """How much more a covered position looks like what covers it than like the other kinds that are drawn, on average."""
    looks = model.recognition.look(lesson.coarsest.float())
    drawn = torch.unique(lesson.kind[lesson.kind >= 0])
    more = []
    for picture, cover, kind in zip(looks, lesson.cover, lesson.kind, strict=True):
        for covered, place in zip(cover, kind.tolist(), strict=True):
            if place >= 0 and covered.any():
                here = picture[covered > 0.5] if (covered > 0.5).any() else picture[covered.argmax()][None]
                more.append((here[:, place] - here[:, drawn[drawn != place]].mean(-1)).mean().item())
    return float(np.mean(more))


def test_a_lesson_shows_what_lies_where(source: BatchSource) -> None:
    batch = source.look_batch(24)
    assert batch.image.shape == (24, SIDE, SIDE, 3)
    taught = batch.kind >= 0
    assert 0 < taught.any(1).sum() < 24  # the others are photographs
    assert {RECOGNISED[i] for i in batch.kind[taught]} == {*source.studio.library.sprites}
    assert (batch.cover.max((2, 3)) > 0).tolist() == taught.tolist()
    assert 0 <= batch.cover.min() <= batch.cover.max() <= 1


def test_drawings_are_told_apart_after_lessons_and_photographs_look_as_before(model: AVSAC, source: BatchSource) -> None:
    lesson = look_at(model, [source.look_batch(32) for _ in range(4)])
    before = looks_of_own(model, lesson)
    learn_looks(model, lesson, epochs=40)
    assert looks_of_own(model, lesson) > before + 0.3
    with torch.no_grad():
        drawn = model.recognition.drawn(model.recognition.features(lesson.coarsest.float()))
    torch.testing.assert_close(drawn.sum(-1), torch.zeros_like(drawn[..., 0]), atol=1e-3, rtol=0)
    photographs = (lesson.kind < 0).all(1)
    on_things = drawn[lesson.cover.amax(1) > 0.5].square().mean()
    assert drawn[photographs].square().mean() < 0.5 * on_things


def test_the_loss_asks_which_where_and_nothing_elsewhere() -> None:
    kinds, scale, bias = len(RECOGNISED), torch.ones(()), torch.full((len(RECOGNISED),), -1.0)
    cover, kind = torch.zeros(1, 2, 9), torch.tensor([[3, -1]])
    cover[0, 0, 4] = 1.0

    def loss(looks: torch.Tensor, drawn: torch.Tensor | None = None) -> float:
        return look_loss(looks, torch.zeros_like(looks) if drawn is None else drawn, cover, kind, scale, bias).item()

    nothing = torch.zeros(1, 9, kinds)
    right, wrong_kind, wrong_place = (nothing.clone() for _ in range(3))
    right[0, 4, 3] = wrong_kind[0, 4, 5] = wrong_place[0, 7, 3] = 4.0
    assert loss(right) < loss(nothing) < min(loss(wrong_kind), loss(wrong_place))
    assert loss(right, wrong_place) > loss(right, right) == pytest.approx(loss(right))  # what it says of the thing is free
    photograph = torch.zeros(1, 2, 9), torch.tensor([[-1, -1]]), scale, bias
    assert look_loss(right, nothing, *photograph) == 0 < look_loss(right, right, *photograph)


def test_masks_do_not_change_what_drawings_look_like(model: AVSAC) -> None:
    assert not any(weight.requires_grad for weight in model.recognition.drawn.parameters())
    learn_only(model, "recognition")
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert "recognition.hear.weight" in learning
    assert not [name for name in learning if not name.startswith("recognition.") or ".drawn." in name]


def test_lessons_need_drawn_things(tmp_path: Path, small_media: Path) -> None:  # noqa: F811
    live = LiveConfig(length=1, sound_batches=0, look_batches=1, evaluate_pictures=1)
    with pytest.raises(ValueError, match="looks are learnt by a model with recognition, from drawn things: give --things"):
        train(tmp_path, SMALL, DataConfig(small_media, None, side=SIDE), live)
