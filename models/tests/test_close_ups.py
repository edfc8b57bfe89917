"""Close-ups of what photographs show."""

import numpy as np

from avsac.live.close_ups import ASPECT, ROOM, close_ups
from avsac.live.media import HEIGHT, Photograph

TALL, WIDE = 480, 640


def mask(top: int, left: int, height: int, width: int) -> np.ndarray:
    covered = np.zeros((TALL, WIDE), np.uint8)
    covered[top : top + height, left : left + width] = 255
    return covered


def photograph(**instances: list[np.ndarray]) -> Photograph:
    image = np.random.default_rng(0).integers(0, 256, (TALL, WIDE, 3), dtype=np.uint8)
    return Photograph("p", image, instances)


def test_a_small_thing_fills_the_picture_as_a_large_one_would() -> None:
    [(thing, part)] = close_ups(photograph(cup=[mask(200, 300, 60, 50)], chair=[mask(0, 0, 80, 80)]), {"cup"})
    assert thing == "cup"
    assert part.image.shape[0] == HEIGHT
    assert part.image.shape[1] == round(HEIGHT * ASPECT)
    rows = part.instances["cup"][0].any(1).sum()
    assert abs(rows - HEIGHT / ROOM) < 4
    assert "chair" not in part.instances  # it lies outside


def test_each_of_several_has_one_where_it_is_the_largest_of_its_kind() -> None:
    apart = [mask(50, 50, 60, 50), mask(350, 500, 60, 50)]
    assert len(close_ups(photograph(cup=apart), {"cup"})) == 2
    beside = [mask(200, 300, 60, 50), mask(190, 360, 90, 60)]
    [(_, part)] = close_ups(photograph(cup=beside), {"cup"})
    large, small = sorted(map(np.count_nonzero, part.instances["cup"]), reverse=True)
    assert large > small > 0


def test_what_is_too_small_or_fills_the_photograph_has_none() -> None:
    things = {"cup": [mask(10, 10, 30, 30)], "bottle": [mask(0, 0, 400, 300)], "pen": [mask(0, 0, 90, 9)]}
    assert close_ups(photograph(**things), {*things}) == []


def test_it_is_cut_at_the_edge_of_the_photograph() -> None:
    [(_, part)] = close_ups(photograph(cup=[mask(0, 0, 60, 50)]), {"cup"})
    assert part.instances["cup"][0][0].any()
    assert part.image.shape[:2] == part.instances["cup"][0].shape
