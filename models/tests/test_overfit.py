from dataclasses import replace
from pathlib import Path

import torch

from avsac.model.config import TINY
from avsac.training.overfit import LOOP, overfit, table


def test_a_small_model_memorises_which_shapes_sound_when(tmp_path: Path) -> None:
    """To light both shapes in every frame, whatever sounds, would give about 0.75."""
    torch.set_num_threads(1)
    result = overfit(tmp_path, replace(TINY, mask_stride=4, head_scale=4), epochs=60, loop=replace(LOOP, learning_rate=4e-3))
    assert result.miou > 0.82
    assert result.avfs_last < 0.8 * result.avfs_highest
    assert f"bavd{result.miou:>22.3f}" in table([result])
