"""Drawn people: what their lips do, and what of them moves."""

import numpy as np
import pytest

from avsac.live import puppets
from avsac.live.library import Library
from avsac.live.reels import MomentReel
from avsac.live.roles import STATES, Moment

from .test_scene_builder import small_media, tone  # noqa: F401

AGES = [0.0, 80.0, 160.0, 280.0, 400.0]


def bursts() -> np.ndarray:
    """A second of sound: on for 200 ms, off for 200 ms; it ends on."""
    on = (np.arange(15_600)[::-1] // 3200) % 2 == 0
    return (np.sin(2 * np.pi * 600 * np.arange(15_600) / 16_000) * 0.3 * on).astype(np.float32)


def test_lips_open_with_the_sound_and_close_in_its_pauses() -> None:
    how = puppets.manner(np.random.default_rng(0))
    opened, spread = puppets.lips(bursts(), how)
    assert len(opened) == len(spread) == 99
    assert ((opened >= 0) & (opened <= 1) & (spread >= 0) & (spread <= 1)).all()
    in_bursts, in_pauses = opened[[-10, -50, -90]], opened[[-30, -70]]
    assert in_bursts.min() > 0.8
    assert in_pauses.max() < 0.2


@pytest.mark.parametrize("seed", range(4))
def test_only_a_puppet_that_speaks_moves_its_mouth(seed: int) -> None:
    """Of the same puppet, held still, at the moments of a burst and of a pause."""
    who = puppets.looks(np.random.default_rng(seed))
    pose, texture = np.zeros(4), np.ones((puppets.HEIGHT, puppets.WIDTH, 1))
    shut, wide = (puppets.draw(who, pose, opened, 0.0, False, texture) for opened in (0.0, 0.12))
    changed = np.argwhere((shut != wide).any(-1)) / puppets.HEAD
    down = changed[:, 0] - puppets.CENTRE[1] / puppets.HEAD
    assert (np.abs(down - who.mouth_at) < 0.05).any()
    assert down.min() > who.eyes[1] + who.eye_size
    assert down.max() < 0.7


def test_puppets_are_all_different_and_drawn_again_from_the_same_number() -> None:
    one, again, other = (puppets.act(np.random.default_rng(seed), AGES, bursts()) for seed in (1, 1, 2))
    for a, b in zip(one[0] + one[1], again[0] + again[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[0][0].shape != other[0][0].shape or (one[0][0] != other[0][0]).any()
    images, alphas = one
    assert len(images) == len(alphas) == len(AGES)
    assert {image.shape[:2] for image in images} == {alpha.shape for alpha in alphas}
    assert 0.3 < (alphas[0] > 128).mean() < 1


@pytest.mark.parametrize("state", ["speaking", *STATES[:2]])
def test_a_puppet_in_a_scene_is_in_the_state_that_was_asked_for(small_media, state: str) -> None:  # noqa: F811
    moment = Moment(Library(small_media, "train"), MomentReel(np.random.default_rng(3), tuple(AGES)))
    role = moment.puppet(state)
    assert role.kind == "speech"
    assert len(role.actor.images) == len(AGES)
    moves = any((image != role.actor.images[0]).any() for image in role.actor.images[1:])
    assert moves == (state != "frozen")
    if state == "speaking":
        assert role.voice().shape == (15_600,)
    else:
        assert role.voice is None
