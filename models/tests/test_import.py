"""Published checkpoints: what is imported computes what `avsegformer_reference` does; what does not fit is refused by name."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from avsac import cli
from avsac.checkpoint.layout import CheckpointError
from avsac.checkpoint.published import ACCEPTED, import_published, load_published
from avsac.commands.import_checkpoint import FILES
from avsac.model.avsac import AVSAC
from avsac.model.config import PRESETS, TINY, ModelConfig
from avsac.training.checkpoint import load_model

from .avsegformer_reference import Bottleneck, Pyramid, Reference, Vggish, random_state

# Number of tensors of each released checkpoint, and sha256 of its sorted lines "key shape".
RELEASED = {
    ("pvt-v2-b5", 1, True): (1413, "cddd2f0224099cde"),
    ("pvt-v2-b5", 71, True): (1413, "67a5166492dfae46"),
    ("resnet50", 1, True): (853, "e4a52efffaba9010"),
    ("resnet50", 71, True): (853, "9832700832c129e0"),
    ("pvt-v2-b5", 1, False): (1328, "7d8ba619261c6cc0"),
    ("resnet50", 1, False): (768, "4c88769bdad6ba9b"),
}
SMALL = replace(
    PRESETS["s4-pvt"],
    backbone="pvt-v2-b0",
    image_size=64,
    width=64,
    encoder_layers=2,
    encoder_ffn=128,
    queries=12,
    query_layers=2,
    query_ffn=96,
    decoder_layers=2,
    mlp_hidden=80,
    head_channels=(24, 8),
)
TINY_WITH_PVT = replace(TINY, backbone="pvt-v2-b0")


def reference(config: ModelConfig, generated: bool = True) -> Reference:
    return Reference(
        config.backbone,
        config.classes,
        generated,
        width=config.width,
        layers=config.encoder_layers,
        hidden=config.encoder_ffn,
        queries=config.queries,
        query_hidden=config.query_ffn,
        mlp_hidden=config.mlp_hidden,
        head_channels=config.head_channels,
        activation=config.decoder_activation,
    ).eval()


def save(path: Path, state: object) -> Path:
    torch.save(state, path)
    return path


def inputs(side: int, batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """image uint8, the same normalised by ImageNet's statistics, log-mel."""
    image = torch.randint(0, 256, (batch, side, side, 3), dtype=torch.uint8)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return image, ((image / 255 - mean) / deviation).permute(0, 3, 1, 2), torch.randn(batch, 1, 96, 64) * 2.5 - 2


@pytest.fixture(scope="module")
def small_state() -> dict[str, Tensor]:
    return random_state(reference(SMALL))


