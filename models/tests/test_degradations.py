"""What spoils the sounds and pictures of scenes."""

import numpy as np
import pytest
from PIL import Image

from avsac.live import acoustics, camera
from avsac.live.actors import SAMPLES

from .test_scene_builder import RATE, SIDE, tone


def test_noise_has_the_ratio_that_is_asked_for() -> None:
    random, signal = np.random.default_rng(0), tone(500, 5, 0, 2)
    over = np.arange(SAMPLES) < 2 * RATE
    for snr in (-5.0, 0.0, 20.0):
        noise = acoustics.add_noise(random, signal * 0.1, random.standard_normal(SAMPLES), snr, over) - signal * 0.1
        assert acoustics.level(signal[over] * 0.1) - acoustics.level(noise) == pytest.approx(snr, abs=0.05)


def test_a_room_prolongs_the_sound_and_keeps_its_beginning() -> None:
    random = np.random.default_rng(1)
    response, signal = acoustics.room(random), tone(500, 5, 1, 2)
    wet = acoustics.reverberate(signal, response)
    assert len(wet) == len(signal)
    assert not np.abs(wet[: RATE - 1]).max() > 1e-5
    assert acoustics.level(wet[2 * RATE : 2 * RATE + 1600]) > acoustics.level(wet[3 * RATE :]) + 20


def test_codecs_keep_time_and_place() -> None:
    time = np.arange(SAMPLES) / RATE
    signal = (0.5 * np.sin(2 * np.pi * (200 * time + 300 * time**2)) * (tone(1, 5, 1.0, 2.0) != 0)).astype(np.float32)
    coded = acoustics.opus(signal, 24_000)
    assert len(coded) == len(signal)
    lag = np.correlate(coded[RATE - 400 : RATE + 1600], signal[RATE : RATE + 1200], "valid").argmax() - 400
    assert abs(lag) <= 2
    frames = []
    for x in (10, 20, 30, 40, 50):
        frame = np.full((SIDE, SIDE, 3), 90, np.uint8)
        frame[20:44, x - 8 : x + 8] = (220, 60, 40)
        frames.append(frame)
    for codec in ("libvpx", "libx264"):
        for before, after in zip(frames, camera.video_codec(frames, codec, 0.4), strict=True):
            assert after.shape == before.shape
            assert 0 < np.abs(after.astype(int) - before).mean() < 12
            columns = (after[32, :, 0].astype(int) > 150).nonzero()[0]
            assert abs(columns.mean() - (before[32, :, 0] > 150).nonzero()[0].mean()) < 2


def test_shake_moves_picture_and_masks_together() -> None:
    side = 128
    mask = Image.new("L", (side, side))
    mask.paste(255, (40, 50, 80, 90))
    frame = Image.merge("RGB", [mask] * 3)
    frames, masks = camera.shake(np.random.default_rng(0), [frame] * 5, [[mask]] * 5, 1.0)
    centres = []
    for shaken, row in zip(frames, masks, strict=True):
        bright, lit = np.asarray(shaken)[..., 0] > 127, np.asarray(row[0]) > 127
        assert (bright & lit).sum() / (bright | lit).sum() > 0.95
        centres.append(np.argwhere(lit).mean(0))
    assert np.ptp(centres, 0).max() > 0.5
    edge = camera.shake(np.random.default_rng(3), [Image.new("RGB", (side, side), (9, 9, 9))] * 5, [[mask]] * 5, 1.0)[0]
    assert all(np.asarray(shaken).min() >= 8 for shaken in edge)  # nothing from beyond the picture


def test_darkness_and_blur() -> None:
    random = np.random.default_rng(0)
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    frame[:, SIDE // 2 :] = 200
    [dark] = camera.darken(random, [frame])
    assert dark.mean() < 0.6 * frame.mean()
    for _ in range(6):
        [soft] = camera.blur(random, [frame])
        assert soft.shape == frame.shape
        assert abs(soft.mean() - frame.mean()) < 3
