import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from avsac.audio import AudioConfig, log_mel
from avsac.export import onnx as export
from avsac.model.avsac import AVSAC

DIST = Path(__file__).resolve().parent.parent / "dist"


def read_tensor(folder: Path, entry: dict) -> np.ndarray:
    return np.fromfile(folder / entry["file"], np.dtype(entry["dtype"]).newbyteorder("<")).reshape(entry["shape"])


def config_of(parameters: dict) -> AudioConfig:
    names = {"sampleRateHz": "sample_rate", "melLowHz": "mel_low", "melHighHz": "mel_high"}
    snake = {key: "".join(f"_{c.lower()}" if c.isupper() else c for c in key) for key in parameters}
    return AudioConfig(**{names.get(key, snake[key]): value for key, value in parameters.items()})


def check_folder(folder: Path) -> None:
    """The manifest tells the truth of the file, and the golden vectors are what the file and the front end give."""
    manifest = json.loads((folder / "manifest.json").read_text())
    content = (folder / manifest["file"]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["bytes"] == len(content)
    graph = onnx.load(folder / manifest["file"])
    assert max(entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx")) == manifest["opset"]

    runtime = export.session(folder / manifest["file"])
    shapes = {i.name: (i.type, i.shape[1:]) for i in runtime.get_inputs()}
    image, mel, output = manifest["inputs"]["image"], manifest["inputs"]["logMel"], manifest["output"]
    assert shapes[image["name"]] == ("tensor(uint8)", [image["height"], image["width"], image["channels"]])
    assert shapes[mel["name"]] == ("tensor(float)", [1, mel["frames"], mel["bands"]])
    (result,) = runtime.get_outputs()
    assert (result.name, result.shape[1:]) == (output["name"], [len(manifest["classes"]), output["height"], output["width"]])
    assert config_of(manifest["audio"]) == AudioConfig()

    golden = (folder / manifest["golden"]).parent
    index = json.loads((folder / manifest["golden"]).read_text())
    assert len({json.dumps(case["parameters"]) for case in index["logMel"]}) >= 3
    for case in index["logMel"]:
        patch = log_mel(read_tensor(golden, case["pcm"]), config_of(case["parameters"]))
        np.testing.assert_allclose(patch, read_tensor(golden, case["logMel"]), atol=case["tolerance"])
    assert sorted(case["image"]["shape"][0] for case in index["model"]) == [1, 3]
    for case in index["model"]:
        feed = {image["name"]: read_tensor(golden, case["image"]), mel["name"]: read_tensor(golden, case["logMel"])}
        (logits,) = runtime.run([output["name"]], feed)
        np.testing.assert_allclose(logits, read_tensor(golden, case["logits"]), atol=case["tolerance"])
    listed = {
        t["file"] for case in (*index["logMel"], *index["model"]) for t in case.values() if isinstance(t, dict) and "file" in t
    }
    assert listed == {path.name for path in golden.glob("*.bin")}
    assert sum(path.stat().st_size for path in golden.iterdir()) <= 2_000_000


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[AVSAC, Path]:
    from avsac.model.config import TINY

    torch.manual_seed(0)
    model, folder = AVSAC(TINY).eval(), tmp_path_factory.mktemp("dist")
    assert export.export(model, folder, "0.0.1") <= export.PARITY
    return model, folder


def test_an_export_checks_out(exported: tuple[AVSAC, Path]) -> None:
    check_folder(exported[1])


def test_the_committed_export_checks_out() -> None:
    check_folder(DIST)


def test_parity_check_notices_other_weights(exported: tuple[AVSAC, Path]) -> None:
    model, folder = exported
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        model.head.reduce.bias += 0.01
    with pytest.raises(export.ParityError, match="differs"):
        export.check_parity(model, folder / "avsac-live.onnx")
    model.load_state_dict(weights)


def test_the_graph_holds_neither_the_sync_loss_nor_paths_of_this_machine(exported: tuple[AVSAC, Path]) -> None:
    path = exported[1] / "avsac-live.onnx"
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert "GridSample" in operators
    assert not operators & {"Log", "LogSoftmax"}
    assert b"/models/avsac" not in path.read_bytes()


def test_benchmark_measures_every_batch(exported: tuple[AVSAC, Path]) -> None:
    times = export.benchmark(exported[1] / "avsac-live.onnx", threads=1, runs=2)
    assert list(times) == [1, 2, 4, 8]
    assert min(times.values()) > 0
