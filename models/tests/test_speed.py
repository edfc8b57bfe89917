"""What a graph takes: its profile, and its time beside others."""

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from avsac.export import benchmark, profile
from avsac.export.graph import GraphConfig, write_graph
from avsac.model.avsac import AVSAC
from avsac.model.config import TINY

from .reduced import reduced, shaken


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "tiny.onnx"
    write_graph(shaken(TINY), path, GraphConfig())
    return path


def test_profile_counts_the_multiplications_of_every_operator(tiny: Path) -> None:
    operators = profile.profile(tiny, runs=2)
    assert [o.milliseconds for o in operators] == sorted((o.milliseconds for o in operators), reverse=True)
    written = onnx.load(tiny).graph
    by_name = {o.name: o for o in operators}
    assert by_name["GridSample"].calls == sum(node.op_type == "GridSample" for node in written.node) == 3
    # 2 heads of 16 channels, 84 tokens, 3 levels of 2 points.
    assert by_name["GridSample"].multiplications == 3 * 32 * 84 * 6 * 4
    assert profile.multiplications("Conv", [[1, 3, 8, 8], [16, 3, 3, 3], [16]], [[1, 16, 4, 4]]) == 16 * 16 * 27
    assert profile.multiplications("MatMul", [[1, 84, 32]], [[1, 84, 64]]) == 84 * 32 * 64
    table = profile.format_profile(operators, speed=1e6).splitlines()
    assert table[-1].startswith(f"| **all** | {sum(o.calls for o in operators)} |")
    assert "100.0%" in table[-1]


def test_benchmark_measures_every_batch(tiny: Path, tmp_path: Path) -> None:
    times = benchmark.time_graph(tiny, threads=1, runs=2)
    assert list(times) == [1, 2, 4, 8]
    assert min(times.values()) > 0
    compared = benchmark.compare(replace(TINY, motion=True), tmp_path, threads=1, runs=2)
    graphs = ["AVSAC, ONNX", "backbone, ONNX", "AVSAC without motion, ONNX"]
    assert list(compared) == ["AVSAC, PyTorch", *graphs, "AVSegFormer, PyTorch"]
    assert min(compared.values()) > 0


def test_pytorch_is_timed_without_a_close_up() -> None:
    assert benchmark.time_model(AVSAC(reduced("live")).eval(), threads=1, runs=2) > 0
