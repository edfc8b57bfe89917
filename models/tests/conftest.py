from pathlib import Path

import pytest
import torch

from avsac.model.avsac import AVSAC
from avsac.model.config import TINY

MODELS = Path(__file__).resolve().parent.parent
MEDIA = MODELS.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
    # Two would wait for each other longer than small models take.
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> AVSAC:
    return AVSAC(TINY).eval()


@pytest.fixture
def media() -> Path:
    if not MEDIA.exists():
        pytest.skip(f"{MEDIA} is not there")
    return MEDIA
