import json
from dataclasses import replace

import pytest
import torch

from avsac.model.avsac import AVSAC
from avsac.model.bavd import BAVDLayer
from avsac.model.config import LIVE, LIVE_STILL, PRESETS, TINY, ModelConfig
from avsac.model.encoder import EncoderLayer
from avsac.model.mask_feature import MaskFeature
from avsac.model.mask_head import MaskHead
from avsac.model.motion import EARLIER_MS
from avsac.model.query_generator import QueryGenerator


def inputs(batch: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randint(0, 256, (batch, side, side, 3), dtype=torch.uint8), torch.randn(batch, 1, 96, 64)


def test_shapes_of_every_stage(tiny: AVSAC) -> None:
    image, mel = inputs(3, 64)
    seen = tiny.encode_image(image)
    assert seen.tokens.shape == (3, 8 * 8 + 4 * 4 + 2 * 2, 32)
    output = tiny.decode(seen, mel)
    assert output.logits.shape == (3, 1, 16, 16)
    assert output.mask_feature.shape == (3, 32, 8, 8)
    assert output.audio_query.shape == (3, 8, 32)
    assert output.audio_embedding.shape == (3, 32)
    assert tiny(image, mel).shape == (3, 1, 64, 64)


def test_frames_of_a_window_do_not_touch_each_other(tiny: AVSAC) -> None:
    image, mel = inputs(5, 64)
    together = tiny(image, mel)
    for frame in range(5):
        alone = tiny(image[frame : frame + 1], mel[frame : frame + 1])
        torch.testing.assert_close(together[frame : frame + 1], alone, atol=1e-5, rtol=1e-4)


def test_sound_and_picture_both_change_the_mask(tiny: AVSAC) -> None:
    (image, mel), (other_image, other_mel) = inputs(1, 64), inputs(1, 64)
    logits = tiny(image, mel)
    assert (tiny(image, other_mel) - logits).abs().max() > 1e-4
    assert (tiny(other_image, mel) - logits).abs().max() > 1e-4


def test_live_preset_holds_its_part_counts_and_a_frozen_backbone() -> None:
    model = AVSAC(LIVE).train()
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert count["backbone"] == 2_958_848
    assert not any(p.requires_grad for p in model.backbone.parameters())
    assert not any(part.training for part in model.backbone.modules())
    image, mel = inputs(1, 192)
    model.eval()(image, mel, torch.zeros(1, len(EARLIER_MS), 192, 192, dtype=torch.uint8)).sum().backward()
    assert all(p.grad is None for p in model.backbone.parameters())
    missing = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert missing == []


def test_normalisation_is_inside_the_model(tiny: AVSAC) -> None:
    seen = []
    tiny.backbone.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    image = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    image[0, 0, 1] = torch.tensor([255, 127, 0])
    tiny.encode_image(image)
    torch.testing.assert_close(seen[0][0, :, 0, 1], torch.tensor([1.0, 0.0, -127 / 128]))


def test_bavd_layer_is_equations_2_and_3() -> None:
    layer = BAVDLayer(replace(TINY, width=16, groups=4), [(2, 2), (1, 1)])
    agv, vga, position = torch.randn(2, 5, 16), torch.randn(2, 3, 16), torch.randn(5, 16)
    vision = layer.norm_v(agv + layer.deformable(agv + position, agv))
    expected_agv = layer.norm_agv(vision + layer.audio_to_vision(vision, vga))
    expected_vga = layer.norm_vga(vga + layer.vision_to_audio(vga, expected_agv))
    new_agv, new_vga = layer(agv, vga, agv, position)
    torch.testing.assert_close(new_agv, expected_agv)
    torch.testing.assert_close(new_vga, expected_vga)

    with torch.no_grad():
        layer.w.zero_()
    torch.testing.assert_close(layer(agv, vga, agv, position)[0], layer.norm_agv(vision))
    layer.vga_residual = False
    new_agv, new_vga = layer(agv, vga, agv, position)
    torch.testing.assert_close(new_vga, layer.norm_vga(layer.vision_to_audio(vga, new_agv)))


def test_coarse_levels_change_first_and_the_finest_in_the_last_layer_alone() -> None:
    """Each token that changes does so as in a layer in which all change."""
    model = AVSAC(replace(TINY, coarse_first=True, decoder_layers=3))
    coarse, fine = slice(64, None), slice(64)
    tokens, vga, position = torch.randn(2, 84, 32), torch.randn(2, 8, 32), torch.randn(84, 32)
    whole = EncoderLayer(32, 2, TINY.points, 64, model.level_shapes)
    whole.load_state_dict(model.encoder[0].state_dict())
    encoded = model.encoder[0](tokens, position)
    assert torch.equal(encoded[:, fine], tokens[:, fine])
    torch.testing.assert_close(encoded[:, coarse], whole(tokens, position)[:, coarse])
    for layer, changing, kept in zip(model.decoder, (coarse, coarse, fine), (fine, fine, coarse), strict=True):
        whole = BAVDLayer(TINY, model.level_shapes)
        whole.load_state_dict(layer.state_dict())
        agv, read = layer(tokens, vga, tokens, position)
        assert torch.equal(agv[:, kept], tokens[:, kept])
        torch.testing.assert_close(agv[:, changing], whole(tokens, vga, tokens, position)[0][:, changing])
        torch.testing.assert_close(read, layer.norm_vga(vga + layer.vision_to_audio(vga, agv[:, changing])))


def test_gate_weighs_channels_between_zero_and_one_and_can_be_left_out() -> None:
    coarse, audio = torch.randn(2, 32, 8, 8), torch.randn(2, 1, 32)
    gated, plain = MaskFeature(TINY), MaskFeature(replace(TINY, channel_gate=False))
    plain.convolution.load_state_dict(gated.convolution.state_dict())
    feature, ungated = gated(coarse, None, audio), plain(coarse, None, audio)
    share = (feature / ungated)[ungated > 1e-3]
    assert ((share > 0) & (share < 1)).all()
    ratio = feature.sum((2, 3)) / ungated.sum((2, 3))
    torch.testing.assert_close(feature, ungated * ratio[..., None, None], atol=1e-5, rtol=1e-3)


def test_query_generator_has_no_attention_biases_and_listens() -> None:
    generator = QueryGenerator(16, 2, 32, layers=2, queries=6)
    assert not [name for name, _ in generator.named_parameters() if "attention" in name and "bias" in name]
    audio = torch.randn(2, 1, 16)
    query = generator(audio)
    assert query.shape == (2, 6, 16)
    assert (query[0] - query[1]).abs().max() > 1e-3


@pytest.mark.parametrize("change", [{"image_size": 100}, {"width": 33}, {"heads": 5}, {"groups": 7}])
def test_sizes_that_do_not_divide_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="not divisible"):
        replace(TINY, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 0}, "classes 0 is less than 1"),
        ({"decoder_layers": 0}, "decoder_layers 0 is less than 1"),
        ({"image_size": 0}, "image_size 0 is not divisible"),
        ({"audio_encoder": "vggish"}, "audio_width 32 is not VGGish's, 128"),
    ],
)
def test_impossible_sizes_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


