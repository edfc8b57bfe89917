"""Figures of the live model, asked of models whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avsac.live.answer_sheet import HEAD, LABEL, PANEL, AnswerSheet
from avsac.live.contact_sheet import GAP
from avsac.live.evaluate import (
    ROWS,
    clearly_right,
    demo_samples,
    evaluate,
    format_sweep,
    format_table,
    heard_is_lit,
    interval,
    lit_share,
    media_samples,
    overlap,
    reduced,
    sweep,
)
from avsac.live.library import Library
from avsac.live.sample import Sample
from avsac.live.segmenter import open_model
from avsac.model.motion import EARLIER_MS

from .conftest import MODELS
from .test_data import write_scenes
from .test_scene_builder import SIDE, small_media  # noqa: F401
from .test_studio import small_things  # noqa: F401


class Constant:
    side, mask_side, threshold = SIDE, SIDE, 0.5

    def __init__(self, logit: float):
        self.logit = logit

    def logits(self, image: np.ndarray, earlier: np.ndarray, mel: np.ndarray, sounds: list[int]) -> torch.Tensor:
        assert len(image) == len(earlier) == len(sounds)
        return torch.full((sum(sounds), 1, 8, 8), self.logit)


def test_every_row_of_a_model_that_lights_all_or_nothing(small_media: Path, small_things: Path) -> None:  # noqa: F811
    library = Library(small_media, "val", small_things)
    samples = list(media_samples(library, 2, SIDE))
    bright, dark = (evaluate(Constant(logit), samples) for logit in (9.0, -9.0))
    assert list(bright) == [row.name for row in ROWS]
    for row in ROWS:
        assert bright[row.name]["pictures"] == 2
        assert dark[row.name]["mean"] == 0
        expected = {lit_share: bright[row.name]["mean"] == 1, overlap: 0 < bright[row.name]["mean"] < 1}
        assert expected.get(row.measure, bright[row.name]["mean"] == 0)
    again = evaluate(Constant(9.0), media_samples(library, 2, SIDE))
    assert again == bright
    assert "clearly right, the other frozen" in format_table(bright)


def test_figures_at_several_thresholds_are_of_the_same_predictions(small_media: Path, small_things: Path) -> None:  # noqa: F811
    samples = list(media_samples(Library(small_media, "val", small_things), 1, SIDE))
    swept = sweep(Constant(0.0), samples, [0.4, 0.6])
    assert swept == {0.4: evaluate(Constant(9.0), samples), 0.6: evaluate(Constant(-9.0), samples)}
    first, *rows = format_sweep(swept).splitlines()
    assert first.split() == ["threshold", "0.40", "0.60"] and len(rows) == len(ROWS)


def test_answers_are_drawn_from_poor_to_good() -> None:
    sheet, image, masks = AnswerSheet(), np.full((SIDE, SIDE, 3), 200, np.uint8), np.zeros((1, 8, 8), np.uint8)
    for share in range(8):
        lit = np.zeros((1, 8, 8), bool)
        lit[0, :share] = True
        sheet.add("row", Sample(image, image[..., 0], np.zeros((1, 15600)), masks, [[]], [""]), lit, share / 8)
    drawn = np.array(sheet.draw())[HEAD : HEAD + PANEL, LABEL:].astype(int)
    reds = [
        (panel[..., 0] > panel[..., 1] + 50).mean()
        for panel in np.split(drawn, range(PANEL + GAP, drawn.shape[1], PANEL + GAP), 1)
    ]
    assert reds == sorted(reds) and reds[0] == 0 and reds[-1] > 0.7


def test_measures() -> None:
    left, right = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    left[:, :2], right[:, 2:] = True, True
    assert heard_is_lit(left, left, right) == 1
    assert heard_is_lit(left | right, left, right) == 0  # IoU 0.5 with either
    assert heard_is_lit(right, left, right) == 0
    assert clearly_right(left, left, right) == 1
    assert clearly_right(left | right, left, right) == 0
    some = right.copy()
    some[0] = False
    assert clearly_right(left | some, left, right) == 0  # 1 and 0.75: not by more than 25 points
    some[1] = False
    assert clearly_right(left | some, left, right) == 1
    assert lit_share(left, right, right) == 0.5


def test_the_interval_holds_the_mean_and_narrows_with_pictures() -> None:
    values = (np.arange(400) % 2).astype(float)
    few, many = interval(values[:20]), interval(values)
    for row in (few, many):
        assert row["low"] < row["mean"] == 0.5 < row["high"]
    assert many["high"] - many["low"] < 0.3 * (few["high"] - few["low"])


def test_finer_masks_are_compared_at_half_the_models_own_side() -> None:
    masks = np.zeros((1, 8, 8), np.uint8)
    masks[0, :2, :3] = 255
    masks[0, 4, 7] = 255
    assert reduced(masks, 4)[0].tolist() == [[True, True, False, False]] + [[False] * 4] * 3
    assert np.array_equal(reduced(masks, 8), masks > 0)


def test_demo_scenes_have_a_row_for_sounding_and_one_for_dark(tmp_path: Path) -> None:
    write_scenes(tmp_path / "held-out", 4)
    figures = evaluate(Constant(9.0), demo_samples(tmp_path, 2))
    assert [row["pictures"] for row in figures.values()] == [2, 2]
    assert 0 < figures["IoU, demo scenes, sounding"]["mean"] < 0.2
    assert figures["lit, demo scenes, dark"]["mean"] == 1


def test_scenes_of_another_size_are_refused_with_a_remedy(tmp_path: Path) -> None:
    write_scenes(tmp_path / "held-out", 2, side=2 * SIDE)
    message = f"the pictures are {2 * SIDE} px wide, the model takes {SIDE}: render scenes of that --size"
    with pytest.raises(ValueError, match=message):
        evaluate(Constant(9.0), demo_samples(tmp_path, 1))


def test_no_demo_picture_is_of_both_the_validation_and_the_test_part(tmp_path: Path) -> None:
    write_scenes(tmp_path / "held-out", 5)
    parts = {split: {sample.image.tobytes() for _, sample in demo_samples(tmp_path, 5, split)} for split in ("val", "test")}
    assert [len(parts[split]) for split in ("val", "test")] == [3, 2]
    assert not parts["val"] & parts["test"]


def test_the_graph_that_ships_is_asked_for_each_sound_of_each_picture(tmp_path: Path) -> None:
    segmenter, random = open_model(MODELS / "dist" / "live"), np.random.default_rng(0)
    side = segmenter.side
    image = random.integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    earlier = random.integers(0, 256, (2, len(EARLIER_MS), side, side)).astype(np.uint8)
    mel = random.normal(-2, 2, (3, 1, 96, 64)).astype(np.float32)
    logits = segmenter.logits(image, earlier, mel, [2, 1])
    alone = [segmenter.logits(image[i : i + 1], earlier[i : i + 1], mel[n : n + 1], [1]) for n, i in enumerate((0, 0, 1))]
    assert logits.std() > 0
    np.testing.assert_allclose(logits, torch.cat(alone), atol=1e-3)
    manifest = json.loads((MODELS / "dist" / "live" / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"batch": 4}))
    with pytest.raises(ValueError, match="give an export of --output logits without --batch"):
        open_model(tmp_path)
