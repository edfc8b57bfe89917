"""pycocotools reads what the results feed writes: masks, areas and boxes of golden lines from the server."""

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco

GOLDEN = json.loads((Path(__file__).parent / "golden" / "results.json").read_text())


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_pycocotools_decodes_every_annotation(case):
    annotations = case["result"]["annotations"]
    assert [annotation["classIndex"] for annotation in annotations] == [int(index) for index in case["masks"]]
    for annotation, rows in zip(annotations, case["masks"].values(), strict=True):
        rle = annotation["segmentation"]
        expected = np.array([[pixel == "#" for pixel in row] for row in rows], dtype=np.uint8)
        np.testing.assert_array_equal(coco.decode(rle), expected)
        assert coco.encode(np.asfortranarray(expected))["counts"].decode() == rle["counts"]
        assert coco.area(rle) == annotation["area"]
        np.testing.assert_array_equal(coco.toBbox(rle), annotation["bbox"])
        y, x = np.nonzero(expected)
        np.testing.assert_allclose(annotation["centroid"], [x.mean() + 0.5, y.mean() + 0.5], atol=0.005)