def test_inputs_of_another_size_are_refused_in_a_sentence(tiny: AVSAC) -> None:
    image, mel = inputs(2, 64)
    with pytest.raises(ValueError, match=r"takes images \[B,64,64,3\], not \[2, 96, 96, 3\]"):
        tiny(inputs(2, 96)[0], mel)
    with pytest.raises(ValueError, match=r"takes images \[B,64,64,3\], not \[2, 3, 64, 64\]"):
        tiny(image.permute(0, 3, 1, 2), mel)
    with pytest.raises(ValueError, match=r"log-mel patch is \[1, 96, 64\], not \[1, 64, 96\]"):
        tiny(image, mel.transpose(2, 3))


@pytest.mark.parametrize("name", PRESETS)
def test_configuration_survives_json(name: str) -> None:
    assert ModelConfig.from_dict(json.loads(json.dumps(PRESETS[name].to_dict()))) == PRESETS[name]


def test_presets_are_the_papers_settings() -> None:
    """Table 6, and 512 px where its feature size, 5376 tokens, says so."""
    for name, (size, frames, classes, tokens) in {
        "s4": (512, 5, 1, 5376),
        "ms3": (512, 5, 1, 5376),
        "avss": (224, 10, 71, 1029),
    }.items():
        for short, backbone in (("pvt", "pvt-v2-b5"), ("r50", "resnet50")):
            config = PRESETS[f"{name}-{short}"]
            assert (config.image_size, config.frames, config.classes) == (size, frames, classes)
            assert (config.backbone, config.width, config.queries, config.decoder_layers) == (backbone, 256, 300, 6)
            with torch.device("meta"):
                assert sum(h * w for h, w in AVSAC(config).level_shapes) == tokens


