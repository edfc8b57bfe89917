"""Two processes give what one gives with the same global batch. Run by torchrun, this file trains one of the two."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avsac.avsbench.generate import generate
from avsac.model.config import TINY
from avsac.training.avsbench import Run, build, train
from avsac.training.checkpoint import load_model
from avsac.training.config import TrainConfig

MODELS = Path(__file__).resolve().parent.parent


def run(data: Path, accumulate: int) -> Run:
    """Twelve epochs of one step; the visual backbone learns in the last two, the audio encoder never."""
    loop = TrainConfig(learning_rate=1e-3, log_steps=1, accumulate=accumulate)
    model = replace(TINY, backbone="pvt-v2-b0", image_size=32)
    options = {"freeze": "avsegformer", "random_backbones": True, "device": "cpu"}
    return Run("ms3", data, model, loop=loop, epochs=12, validate_epochs=6, batch=4, **options)


def log(folder: Path) -> list[dict]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "elapsed"} for line in lines]


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """One process takes the batch in four parts, two take a half each.

    Within rounding, not to the bit: the sums of the gradients have another order.
    """
    generate("ms3", tmp_path / "ms3", clips=5, size=32)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(MODELS)}
    command = [*launcher, "-m", "tests.test_distributed", str(tmp_path / "ms3"), str(tmp_path / "two")]
    two = subprocess.Popen(command, cwd=MODELS, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    torch.set_num_threads(1)
    train(tmp_path / "one", run(tmp_path / "ms3", accumulate=4))
    output, _ = two.communicate()
    assert two.returncode == 0, output
    for ours, theirs in zip(log(tmp_path / "one"), log(tmp_path / "two"), strict=True):
        assert list(theirs) == list(ours)
        for name in ("segmentation", "sync") if "step" in ours else ("legacy", "batchFree"):
            assert theirs[name] == pytest.approx(ours[name], abs=2e-5), ours
    one, two = (load_model(tmp_path / name / "model.pt").state_dict() for name in ("one", "two"))
    torch.testing.assert_close(two, one, rtol=0, atol=1e-5)
    torch.manual_seed(0)
    fresh = build(run(tmp_path / "ms3", 1)).state_dict()
    assert max((one[name] - fresh[name]).abs().max() for name in one if name.startswith("backbone")) > 1e-3


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(Path(sys.argv[2]), run(Path(sys.argv[1]), accumulate=1))
