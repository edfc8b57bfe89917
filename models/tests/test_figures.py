"""`avsac figures`: what is drawn equals attention by hand, and what constructed models are known to do."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from avsac.audio import log_mel
from avsac.avsbench import open_dataset
from avsac.avsbench.generate import KINDS, generate
from avsac.cli import main
from avsac.figures.attention import attend, audio_guided, recorded, vision_guided
from avsac.figures.modality_share import contribution, contributions, mean_colour
from avsac.figures.panels import DPI, HEAD, PANEL, ShareRow, draw_attention, draw_shares
from avsac.model.avsac import AVSAC, Encoded
from avsac.model.config import TINY, ModelConfig
from avsac.training.checkpoint import write_model

SIDE = TINY.image_size
SHAPES = [(8, 8), (4, 4), (2, 2)]  # of strides 8, 16 and 32 at 64 px


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    for kind in ("s4", "avss"):
        generate(kind, folder / kind, clips=2, size=SIDE)
    return folder


def model_of(**switches: object) -> AVSAC:
    return AVSAC(replace(TINY, **switches)).eval().requires_grad_(False)


class SeesRed(AVSAC):
    """Its queries read pixels by how red these are, its pixels read query 3 as far as they are red."""

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        with torch.no_grad():
            for layer in self.decoder:
                for norm in (layer.norm_v, layer.norm_agv, layer.norm_vga):
                    norm.forward = lambda x: x
                for block in (layer.deformable, layer.audio_to_vision, layer.vision_to_audio):
                    block.out.weight.zero_()
                    block.out.bias.zero_()
                for attention in (layer.audio_to_vision, layer.vision_to_audio):
                    for part in (attention.query, attention.key):
                        part.weight.zero_()
                        part.bias.zero_()
                first = slice(None, None, config.width // config.heads)  # a channel of each head
                layer.vision_to_audio.query.bias[first] = 20.0
                layer.vision_to_audio.key.weight[first, 0] = 1.0
                layer.audio_to_vision.query.weight[first, 0] = 20.0
                layer.audio_to_vision.key.weight[first, 0] = 1.0
        self.query_generator.forward = lambda audio: self.third(len(audio))

    def third(self, batch: int) -> Tensor:
        """[B,Q,D]: channel 0 is 1 in query 3 and 0 in the others."""
        query = torch.zeros(batch, self.config.queries, self.config.width)
        query[:, 3, 0] = 1.0
        return query

    def encode_image(self, image: Tensor, earlier: Tensor | None = None, closer: Tensor | None = None) -> Encoded:
        """Channel 0 of a token is how red its cell is on average, 0..1, the others are 0."""
        colour = torch.tensor(KINDS[0].colour).float()
        red = ((image.float() - colour).abs().sum(-1) < 60).float()[:, None]
        maps = [torch.nn.functional.adaptive_avg_pool2d(red, shape) for shape in self.level_shapes]
        return Encoded(torch.nn.functional.pad(self.flatten(maps), (0, self.config.width - 1)))


def by_hand(attention: torch.nn.Module, query: Tensor, memory: Tensor) -> np.ndarray:
    """[T,N,M]: the mean over heads of softmax(q k / sqrt(d)), head by head in NumPy and in double precision."""
    q, k = (layer(x).double().numpy() for layer, x in ((attention.query, query), (attention.key, memory)))
    depth, heads = q.shape[-1] // attention.heads, []
    for head in range(attention.heads):
        part = slice(head * depth, (head + 1) * depth)
        scores = np.exp(np.einsum("tnd,tmd->tnm", q[..., part], k[..., part]) / np.sqrt(depth))
        heads.append(scores / scores.sum(-1, keepdims=True))
    return np.mean(heads, 0)


def test_maps_are_those_of_attention_computed_by_hand(sets: Path) -> None:
    model, clip = model_of(), open_dataset("s4", sets / "s4", "test", SIDE)[0]
    inputs = []
    for layer in model.decoder:
        for attention in (layer.audio_to_vision, layer.vision_to_audio):
            attention.register_forward_pre_hook(lambda module, taken: inputs.append((module, *taken)))
    drawn = attend(model, clip)
    assert len(inputs) == 4  # two layers, in each first the pixels, then the queries
    for layer in range(2):
        pixels, queries = (by_hand(*inputs[2 * layer + which]) for which in (0, 1))
        assert pixels.shape == (5, 84, TINY.queries)
        assert queries.shape == (5, TINY.queries, 84)
        query = pixels[:, :64].reshape(-1, TINY.queries).std(0).argmax()
        assert drawn.audio_guides[layer].title == f"layer {layer + 1}, query {query}"
        expected = pixels[:, :64, query].reshape(5, 8, 8) * TINY.queries
        np.testing.assert_allclose(drawn.audio_guides[layer].maps, expected, rtol=1e-4)
        density, start = np.zeros((5, 8, 8)), 0
        for side, _ in SHAPES:
            for y in range(8):
                for x in range(8):
                    token = start + (y * side // 8) * side + x * side // 8
                    density[:, y, x] += queries[:, :, token].mean(1) * side * side
            start += side * side
        np.testing.assert_allclose(drawn.vision_guides[layer].maps, density, rtol=1e-4)
    with torch.no_grad():
        logits = model(torch.from_numpy(clip.image), torch.from_numpy(clip.log_mel))[:, 0]
    np.testing.assert_allclose(drawn.predicted, logits.sigmoid().numpy(), atol=1e-6)


def test_rows_sum_to_one_and_nothing_is_recorded_afterwards(sets: Path) -> None:
    model, clip = model_of(), open_dataset("s4", sets / "s4", "test", SIDE)[0]
    with torch.no_grad(), recorded(model) as taken:
        model(torch.from_numpy(clip.image), torch.from_numpy(clip.log_mel))
    assert [name for name, _ in taken] == ["audio_to_vision", "vision_to_audio"] * 2
    for _, weights in taken:
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:2]))
    attend(model, clip)
    assert len(taken) == 4


def test_even_attention_is_one_everywhere() -> None:
    even = audio_guided(torch.full((2, 84, 5), 1 / 5), SHAPES, "layer 1")
    np.testing.assert_allclose(even.maps, np.ones((2, 8, 8)), rtol=1e-6)
    even = vision_guided(torch.full((2, 5, 84), 1 / 84), SHAPES, "layer 1")
    np.testing.assert_allclose(even.maps, np.ones((2, 8, 8)), rtol=1e-5)
    random = torch.rand(2, 5, 84)
    spread = vision_guided(random / random.sum(-1, keepdim=True), SHAPES, "layer 1")
    np.testing.assert_allclose(spread.maps.mean((1, 2)), 1, rtol=1e-5)


def test_a_model_that_sees_red_lights_the_red_shape_in_both_branches(sets: Path) -> None:
    clips = open_dataset("s4", sets / "s4", "train", SIDE)
    clip = clips[0]  # its circle is red and sounds
    assert clip.categories == ("circle",)
    share = clip.mask[0].reshape(8, 8, 8, 8).mean((1, 3))  # of a cell that is red
    drawn = attend(SeesRed(TINY).eval(), clip)
    assert drawn.audio_guides[0].title == "layer 1, query 3"
    read = np.exp(20 * share / 4)  # sqrt(d) is 4; the other seven queries have a score of 0
    np.testing.assert_allclose(drawn.audio_guides[0].maps[0], 8 * read / (read + 7), rtol=0.02)
    for heats in (drawn.audio_guides, drawn.vision_guides):
        for heat in heats:
            inside, outside = heat.maps[0][share > 0.99], heat.maps[0][share < 0.01]
            assert inside.min() > 5 * outside.max()


def test_branches_are_those_that_the_decoder_has(sets: Path) -> None:
    clip = open_dataset("s4", sets / "s4", "test", SIDE)[0]
    for decoder, audio in (("audio-to-vision", 2), ("vision-to-audio", 0), ("avsegformer", 0)):
        drawn = attend(model_of(decoder=decoder), clip)
        assert (len(drawn.audio_guides), len(drawn.vision_guides)) == (audio, 2)


def test_panels_of_attention(sets: Path) -> None:
    """Frame, truth, mask and two layers of both branches, a row a frame, and a colour bar a branch."""
    clips = open_dataset("avss", sets / "avss", "test", SIDE)
    for clip, frames in ((clips[0], 10), (clips[1], 5)):  # v2, and v1 that is padded
        drawn = attend(model_of(classes=71), clip)
        figure = draw_attention(clip, drawn, "A title")
        assert len(figure.axes) == frames * (3 + 2 + 2) + 2
        titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
        queries = [heat.title for heat in drawn.audio_guides]
        assert titles == ["frame", "truth", "mask", *queries, "layer 1", "layer 2"]
        assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel().startswith("frame")] == [
            f"frame {t + 1}" for t in range(frames)
        ]
        last = [axes for axes in figure.axes if len(axes.images) == 2][-1].images[1]  # the map above the frame in grey
        np.testing.assert_array_equal(last.get_array(), drawn.vision_guides[1].maps[frames - 1])


def test_components_add_up_and_a_deaf_model_has_no_sound_in_it(sets: Path) -> None:
    clips = open_dataset("s4", sets / "s4", "test", SIDE)
    model = model_of()
    clip, silence = clips[0], log_mel(np.zeros((5, 15_600)))[:, None]
    [of_clip] = contributions(model, clips, [0])
    np.testing.assert_array_equal(of_clip.audio, contribution(model, clip, silence).audio)

    def final(image: Tensor, mel: np.ndarray) -> Tensor:
        """What Eq. 1's linear layer takes, from the model's parts."""
        output = model.decode(model.encode_image(image), torch.from_numpy(mel))
        query = model.query_generator(model.audio_proj(output.audio_embedding)[:, None])
        tokens = model.encode_image(image).tokens
        vga, agv = query, tokens
        for layer in model.decoder:
            agv, vga = layer(agv, vga, tokens, model.position())
        product = torch.einsum("bqd,bdhw->bqhw", vga, output.mask_feature) * TINY.width**-0.5
        return output.mask_feature + model.head.mlp(product)

    image = torch.from_numpy(clip.image)
    assert (mean_colour(model, image).float() - model.backbone.mean).abs().max() <= 0.5
    grey = mean_colour(model, image)
    f = {(seen, heard): final((grey, image)[seen], (silence, clip.log_mel)[heard]) for seen in (0, 1) for heard in (0, 1)}
    audio = (f[1, 1] - f[1, 0] + f[0, 1] - f[0, 0]) / 2
    vision = f[1, 1] - f[0, 0] - audio  # the components add up to the whole
    np.testing.assert_allclose(of_clip.audio, audio.norm(dim=1).numpy(), atol=1e-5)
    np.testing.assert_allclose(of_clip.vision, vision.norm(dim=1).numpy(), atol=1e-5)
    sums = of_clip.audio.sum(), of_clip.vision.sum()
    assert of_clip.share == pytest.approx(sums[0] / (sums[0] + sums[1]))
    assert 0 < of_clip.share < 1

    model.audio_proj.weight.zero_()  # deaf
    assert contribution(model, clip, silence).share == 0
    blind = model_of()
    blind.encode_image = lambda image: Encoded(torch.ones(len(image), 84, TINY.width))
    assert contribution(blind, clip, silence).share == 1


def test_bars_and_panels_of_shares(sets: Path) -> None:
    clips = open_dataset("s4", sets / "s4", "test", SIDE)
    rows = []
    for decoder in ("bavd", "avsegformer"):
        measured = list(contributions(model_of(decoder=decoder), clips, [0, 1]))
        rows.append(ShareRow(decoder, measured, measured[0], np.zeros((5, SIDE, SIDE), np.float32)))
    figure = draw_shares(rows, "A title", "A caption")
    assert [axes.get_title() for axes in figure.axes[:4]] == ["frame", "truth", "mask", "sound's share"]
    bars = next(axes for axes in figure.axes if axes.get_legend())
    sound = [patch.get_width() for patch in bars.patches[:2]]
    assert sound == pytest.approx([100 * np.mean([c.share for c in row.contributions]) for row in rows])
    assert [patch.get_width() + width for patch, width in zip(bars.patches[2:], sound, strict=True)] == pytest.approx(
        [100, 100]
    )


def test_the_command_writes_pictures(sets: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    checkpoints = {decoder: tmp_path / f"{decoder}.pt" for decoder in ("bavd", "avsegformer")}
    for decoder, path in checkpoints.items():
        write_model(path, model_of(decoder=decoder))
    bavd, baseline, data = *map(str, checkpoints.values()), str(sets / "s4")

    def run(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["avsac", "figures", "--data", data, "--out", str(tmp_path / "out"), *options])
        main()
        return capsys.readouterr().out

    printed = run("--attention", bavd, baseline, baseline, "--clip", "test-0001")
    assert "avsegformer: pixels do not read queries; they do with the decoders bavd and audio-to-vision" in printed
    names = [f"attention-s4-test-0001-{label}.png" for label in ("bavd", "avsegformer", "avsegformer-2")]
    assert [line.rsplit("/", 1)[-1] for line in printed.splitlines() if line.endswith(".png")] == names
    panels = {"bavd": 3 + 2 * (2 + 0.75) + 0.5, "avsegformer": 3 + 2 + 0.75 + 0.5}  # colour bars and gaps beside the panels
    for label, width in panels.items():
        with Image.open(tmp_path / "out" / f"attention-s4-test-0001-{label}.png") as picture:
            assert picture.size == (int(width * PANEL * DPI), int((5 * PANEL + HEAD) * DPI))
            assert np.asarray(picture.convert("RGB")).std() > 20
    printed = run("--modality-share", bavd, baseline, "--clips", "2")
    assert printed.count("sound ") == 2
    assert (tmp_path / "out" / "modality-share-s4.png").stat().st_size > 10_000


def test_errors_name_the_cause(sets: Path, tmp_path: Path, monkeypatch) -> None:
    model = tmp_path / "model.pt"
    write_model(model, model_of())
    cases = {
        ("--attention", str(model), "--data", str(sets / "s4"), "--clip", "x"): "--clip x is not a video of the split test",
        ("--attention", str(model), "--data", str(sets / "avss")): "tells 1 classes apart, avss has 71",
        ("--modality-share", str(model), "--data", str(sets / "s4"), "--clips", "0"): "--clips 0 is less than 1",
        ("--modality-share", str(model), "--data", str(tmp_path)): "holds none of",
    }
    for options, expected in cases.items():
        monkeypatch.setattr(sys, "argv", ["avsac", "figures", *options])
        with pytest.raises(SystemExit, match=expected) as error:
            main()
        assert "\n" not in str(error.value)