def test_configurations_of_before_the_switches_give_the_same_model() -> None:
    """What a checkpoint of the live model's first release says of itself."""
    fields = (
        "backbone image_size width heads groups points encoder_layers encoder_ffn queries query_layers query_ffn "
        "decoder_layers vga_residual audio_channels audio_width channel_gate mlp_hidden head_channels head_scale classes"
    ).split()
    assert ModelConfig.from_dict({field: LIVE_STILL.to_dict()[field] for field in fields}) == LIVE_STILL


def test_mask_feature_at_stride_4_doubles_the_tokens_and_adds_the_lateral_map() -> None:
    model = AVSAC(replace(TINY, mask_stride=4, head_scale=4)).eval()
    image, mel = inputs(2, 64)
    seen = model.encode_image(image)
    assert seen.fine.shape == (2, 32, 16, 16)
    assert seen.tokens.shape == (2, 8 * 8 + 4 * 4 + 2 * 2, 32)
    output = model.decode(seen, mel)
    assert output.mask_feature.shape == (2, 32, 16, 16)
    torch.testing.assert_close(model(image, mel), output.logits)

    coarse, fine, audio = torch.randn(2, 32, 8, 8), torch.randn(2, 32, 16, 16), torch.randn(2, 1, 32)
    feature, plain = model.mask_feature, AVSAC(replace(TINY, channel_gate=False)).mask_feature
    plain.convolution.load_state_dict(feature.convolution.state_dict())
    doubled = torch.nn.functional.interpolate(coarse, scale_factor=2.0, mode="bilinear")
    share = feature(coarse, fine, audio) / plain(feature.lateral(fine) + doubled, None, audio)
    share = share.flatten(2).nanmean(2)
    assert ((share > 0) & (share < 1)).all()


@torch.no_grad()
def test_a_heads_lateral_begins_as_if_it_were_not_there_and_then_follows_the_edges() -> None:
    plain, head = MaskHead(TINY), MaskHead(TINY, finest=8)
    head.load_state_dict(plain.state_dict(), strict=False)
    feature, vga, edges = torch.randn(2, 32, 8, 8), torch.randn(2, 8, 32), torch.randn(2, 8, 16, 16)
    assert torch.equal(plain(feature, vga), head(feature, vga, edges))
    head.sharpen.weight.normal_()
    assert (head(feature, vga, edges) - head(feature, vga, 0 * edges)).abs().max() > 1e-3
    model = AVSAC(replace(TINY, head_lateral=True)).eval()
    image, mel = inputs(2, 64)
    assert model.encode_image(image).finest.shape == (2, 8, 16, 16)
    assert model(image, mel).shape == (2, 1, 64, 64)


def test_what_is_seen_of_a_picture_serves_several_sounds() -> None:
    model = AVSAC(replace(TINY, head_lateral=True)).eval()
    image, mel = inputs(2, 64)
    seen, mel = model.encode_image(image), torch.cat((mel, mel + 1, mel - 1))
    several = model.decode(seen.repeat(torch.tensor([1, 2])), mel[:3]).logits
    each = model.decode(model.encode_image(image[[0, 1, 1]]), mel[:3]).logits
    torch.testing.assert_close(several, each)


def test_a_lateral_of_another_stride_than_the_heads_map_is_refused() -> None:
    with pytest.raises(ValueError, match="head_scale"):
        replace(TINY, head_lateral=True, head_scale=4)
