import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from avsac.audio import AudioConfig, log_mel
from avsac.cli import main
from avsac.export import golden, graph, parity
from avsac.export.classes import AVSS, class_names
from avsac.export.export import export
from avsac.export.graph import GraphConfig
from avsac.export.int8 import to_int8
from avsac.export.manifest import Card
from avsac.model.avsac import AVSAC
from avsac.model.config import PRESETS, TINY
from avsac.model.motion import EARLIER_MS
from avsac.training.checkpoint import load_model

from .reduced import reduced, shaken

DIST = Path(__file__).resolve().parent.parent / "dist"


def read_tensor(folder: Path, entry: dict) -> np.ndarray:
    return np.fromfile(folder / entry["file"], np.dtype(entry["dtype"]).newbyteorder("<")).reshape(entry["shape"])


def config_of(parameters: dict) -> AudioConfig:
    names = {"sampleRateHz": "sample_rate", "melLowHz": "mel_low", "melHighHz": "mel_high"}
    snake = {key: "".join(f"_{c.lower()}" if c.isupper() else c for c in key) for key in parameters}
    return AudioConfig(**{names.get(key, snake[key]): value for key, value in parameters.items()})


def check_folder(folder: Path) -> dict:
    """The manifest tells the truth of the file, and the golden vectors are what the file and the front end give."""
    manifest = json.loads((folder / "manifest.json").read_text())
    content = (folder / manifest["file"]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["bytes"] == len(content)
    written = onnx.load(folder / manifest["file"])
    assert max(entry.version for entry in written.opset_import if entry.domain in ("", "ai.onnx")) == manifest["opset"]

    runtime = graph.session(folder / manifest["file"])
    image, mel, output = manifest["inputs"]["image"], manifest["inputs"]["logMel"], manifest["output"]
    tensors = [*runtime.get_inputs(), *runtime.get_outputs()]
    shapes = {tensor.name: (tensor.type, tensor.shape[1:]) for tensor in tensors}
    if earlier := manifest["inputs"].get("earlier"):
        shape = [len(earlier["agesMs"]), earlier["height"], earlier["width"]]
        assert shapes.pop(earlier["name"]) == ("tensor(uint8)", shape)
    inputs = {key: tensor["name"] for key, tensor in manifest["inputs"].items()}
    if close_up := manifest["inputs"].get("closeUp"):
        looks, picture = close_up["looks"], [close_up["height"], close_up["width"], close_up["channels"]]
        assert shapes.pop(close_up["name"]) == ("tensor(uint8)", picture)
        for name in (looks["name"], looks["output"]):
            assert shapes.pop(name) == ("tensor(float)", [looks["positions"], looks["kinds"]])
        inputs["looks"] = looks["name"]
    masks = output["type"] == "uint8"
    channels = 1 if masks else len(manifest["classes"])
    assert shapes == {
        image["name"]: ("tensor(uint8)", [image["height"], image["width"], image["channels"]]),
        mel["name"]: ("tensor(float)", [1, mel["frames"], mel["bands"]]),
        output["name"]: ("tensor(uint8)" if masks else "tensor(float)", [channels, output["height"], output["width"]]),
    }
    batch = manifest.get("batch")
    some = {close_up["name"], close_up["looks"]["output"]} if close_up else set()  # of a batch, or none
    of_all = [tensor.shape[0] for tensor in tensors if tensor.name not in some]
    assert all(isinstance(count, str) if batch is None else count == batch for count in of_all)
    assert all(isinstance(tensor.shape[0], str) for tensor in tensors if tensor.name in some)
    assert config_of(manifest["audio"]) == AudioConfig()

    golden = (folder / manifest["golden"]).parent
    index = json.loads((folder / manifest["golden"]).read_text())
    assert len({json.dumps(case["parameters"]) for case in index["logMel"]}) >= 3
    for case in index["logMel"]:
        patch = log_mel(read_tensor(golden, case["pcm"]), config_of(case["parameters"]))
        np.testing.assert_allclose(patch, read_tensor(golden, case["logMel"]), atol=case["tolerance"])
    assert sorted(case["image"]["shape"][0] for case in index["model"]) == ([1, 3] if batch is None else [batch])
    weights = folder / "weights.pt"
    model = load_model(weights) if weights.exists() else None
    for case in index["model"]:
        feed = {name: read_tensor(golden, case[key]) for key, name in inputs.items()}
        if close_up:
            (looked,) = runtime.run([close_up["looks"]["output"]], feed)
            np.testing.assert_allclose(looked, read_tensor(golden, case["looked"]), atol=case["tolerance"])
            feed[close_up["name"]] = feed[close_up["name"]][:0]  # the masks do not need them
            if model is not None:
                with torch.no_grad():
                    ours = model.look_closer(torch.from_numpy(read_tensor(golden, case["closeUp"]))).numpy()
                np.testing.assert_allclose(ours, looked, atol=case["tolerance"])
        (found,) = runtime.run([output["name"]], feed)
        expected = read_tensor(golden, case[output["name"]])
        assert found.shape == expected.shape
        if model is not None and not masks:
            with torch.no_grad():
                ours = parity.logits_of(model, feed).numpy()
            np.testing.assert_allclose(ours, expected, atol=case["tolerance"])
        assert (np.mean(found != expected) if masks else np.abs(found - expected).max()) <= case["tolerance"]
    listed = {
        t["file"] for case in (*index["logMel"], *index["model"]) for t in case.values() if isinstance(t, dict) and "file" in t
    }
    assert listed == {path.name for path in golden.glob("*.bin")}
    return manifest


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[AVSAC, Path]:
    model, folder = shaken(TINY), tmp_path_factory.mktemp("dist")
    assert export(model, folder, Card("tiny", "0.0.1"), class_names(1)) <= parity.PARITY
    return model, folder


def test_an_export_checks_out(exported: tuple[AVSAC, Path]) -> None:
    manifest = check_folder(exported[1])
    assert (manifest["name"], manifest["precision"], manifest["windowLength"]) == ("tiny", "fp32", TINY.frames)
    assert manifest["classes"] == ["sounding"]
    assert 0 < manifest["parity"]["largestDifference"] <= parity.PARITY


@pytest.mark.parametrize("name", ["live", "live-still"])
def test_the_committed_exports_check_out(name: str) -> None:
    check_folder(DIST / name)
    assert (DIST / name / "weights.pt").exists() == (name == "live")
    largest = 5_500_000 if name == "live" else 2_400_000
    assert sum(path.stat().st_size for path in (DIST / name / "golden").iterdir()) <= largest


# MS3 is S4's model, trained on other clips; S4's on PVT and AVSS's on ResNet are exported, checked and served by
# test/integration/served-models.test.ts.
@pytest.mark.parametrize(
    ("preset", "config", "classes"),
    [("avss-pvt", GraphConfig(batch=1, output="mask"), 71), ("s4-r50", GraphConfig(batch=2), 1)],
)
def test_presets_export_in_single_and_half_precision(preset: str, config: GraphConfig, classes: int, tmp_path: Path) -> None:
    model = shaken(reduced(preset))
    assert export(model, tmp_path, Card(preset), class_names(classes), config) <= parity.PARITY
    manifest = check_folder(tmp_path)
    assert manifest["windowLength"] == PRESETS[preset].frames
    half = tmp_path / "half.onnx"
    graph.write_graph(model, half, replace(config, precision="fp16"))
    # On a core in small operators, which are faster there; on a GPU as one.
    assert "LayerNormalization" not in {node.op_type for node in onnx.load(tmp_path / manifest["file"]).graph.node}
    assert "LayerNormalization" in {node.op_type for node in onnx.load(half).graph.node}
    assert half.stat().st_size < 0.6 * manifest["bytes"]
    worst = parity.check_parity(model, half, replace(config, precision="fp16"))
    assert config.output == "mask" or worst > parity.PARITY


class Convolutions(nn.Module):
    """As many as EfficientNet-Lite0 has to the end of its second stage, three more, and a projection."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(*(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU6()) for _ in range(12)))
        self.in_proj = nn.Conv2d(3, 4, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.in_proj(self.backbone(image.permute(0, 3, 1, 2).float() / 64))


def test_int8_is_of_the_backbone_after_its_first_stages_and_stays_near(tmp_path: Path) -> None:
    pictures = [{"image": golden.pictures(32, 1, seed)} for seed in range(4)]
    single = graph.to_onnx(Convolutions(), pictures[0], ["maps"], any_batch=False)
    eight = to_int8(single, pictures[:3])
    onnx.save(single, tmp_path / "single.onnx")
    onnx.save(eight, tmp_path / "eight.onnx")
    quantised = {name for node in eight.graph.node if node.op_type == "DequantizeLinear" for name in node.input}
    names = sorted(name for name in quantised if name.endswith("weight_quantized"))
    assert names == [f"backbone.{layer}.0.weight_quantized" for layer in (10, 11, 9)]
    exact, near = (graph.session(tmp_path / name).run(None, pictures[3])[0] for name in ("single.onnx", "eight.onnx"))
    assert 0 < np.abs(exact - near).mean() < 0.1 * exact.std()


def test_int8_needs_pictures_a_backbone_that_it_knows_and_decisions_like_pytorchs(exported: tuple[AVSAC, Path]) -> None:
    model, folder = exported
    config = GraphConfig(precision="int8")
    with pytest.raises(ValueError, match="int8 is calibrated on pictures of the training data: give --scenes"):
        graph.write_graph(model, folder / "int8.onnx", config)
    with pytest.raises(ValueError, match="int8 is for the live model's backbone"):
        to_int8(onnx.load(folder / "tiny.onnx"), [])
    pictures = [graph.random_inputs(1, TINY, AudioConfig(), seed) for seed in range(3)]
    assert parity.check_decisions(model, folder / "tiny.onnx", config, pictures) < 1e-3
    other = shaken(TINY)
    with torch.no_grad():
        other.head.classify.weight.neg_()
    with pytest.raises(parity.ParityError, match="of the pixels unlike PyTorch, more than 1%"):
        parity.check_decisions(other, folder / "tiny.onnx", config, pictures)


def test_the_baseline_exports(tmp_path: Path) -> None:
    model = shaken(replace(TINY, decoder="avsegformer"))
    graph.write_graph(model, tmp_path / "baseline.onnx", GraphConfig(batch=1))
    assert 0 < parity.check_parity(model, tmp_path / "baseline.onnx", GraphConfig(batch=1)) <= parity.PARITY


def test_a_model_with_close_ups_and_no_motion_exports(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = AVSAC(replace(reduced("live"), motion=False)).eval()  # weights.pt has not the backbone, which is not to be shaken
    model.recognition.lift.fill_(0.5)
    assert export(model, tmp_path, Card("still"), class_names(1), GraphConfig(batch=1)) <= parity.PARITY
    assert list(check_folder(tmp_path)["inputs"]) == ["image", "logMel", "closeUp"]


def test_a_model_with_motion_exports_with_its_earlier_frames(tmp_path: Path) -> None:
    model = shaken(replace(TINY, motion=True))
    assert export(model, tmp_path, Card("motion"), class_names(1)) <= parity.PARITY
    earlier = check_folder(tmp_path)["inputs"]["earlier"]
    named = {"name": "earlier", "type": "uint8", "layout": "NCHW"}
    assert earlier == named | {"height": 64, "width": 64, "agesMs": list(EARLIER_MS)}
    still = graph.random_inputs(1, replace(TINY, motion=True), AudioConfig(), seed=0)
    runtime = graph.session(tmp_path / "motion.onnx")
    moved = runtime.run(None, still | {"earlier": still["earlier"] ^ 64})[0]
    assert np.abs(moved - runtime.run(None, still)[0]).max() > 1e-3


def test_presets_share_their_architecture() -> None:
    assert PRESETS["ms3-pvt"] == PRESETS["s4-pvt"]
    assert PRESETS["ms3-r50"] == PRESETS["s4-r50"]


@pytest.mark.parametrize(("classes", "threshold"), [(1, 0.5), (1, 0.3), (3, 0.5)])
def test_masks_are_the_decisions_of_the_logits(classes: int, threshold: float) -> None:
    logits = torch.randn(2, classes, 4, 5)
    mask = graph.decide(logits, GraphConfig(threshold=threshold).bound)
    assert mask.dtype == torch.uint8
    for (n, _, y, x), found in np.ndenumerate(mask.numpy()):
        scores = logits[n, :, y, x]
        assert found == (int(scores[0].sigmoid() > threshold) if classes == 1 else scores.tolist().index(max(scores.tolist())))


def test_a_mask_is_as_far_from_the_logits_as_they_must_move() -> None:
    one = np.array([[[[2.0, -0.25, 0.5]]]], np.float32)
    assert parity.difference(one, np.array([[[[1, 0, 1]]]], np.uint8)) == 0
    assert parity.difference(one, np.array([[[[1, 1, 0]]]], np.uint8)) == 0.5
    assert parity.difference(one, np.array([[[[1, 0, 1]]]], np.uint8), bound=0.75) == 0.25
    many = np.array([[[[2.0]], [[1.5]], [[-1.0]]]], np.float32)
    assert [parity.difference(many, np.array([[[[k]]]], np.uint8)) for k in (0, 1, 2)] == [0, 0.5, 3]


def test_parity_check_notices_other_weights(exported: tuple[AVSAC, Path]) -> None:
    model, folder = exported
    other = AVSAC(TINY).eval()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        other.head.reduce.bias += 0.01
    with pytest.raises(parity.ParityError, match="differs"):
        parity.check_parity(other, folder / "tiny.onnx", GraphConfig())


def test_the_graph_holds_what_gives_the_logits_and_nothing_else(exported: tuple[AVSAC, Path]) -> None:
    model, folder = exported
    written = onnx.load(folder / "tiny.onnx").graph
    assert [output.name for output in written.output] == ["logits"]
    # The operators of the softmaxes' logarithms, of AVFS, and of dropout would be these.
    assert not {node.op_type for node in written.node} & {
        "Log",
        "LogSoftmax",
        "Dropout",
        "RandomNormalLike",
        "RandomUniformLike",
    }
    needed, pending = set(), ["logits"]
    producer = {name: node for node in written.node for name in node.output}
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending.extend(producer[name].input if name in producer else ())
    assert all(set(node.output) & needed for node in written.node)
    assert {weights.name for weights in written.initializer} <= needed

    image, mel = map(torch.from_numpy, graph.random_inputs(1, TINY, AudioConfig(), seed=0).values())
    for weights in model.parameters():
        weights.requires_grad_(True)
    model(image, mel).square().sum().backward()
    used = sum(weights.numel() for weights in model.parameters() if weights.grad is not None)
    tables = sum(buffer.numel() for buffer in model.buffers()) + model.position().numel()
    floats = sum(int(np.prod(weights.dims)) for weights in written.initializer if weights.data_type == onnx.TensorProto.FLOAT)
    assert 0.95 * used < floats < used + tables
    assert b"/models/avsac" not in (folder / "tiny.onnx").read_bytes()


def test_classes_have_names(tmp_path: Path) -> None:
    assert class_names(1) == ("sounding",)
    assert class_names(71) == AVSS
    assert (len(set(AVSS)), AVSS[0], AVSS[1], AVSS[70]) == (71, "background", "accordion", "woman")
    with pytest.raises(ValueError, match="3 classes needs their names: give --labels"):
        class_names(3)
    labels = tmp_path / "label2idx.json"
    labels.write_text('{"dog": 2, "background": 0, "cat": 1}')
    assert class_names(3, labels) == ("background", "cat", "dog")
    labels.write_text('{"dog": 2, "background": 1, "cat": 0}')
    with pytest.raises(ValueError, match="index 0 must be background, found cat"):
        class_names(3, labels)
    with pytest.raises(ValueError, match=r"label2idx.json: expected 71 class names"):
        class_names(71, labels)


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["avsac", *arguments])
    main()


def test_the_command_exports_a_preset_and_says_how_near_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run_command(
        monkeypatch,
        *("export", "--preset", "tiny", "-o", str(tmp_path), "--batch", "2", "--output", "mask"),
        *("--image-size", "32", "--name", "small", "--trained-on", "a", "--trained-on", "b", "--licence", "CC0-1.0"),
    )
    assert "ONNX equals PyTorch within" in capsys.readouterr().out
    manifest = check_folder(tmp_path)
    assert (manifest["name"], manifest["file"], manifest["batch"]) == ("small", "small.onnx", 2)
    assert (manifest["output"]["width"], manifest["licence"], manifest["trainedOn"]) == (32, "CC0-1.0", ["a", "b"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch", "many"), "--batch many: give a number of frames, or dynamic"),
        (("--batch", "65"), "batch 65 is not in 1 to 64"),
        (("--image-size", "100"), "image_size 100 is not divisible"),
        (("--labels", "none.json"), "none.json is missing"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    arguments: tuple[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match=message):
        run_command(monkeypatch, "export", "--preset", "tiny", "-o", str(tmp_path), *arguments)
    assert not (tmp_path / "manifest.json").exists()
