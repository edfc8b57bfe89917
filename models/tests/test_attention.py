import math

import numpy as np
import pytest
import torch

from avsac.model.attention import Atlas, DeformableAttention, MultiHeadAttention, sine_position

SHAPES = [(4, 4), (2, 3), (1, 2)]
LENGTH = sum(h * w for h, w in SHAPES)


def bilinear(feature: np.ndarray, x: float, y: float) -> np.ndarray:
    """feature [C,h,w]; x, y in cells, cell centres at .5; zero outside."""
    channels, height, width = feature.shape
    result = np.zeros(channels)
    left, top = math.floor(x - 0.5), math.floor(y - 0.5)
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < height and 0 <= column < width:
                result += feature[:, row, column] * (1 - abs(x - 0.5 - column)) * (1 - abs(y - 0.5 - row))
    return result


def slow_deformable(
    module: DeformableAttention, query: np.ndarray, tokens: np.ndarray, shapes: list[tuple[int, int]] = SHAPES
) -> np.ndarray:
    """The definition, token by token: query, tokens [L,D] -> [L,D]."""

    def linear(layer: torch.nn.Linear, x: np.ndarray) -> np.ndarray:
        return x @ layer.weight.detach().double().numpy().T + layer.bias.detach().double().numpy()

    heads, points, levels = module.heads, module.points, len(shapes)
    per_head = tokens.shape[1] // heads
    value = linear(module.value, tokens)
    offset = linear(module.offset, query).reshape(-1, heads, levels, points, 2)
    weight = linear(module.weight, query).reshape(-1, heads, levels * points)
    weight = np.exp(weight) / np.exp(weight).sum(-1, keepdims=True)
    places = [((c + 0.5) / w, (r + 0.5) / h) for h, w in shapes for r in range(h) for c in range(w)]
    result = np.zeros_like(tokens)
    for token, (px, py) in enumerate(places):
        for head in range(heads):
            channels, start = slice(head * per_head, (head + 1) * per_head), 0
            for level, (h, w) in enumerate(shapes):
                feature = value[start : start + h * w, channels].T.reshape(per_head, h, w)
                start += h * w
                for point in range(points):
                    dx, dy = offset[token, head, level, point]
                    sample = bilinear(feature, px * w + dx, py * h + dy)
                    result[token, channels] += weight[token, head, level * points + point] * sample
    return linear(module.out, result)


@pytest.mark.parametrize("reach", [0.5, 4.0], ids=["inside", "far outside the levels"])
def test_deformable_attention_equals_its_definition(reach: float) -> None:
    module = DeformableAttention(8, 2, 3, SHAPES)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    torch.nn.init.normal_(module.offset.weight, std=reach)
    query, tokens = torch.randn(2, LENGTH, 8), torch.randn(2, LENGTH, 8)
    out = module(query, tokens).detach().numpy()
    for row in range(2):
        expected = slow_deformable(module, query[row].double().numpy(), tokens[row].double().numpy())
        np.testing.assert_allclose(out[row], expected, atol=1e-4)


def test_tokens_of_some_levels_read_as_they_do_among_all() -> None:
    whole, coarser = DeformableAttention(8, 2, 3, SHAPES), DeformableAttention(8, 2, 3, SHAPES, slice(1, None))
    for parameter in whole.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    coarser.load_state_dict(whole.state_dict())
    query, tokens = torch.randn(2, LENGTH, 8), torch.randn(2, LENGTH, 8)
    torch.testing.assert_close(coarser(query[:, 16:], tokens), whole(query, tokens)[:, 16:])


def test_a_place_outside_its_level_gives_zero_whatever_lies_beside_it_on_the_canvas() -> None:
    """Every place around every level, three quarters of a cell apart, one level being ones and the others millions."""
    for level, (height, width) in enumerate(SHAPES):
        values = torch.full((1, LENGTH, 1), 1e6)
        start = sum(h * w for h, w in SHAPES[:level])
        values[:, start : start + height * width] = 1
        steps = torch.arange(-6, 6.1, 0.75)
        atlas = Atlas(SHAPES, heads=1, points=len(steps) ** 2, asking=slice(None))
        offset = torch.zeros(1, LENGTH, len(SHAPES), len(steps) ** 2, 2)
        offset[0, 0, level] = torch.cartesian_prod(steps, steps)  # from the first token, at the finest level's first cell
        places = atlas.places(offset.flatten(2)).view(offset.shape)[:, 0, level][:, None]
        sampled = torch.nn.functional.grid_sample(atlas.paint(values), places, align_corners=False)[0, 0, 0]
        first_height, first_width = SHAPES[0]
        feature = np.ones((1, height, width))
        for value, (dx, dy) in zip(sampled, torch.cartesian_prod(steps, steps), strict=True):
            x, y = 0.5 / first_width * width + dx.item(), 0.5 / first_height * height + dy.item()
            assert value.item() == pytest.approx(bilinear(feature, x, y).item(), abs=1e-3)


def test_deformable_attention_starts_as_a_ring_of_directions_with_equal_weights() -> None:
    module = DeformableAttention(16, 4, 2, SHAPES)
    start = module.offset.bias.detach().view(4, 3, 2, 2)
    torch.testing.assert_close(start[:, 0, 0], torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]]), atol=1e-6, rtol=0)
    torch.testing.assert_close(start[:, :, 1], 2 * start[:, :, 0])
    assert module.weight.weight.abs().sum() == 0


@pytest.mark.parametrize("queries", [1, 6, 7], ids=["one", "few", "many"])
def test_multi_head_attention_equals_pytorchs(queries: int) -> None:
    ours, theirs = MultiHeadAttention(12, 3), torch.nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat((ours.query.weight, ours.key.weight, ours.value.weight)))
        theirs.in_proj_bias.copy_(torch.cat((ours.query.bias, ours.key.bias, ours.value.bias)))
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    query, memory = torch.randn(2, queries, 12), torch.randn(2, 7, 12)
    out, weights = theirs(query, memory, memory, average_attn_weights=False)
    torch.testing.assert_close(ours(query, memory), out, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.weights(query, memory), weights, atol=1e-5, rtol=1e-5)


def test_sine_position_equals_its_formula() -> None:
    position = sine_position(3, 5, 8)
    for row in range(3):
        for column in range(5):
            expected = [
                f(place / 1e4 ** (2 * pair / 4))
                for place in (row + 1, column + 1)
                for pair in range(2)
                for f in (math.sin, math.cos)
            ]
            np.testing.assert_allclose(position[row * 5 + column], expected, atol=1e-5)
