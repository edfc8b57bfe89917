from dataclasses import replace

import pytest
import torch

from avsac.model.audio_encoders import AUDIO_ENCODERS
from avsac.model.avsac import AVSAC
from avsac.model.backbones import BACKBONES, Backbone
from avsac.model.config import KNOWN, TINY

# Channels of the four stages, and millions of parameters with ImageNet's classifier, as published (Wang et al. 2022; He et
# al. 2016).
PUBLISHED = {
    "pvt-v2-b0": ((32, 64, 160, 256), 3.7),
    "pvt-v2-b1": ((64, 128, 320, 512), 14.0),
    "pvt-v2-b2": ((64, 128, 320, 512), 25.4),
    "pvt-v2-b3": ((64, 128, 320, 512), 45.2),
    "pvt-v2-b4": ((64, 128, 320, 512), 62.6),
    "pvt-v2-b5": ((64, 128, 320, 512), 82.0),
    "resnet50": ((256, 512, 1024, 2048), 25.6),
}


def test_configurations_know_every_backbone_and_audio_encoder() -> None:
    assert set(KNOWN["backbone"]) == set(BACKBONES)
    assert set(KNOWN["audio_encoder"]) == set(AUDIO_ENCODERS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_channels_and_sizes(name: str) -> None:
    channels, millions = PUBLISHED[name]
    with torch.device("meta"):
        pyramid = BACKBONES[name]((4, 8, 16, 32), 0.0)
    assert pyramid.channels == channels
    classifier = (channels[-1] + 1) * 1000
    assert (sum(p.numel() for p in pyramid.parameters()) + classifier) / 1e6 == pytest.approx(millions, abs=0.051)


@pytest.mark.parametrize("name", ["tiny", "efficientnet-lite0", "pvt-v2-b0", "resnet50"])
@pytest.mark.parametrize("strides", [(8, 16, 32), (4, 8, 16, 32)])
def test_maps_have_their_strides_and_channels(name: str, strides: tuple[int, ...]) -> None:
    pyramid = BACKBONES[name](strides, 0.0).eval()
    maps = pyramid(torch.randn(1, 3, 64, 64))
    assert [m.shape[1:] for m in maps] == [(c, 64 // s, 64 // s) for c, s in zip(pyramid.channels, strides, strict=True)]


def running_means(pyramid: Backbone) -> torch.Tensor:
    return torch.cat([b.flatten().clone() for name, b in pyramid.named_buffers() if name.endswith("running_mean")])


def test_batch_statistics_of_a_frozen_resnet_stay_those_of_a_trained_one_move() -> None:
    pyramid = BACKBONES["resnet50"]((8, 16, 32), 0.0)
    before = running_means(pyramid)
    pyramid.requires_grad_(False)
    pyramid.train()(torch.randn(2, 3, 64, 64))
    assert torch.equal(running_means(pyramid), before)
    pyramid.requires_grad_(True)
    pyramid.train()(torch.randn(2, 3, 64, 64))
    assert not torch.equal(running_means(pyramid), before)


def test_blocks_are_dropped_only_while_the_pyramid_is_trained() -> None:
    pyramid, image = BACKBONES["pvt-v2-b0"]((8, 16, 32), 0.5), torch.randn(1, 3, 64, 64)

    def differs() -> bool:
        return not torch.equal(pyramid(image)[-1], pyramid(image)[-1])

    with torch.no_grad():
        assert pyramid.train() and differs()
        assert pyramid.eval() and not differs()
        assert pyramid.requires_grad_(False).train() and not differs()


def test_pictures_are_normalised_by_imagenets_statistics() -> None:
    model, seen = AVSAC(replace(TINY, backbone="pvt-v2-b0")).eval(), []
    model.backbone.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    model.encode_image(torch.full((1, 64, 64, 3), 255, dtype=torch.uint8))
    expected = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    torch.testing.assert_close(seen[0][0, :, 5, 7], expected)


def test_gradients_reach_a_trained_pyramid_and_spare_a_frozen_one() -> None:
    model = AVSAC(replace(TINY, backbone="pvt-v2-b0"))
    image, mel = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8), torch.randn(1, 1, 96, 64)
    model(image, mel).sum().backward()
    assert all(p.grad is not None for p in model.backbone.parameters())
    model.zero_grad()
    model.backbone.requires_grad_(False)
    model(image, mel).sum().backward()
    assert all(p.grad is None for p in model.backbone.parameters())
