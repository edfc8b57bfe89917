from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from avsac.model.avsac import AVSAC
from avsac.model.config import TINY
from avsac.model.motion import CELL, luminance

MOTION = replace(TINY, motion=True)


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor, Tensor]:
    image = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    return image, torch.randn(2, 1, 96, 64), torch.randint(0, 256, (2, 4, 64, 64), dtype=torch.uint8)


@pytest.fixture
def moved() -> AVSAC:
    """A model whose motion stem and rhythm are off their start."""
    model = AVSAC(MOTION).eval()
    with torch.no_grad():
        for parameter in (*model.motion.parameters(), *model.rhythm.parameters()):
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def test_luminance_is_that_of_bt601() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    ours = luminance(torch.from_numpy(picture))
    theirs = np.asarray(Image.fromarray(picture[0]).convert("L"), np.float32)  # truncates in fixed point: one below at most
    assert ours.shape == (1, 1, 16, 16)
    np.testing.assert_allclose(ours[0, 0].numpy(), theirs, atol=1)
    assert luminance(torch.tensor([[[[255, 255, 255], [1, 0, 0], [0, 255, 0]]]])).tolist() == [[[[255, 0, 150]]]]


@torch.no_grad()
def test_still_weights_give_the_same_masks_with_motion_and_a_still_model_looks_at_no_earlier_frames(tiny, inputs) -> None:
    image, mel, earlier = inputs
    model = AVSAC(MOTION).eval()
    model.load_state_dict(tiny.state_dict(), strict=False)
    assert torch.equal(model(image, mel, earlier), tiny(image, mel))
    assert torch.equal(tiny(image, mel, earlier), tiny(image, mel))


@torch.no_grad()
def test_what_moves_changes_the_tokens_where_it_moves(moved: AVSAC, inputs) -> None:
    image = inputs[0][:1]
    still = luminance(image).to(torch.uint8).repeat(1, 4, 1, 1)
    passing = still.clone()
    passing[0, 1, :12, :12] ^= 64
    changed = (moved.motion(image, passing) - moved.motion(image, still)).abs().amax((0, 1)) > 0
    assert changed[:2, :2].all()
    assert not changed[4:].any() and not changed[:, 4:].any()
    uniform = moved.motion(image, still)[..., 2:-2, 2:-2]  # away from the padding, nothing moves anywhere
    torch.testing.assert_close(uniform, uniform[..., :1, :1].expand_as(uniform))


@torch.no_grad()
def test_rhythm_hears_when_the_sound_was_loud_and_not_how_loud_it_is(moved: AVSAC, inputs) -> None:
    mel = inputs[1]
    torch.testing.assert_close(moved.rhythm(mel + 3.0), moved.rhythm(mel))
    later = mel.roll(8, 2)
    assert (moved.rhythm(later) - moved.rhythm(mel)).abs().max() > 1e-3
    shuffled = mel.unflatten(2, (-1, CELL[0])).flip(3).flatten(2, 3)
    torch.testing.assert_close(moved.rhythm(shuffled), moved.rhythm(mel))


def test_gradients_reach_the_last_layers_at_the_start_and_all_of_them_later(moved: AVSAC, inputs) -> None:
    fresh = AVSAC(MOTION)
    fresh(*inputs).square().mean().backward()
    assert fresh.motion.convolutions[-1].weight.grad.any()
    assert fresh.rhythm.layers[-1].weight.grad.any()
    moved(*inputs).square().mean().backward()
    assert all(parameter.grad.any() for parameter in (*moved.motion.parameters(), *moved.rhythm.parameters()))


@pytest.mark.parametrize("earlier", [None, torch.zeros(2, 2, 64, 64, dtype=torch.uint8)])
def test_a_motion_model_without_earlier_frames_is_refused_with_a_remedy(earlier: Tensor | None, inputs) -> None:
    with pytest.raises(ValueError, match=r"give earlier \[2, 4, 64, 64\].* 80, 160, 280, 400 ms before, .*live-still"):
        AVSAC(MOTION)(*inputs[:2], earlier)
