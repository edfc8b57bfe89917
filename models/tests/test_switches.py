"""Every switch of the configuration: what it adds to the model, that it changes the output, and where gradients go."""

import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from avsac.model.avsac import AVSAC
from avsac.model.bavd import BAVDLayer
from avsac.model.config import DECODERS, KNOWN, TINY, ModelConfig
from avsac.model.query_decoder import QueryDecoderLayer

# Parameters of the parts, at TINY's sizes: 32 channels, 2 heads, 3 levels, 2 points, FFN of 64, 2 decoder layers.
LINEAR = 32 * 32 + 32
NORM = 2 * 32
ATTENTION = 4 * LINEAR
DEFORMABLE = 33 * 2 * 3 * 2 * 2 + 33 * 2 * 3 * 2 + 2 * LINEAR
FFN = 33 * 64 + 65 * 32
BAVD = DEFORMABLE + 2 * ATTENTION + 3 * NORM + 1

SWITCHES = {
    "audio-to-vision": ({"decoder": "audio-to-vision"}, 0),
    "vision-to-audio": ({"decoder": "vision-to-audio"}, -2 * (ATTENTION + NORM + 1)),
    "avsegformer": ({"decoder": "avsegformer"}, 2 * (2 * ATTENTION + FFN + 3 * NORM - BAVD)),
    "no channel gate": ({"channel_gate": False}, -ATTENTION - LINEAR),
    "gate without projection": ({"gate_projection": False}, -LINEAR - 3 * 32),
    "4 decoder layers": ({"decoder_layers": 4}, 2 * BAVD),
    "6 decoder layers": ({"decoder_layers": 6}, 4 * BAVD),
    "no VGA residual": ({"vga_residual": False}, 0),
    "w a channel": ({"audio_weight": "channel"}, 2 * 31),
    "6 encoder layers": ({"encoder_layers": 6}, 5 * (DEFORMABLE + FFN + 2 * NORM)),
    "no encoder": ({"encoder_layers": 0}, -(DEFORMABLE + FFN + 2 * NORM)),
    "FFN in BAVD": ({"bavd_ffn": True}, 2 * 2 * (FFN + NORM)),
    "FFN in BAVD, ReLU": ({"bavd_ffn": True, "decoder_activation": "relu"}, 2 * 2 * (FFN + NORM)),
    "no query generator": ({"query_layers": 0}, -(2 * (ATTENTION - 4 * 32) + FFN + 3 * NORM + 8 * 32)),
    "bias before the mask feature's norm": ({"mask_bias": True}, 32),
    # The backbone's first convolution of 8x8x3 becomes one of 4x4x3 and one of 2x2x8; in_proj takes 8 to 32 channels, not 24.
    "mask feature at stride 4": ({"mask_stride": 4}, None),
    "product not scaled": ({"scale_product": False}, 0),
    "71 classes": ({"classes": 71}, 70 * 8),
}


def inputs(batch: int = 2) -> tuple[Tensor, Tensor]:
    return torch.randint(0, 256, (batch, 64, 64, 3), dtype=torch.uint8), torch.randn(batch, 1, 96, 64)


def switched(config: ModelConfig, base: AVSAC) -> AVSAC:
    """The model of another configuration with the weights of `base` wherever they fit; others are moved off their start."""
    model = AVSAC(config).eval()
    own, shared = model.state_dict(), base.state_dict()
    fitting = {k: v for k, v in shared.items() if k in own and v.shape == own[k].shape}
    model.load_state_dict(fitting, strict=False)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key not in fitting:
                parameter += 0.1 * torch.randn_like(parameter)
    return model


def count(model: AVSAC) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_changes_the_output_and_adds_what_it_should(name: str, tiny: AVSAC) -> None:
    changes, added = SWITCHES[name]
    model = switched(replace(TINY, **changes), tiny)
    if added is not None:
        assert count(model) - count(tiny) == added
    image, mel = inputs()
    with torch.no_grad():
        ours, base = model(image, mel), tiny(image, mel)
    assert ours.shape == (2, model.config.classes, 64, 64)
    assert (ours[:, :1] - base).abs().max() > 1e-4