@pytest.mark.parametrize(("backbone", "classes", "generated"), RELEASED)
def test_the_reference_has_the_keys_and_shapes_of_the_released_checkpoints(
    backbone: str, classes: int, generated: bool
) -> None:
    with torch.device("meta"):
        state = Reference(backbone, classes, generated).state_dict()
    lines = sorted(f"{key} {tuple(value.shape)}" for key, value in state.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert (len(lines), digest[:16]) == RELEASED[backbone, classes, generated]


@pytest.mark.parametrize(
    ("changes", "generated"),
    [
        ({}, True),
        ({"backbone": "resnet50", "classes": 71}, True),
        ({"image_size": 96, "decoder_activation": "relu"}, False),
    ],
    ids=["PVT", "ResNet-50, 71 classes", "first version, ReLU in the decoder"],
)
@torch.no_grad()
def test_an_imported_checkpoint_computes_what_the_original_does(changes: dict, generated: bool, tmp_path: Path) -> None:
    config = replace(SMALL, **changes)
    original = reference(config, generated)
    state = random_state(original)
    original.load_state_dict(state)
    model, _ = import_published(config, [save(tmp_path / "a.pth", state)])
    image, pixels, mel = inputs(config.image_size)
    expected = original(pixels, mel)
    logits = model.eval()(image, mel)
    assert logits.shape == (2, config.classes, config.image_size, config.image_size)
    assert expected.std() > 0.1
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert model.config == replace(config, decoder="avsegformer", query_layers=2 if generated else 0)


def test_never_run_tensors_change_nothing(small_state: dict[str, Tensor], tmp_path: Path) -> None:
    without = {key: value for key, value in small_state.items() if ".fpn." not in key and ".attn_fc." not in key}
    assert len(small_state) - len(without) == 11
    whole, _ = import_published(SMALL, [save(tmp_path / "a.pth", small_state)])
    lean, _ = import_published(
        SMALL, [save(tmp_path / "b.pth", {"state_dict": {f"module.{k}": v for k, v in without.items()}})]
    )
    for key, value in whole.state_dict().items():
        assert torch.equal(value, lean.state_dict()[key]), key


def test_every_wrong_key_is_named(small_state: dict[str, Tensor], tmp_path: Path) -> None:
    state = dict(small_state)
    del state["head.level_embed"], state["vggish.embeddings.0.bias"]
    state["head.extra.weight"] = torch.zeros(1)
    state["head.mlp.layers.1.weight"] = torch.zeros(80, 81, 1, 1)
    state["head.fpn.up1.1.bias"] = torch.zeros(3)
    state["audio_proj.bias"] = "not a tensor"
    with pytest.raises(CheckpointError) as refused:
        import_published(SMALL, [save(tmp_path / "wrong.pth", state)])
    message = str(refused.value)
    assert message == (
        "wrong.pth is not AVSegFormer with pvt-v2-b0 and 1 class: "
        "2 missing: head.level_embed, vggish.embeddings.0.bias; 1 unexpected: head.extra.weight; "
        "3 misshapen: audio_proj.bias of type str, not (64,), head.mlp.layers.1.weight (80, 81, 1, 1), not (80, 80, 1, 1), "
        "head.fpn.up1.1.bias (3,), not (64,)"
    )


def test_a_preset_with_another_backbone_or_class_count_is_refused(small_state: dict[str, Tensor], tmp_path: Path) -> None:
    file = save(tmp_path / "a.pth", small_state)
    with pytest.raises(CheckpointError, match="1 class, the preset has pvt-v2-b0 and 71 classes: use s4-pvt or ms3-pvt"):
        import_published(replace(SMALL, classes=71), [file])
    with pytest.raises(CheckpointError, match=r"is AVSegFormer with pvt-v2-b5 .*, the preset has resnet50"):
        import_published(replace(SMALL, backbone="resnet50"), [file])


def test_other_files_are_refused(tmp_path: Path) -> None:
    cases = {
        "has no key that this model takes .it starts with fc.weight.*https://github.com/whai362": {"fc.weight": torch.zeros(2)},
        "holds no state dictionary": [1, 2],
        "is a checkpoint of avsac already": {"config": {}, "model": {}},
    }
    for match, state in cases.items():
        with pytest.raises(CheckpointError, match=match):
            import_published(TINY_WITH_PVT, [save(tmp_path / "a.pth", state)])
    (tmp_path / "a.pth").write_bytes(b"no checkpoint at all")
    with pytest.raises(CheckpointError, match=r"a\.pth is not a checkpoint of PyTorch"):
        import_published(TINY_WITH_PVT, [tmp_path / "a.pth"])
    with pytest.raises(CheckpointError, match="this configuration takes no published file"):
        import_published(TINY, [save(tmp_path / "a.pth", random_state(nn.Linear(2, 2)))])


@torch.no_grad()
def test_published_pvt_makes_the_same_pyramid(tmp_path: Path) -> None:
    original = Pyramid("pvt-v2-b0").eval()
    state = random_state(original)
    original.load_state_dict(state)
    published = state | {"head.weight": torch.zeros(1000, 256), "head.bias": torch.zeros(1000)}
    model = AVSAC(replace(TINY_WITH_PVT, mask_stride=4)).eval()
    assert load_published(model, save(tmp_path / "pvt_v2_b0.pth", published)) == "PVT-v2-B0"
    _, pixels, _ = inputs(64)
    for ours, theirs in zip(model.backbone(pixels), original(pixels), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


class PublishedResNet(nn.Module):
    """torchvision's keys, without counters of batches, as in its older file."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        stages = ((64, 64, 1, 3), (256, 128, 2, 4), (512, 256, 2, 6), (1024, 512, 2, 3))
        for number, (inputs, width, stride, blocks) in enumerate(stages, 1):
            later = (Bottleneck(4 * width, width, 1) for _ in range(blocks - 1))
            setattr(self, f"layer{number}", nn.Sequential(Bottleneck(inputs, width, stride), *later))
        self.fc = nn.Linear(2048, 1000)


@torch.no_grad()
def test_published_resnet_makes_the_same_pyramid(tmp_path: Path) -> None:
    original = PublishedResNet().eval()
    state = {key: value for key, value in random_state(original).items() if "num_batches_tracked" not in key}
    original.load_state_dict(state, strict=False)
    model = AVSAC(replace(TINY, backbone="resnet50", mask_stride=4)).eval()
    assert load_published(model, save(tmp_path / "resnet50.pth", state)) == "ResNet-50"
    _, x, _ = inputs(64)
    maps = model.backbone(x)
    x = nn.functional.max_pool2d(original.bn1(original.conv1(x)).relu(), 3, 2, 1)
    for ours, stage in zip(maps, (original.layer1, original.layer2, original.layer3, original.layer4), strict=True):
        x = stage(x)
        torch.testing.assert_close(ours, x, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_command_starts_a_model_from_several_files(tmp_path: Path, monkeypatch, capsys) -> None:
    config = replace(TINY_WITH_PVT, audio_encoder="vggish", audio_width=128)
    monkeypatch.setitem(PRESETS, "small", config)
    vggish = Vggish()
    vggish.load_state_dict(random_state(vggish))
    pvt = save(tmp_path / "pvt.pth", random_state(Pyramid("pvt-v2-b0")))
    audio, out = save(tmp_path / "vggish.pth", vggish.state_dict()), tmp_path / "start.pt"
    monkeypatch.setattr(
        sys, "argv", ["avsac", "import", str(pvt), str(audio), "-o", str(out), "--preset", "small", "--image-size", "96"]
    )
    cli.main()
    assert f"{audio}: VGGish" in capsys.readouterr().out
    model = load_model(out)
    assert model.config == replace(config, image_size=96)
    mel = inputs(32)[2]
    torch.testing.assert_close(model.audio_encoder(mel), vggish(mel), atol=1e-5, rtol=1e-5)
    assert torch.equal(model.backbone.net.patch_embed.proj.bias, random_state(Pyramid("pvt-v2-b0"))["patch_embed1.proj.bias"])

    broken = save(tmp_path / "broken.pth", {"features.0.weight": torch.zeros(64, 1, 3, 3)})
    monkeypatch.setattr(sys, "argv", ["avsac", "import", str(broken), "-o", str(out), "--preset", "small"])
    with pytest.raises(SystemExit, match=r"avsac: broken.pth is not VGGish: 17 missing: features.0.bias, "):
        cli.main()


def test_help_names_the_files_that_are_accepted() -> None:
    for name, origin in ACCEPTED.items():
        assert f"{name} " in FILES
        assert origin in FILES