@pytest.mark.parametrize("name", SWITCHES)
def test_gradients_reach_every_trained_parameter(name: str) -> None:
    model = AVSAC(replace(TINY, **SWITCHES[name][0]))
    with torch.no_grad():
        for parameter in model.parameters():  # off the start, where offsets do not depend on the position
            parameter += 0.1 * torch.randn_like(parameter)
    model(*inputs()).square().mean().backward()
    silent = [key for key, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert [key for key in silent if not WITHOUT_EFFECT.search(key)] == []


# The bias of a key adds the same to all scores of a query, which softmax takes away; a single token, the sound's, has the
# weight 1 whatever query and key say. Their gradients are rounding.
WITHOUT_EFFECT = re.compile(r"key\.bias$|audio_attention\.(query|key)\.")


def test_every_value_of_every_switch_is_exercised() -> None:
    exercised = [changes for changes, _ in SWITCHES.values()] + [TINY.to_dict()]
    for switch in ("decoder", "decoder_activation", "audio_weight", "mask_stride"):
        assert {changes[switch] for changes in exercised if switch in changes} == set(KNOWN[switch])


@pytest.mark.parametrize("switch", KNOWN)
def test_unknown_values_are_refused(switch: str) -> None:
    with pytest.raises(ValueError, match=f"{switch} 'other' is not one of {KNOWN[switch][0]}"):
        replace(TINY, **{switch: "other"})


@pytest.mark.parametrize("decoder", DECODERS)
@torch.no_grad()
def test_the_picture_hears_over_the_bridge_alone(decoder: str) -> None:
    """Without the gate, sound reaches the mask feature where the decoder has a bridge from audio to vision."""
    model = AVSAC(replace(TINY, decoder=decoder, channel_gate=False)).eval()
    image, mel = inputs(1)
    seen = model.encode_image(image)
    one, other = model.decode(seen, mel), model.decode(seen, mel + 1)
    assert (one.logits - other.logits).abs().max() > 1e-5
    moved = (one.mask_feature - other.mask_feature).abs().max()
    assert (moved > 1e-5) == (decoder in ("bavd", "audio-to-vision"))


def layer_inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """agv, vga, encoded, position."""
    return torch.randn(2, 5, 32), torch.randn(2, 3, 32), torch.randn(2, 5, 32), torch.randn(5, 32)


def test_audio_to_vision_reads_the_encoder_in_every_layer() -> None:
    layer = BAVDLayer(replace(TINY, decoder="audio-to-vision"), [(2, 2), (1, 1)])
    agv, vga, encoded, position = layer_inputs()
    new_agv, new_vga = layer(agv, vga, encoded, position)
    vision = layer.norm_v(agv + layer.deformable(agv + position, agv))
    torch.testing.assert_close(new_agv, layer.norm_agv(vision + layer.audio_to_vision(vision, vga)))
    torch.testing.assert_close(new_vga, layer.norm_vga(vga + layer.vision_to_audio(vga, encoded)))


def test_vision_to_audio_has_no_way_back() -> None:
    layer = BAVDLayer(replace(TINY, decoder="vision-to-audio"), [(2, 2), (1, 1)])
    agv, vga, encoded, position = layer_inputs()
    new_agv, new_vga = layer(agv, vga, encoded, position)
    torch.testing.assert_close(new_agv, layer.norm_v(agv + layer.deformable(agv + position, agv)))
    torch.testing.assert_close(new_vga, layer.norm_vga(vga + layer.vision_to_audio(vga, new_agv)))


def test_w_weighs_each_channel_when_it_is_one_a_channel() -> None:
    layer = BAVDLayer(replace(TINY, audio_weight="channel"), [(2, 2), (1, 1)])
    agv, vga, encoded, position = layer_inputs()
    with torch.no_grad():
        layer.w.copy_(torch.arange(32.0) / 32)
    vision = layer.norm_v(agv + layer.deformable(agv + position, agv))
    expected = layer.norm_agv(vision + torch.arange(32.0) / 32 * layer.audio_to_vision(vision, vga))
    torch.testing.assert_close(layer(agv, vga, encoded, position)[0], expected)


def test_bavd_ffn_ends_both_branches() -> None:
    with_ffn = BAVDLayer(replace(TINY, bavd_ffn=True), [(2, 2), (1, 1)])
    without = BAVDLayer(TINY, [(2, 2), (1, 1)])
    without.load_state_dict(with_ffn.state_dict(), strict=False)
    agv, vga, encoded, position = layer_inputs()
    new_agv, new_vga = with_ffn(agv, vga, encoded, position)
    plain_agv, _ = without(agv, vga, encoded, position)

    def block(ffn: torch.nn.Module, x: Tensor) -> Tensor:
        return ffn.norm(x + ffn.linear2(torch.nn.functional.gelu(ffn.linear1(x))))

    torch.testing.assert_close(new_agv, block(with_ffn.ffn_agv, plain_agv))
    read = with_ffn.norm_vga(vga + with_ffn.vision_to_audio(vga, new_agv))
    torch.testing.assert_close(new_vga, block(with_ffn.ffn_vga, read))


def test_avsegformers_decoder_equals_pytorchs_layer() -> None:
    ours = QueryDecoderLayer(TINY, [(2, 2), (1, 1)])
    theirs = torch.nn.TransformerDecoderLayer(32, 2, 64, dropout=0.0, activation="gelu", batch_first=True)
    pairs = ((theirs.self_attn, ours.self_attention), (theirs.multihead_attn, ours.cross_attention))
    with torch.no_grad():
        for packed, plain in pairs:
            projections = (plain.query, plain.key, plain.value)
            packed.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
            packed.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
            packed.out_proj.load_state_dict(plain.out.state_dict())
    theirs.linear1.load_state_dict(ours.ffn.linear1.state_dict())
    theirs.linear2.load_state_dict(ours.ffn.linear2.state_dict())
    agv, vga, encoded, position = layer_inputs()
    same, query = ours(agv, vga, encoded, position)
    assert same is agv
    torch.testing.assert_close(query, theirs(vga, encoded), atol=1e-5, rtol=1e-5)


def test_without_a_query_generator_the_audio_token_is_repeated() -> None:
    model = AVSAC(replace(TINY, query_layers=0)).eval()
    image, mel = inputs(1)
    output = model.decode(model.encode_image(image), mel)
    token = model.audio_proj(output.audio_embedding)
    torch.testing.assert_close(output.audio_query[0], token + model.query_generator.learnable_query)


def test_the_heads_scale_divides_the_product_by_the_root_of_the_width() -> None:
    scaled, plain = AVSAC(TINY).head, AVSAC(replace(TINY, scale_product=False)).head
    plain.load_state_dict(scaled.state_dict())
    feature, vga = torch.randn(1, 32, 8, 8), torch.randn(1, 8, 32)
    torch.testing.assert_close(scaled(feature, vga * 32**0.5), plain(feature, vga), atol=1e-4, rtol=1e-4)
