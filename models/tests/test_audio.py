import cmath
import math

import numpy as np
import pytest

from avsac.audio import AudioConfig, log_mel, mel_matrix
from avsac.export.golden import OTHER_PARAMETERS, signals
from avsac.model.audio_encoders import AudioEncoder


def slow_frame(window: np.ndarray, config: AudioConfig) -> list[float]:
    """One frame of the log-mel patch by the textbook: discrete Fourier sum, triangles, logarithm."""
    size = config.window_length
    shaped = [float(window[n]) * (0.5 - 0.5 * math.cos(2 * math.pi * n / size)) for n in range(size)]
    bins = range(config.fft_length // 2 + 1)
    turn = -2j * math.pi / config.fft_length
    magnitude = [abs(sum(x * cmath.exp(turn * k * n) for n, x in enumerate(shaped))) for k in bins]

    def mel(hertz: float) -> float:
        return 1127 * math.log(1 + hertz / 700)

    low, high = mel(config.mel_low), mel(config.mel_high)
    step = (high - low) / (config.mel_bands + 1)
    result = []
    for band in range(config.mel_bands):
        left, centre, right = (low + step * (band + i) for i in range(3))
        total = 0.0
        for k in bins:
            place = mel(k * config.sample_rate / config.fft_length)
            if k > 0 and left < place < right:
                total += magnitude[k] * min((place - left) / (centre - left), (right - place) / (right - centre))
        result.append(math.log(total + config.log_offset))
    return result


@pytest.mark.parametrize("config", [AudioConfig(), *OTHER_PARAMETERS.values()])
def test_log_mel_equals_the_textbook(config: AudioConfig) -> None:
    pcm = dict(signals(config))["chirp"]
    patch = log_mel(pcm, config)
    assert patch.shape == (config.frames, config.mel_bands)
    assert patch.dtype == np.float32
    for frame in (0, config.frames - 1):
        start = frame * config.hop_length
        expected = slow_frame(pcm[start : start + config.window_length].astype(np.float64), config)
        np.testing.assert_allclose(patch[frame], expected, atol=1e-5)


def test_defaults_are_vggishs_patch() -> None:
    config = AudioConfig()
    assert config.samples == 15_600
    assert config.to_manifest() == {
        "sampleRateHz": 16_000,
        "windowLength": 400,
        "hopLength": 160,
        "fftLength": 512,
        "melBands": 64,
        "melLowHz": 125,
        "melHighHz": 7500,
        "logOffset": 0.01,
        "frames": 96,
    }
    assert mel_matrix(config)[0].sum() == 0
    assert (mel_matrix(config).sum(0) > 0).all()


def test_silence_is_the_offset_and_leading_axes_are_kept() -> None:
    patch = log_mel(np.zeros((2, 3, 15_600), np.float32))
    assert patch.shape == (2, 3, 96, 64)
    np.testing.assert_allclose(patch, math.log(0.01), atol=1e-6)


def test_another_length_and_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="15600 samples, not 15599"):
        log_mel(np.zeros(15_599))
    with pytest.raises(ValueError, match="mel range"):
        AudioConfig(mel_high=9000)
    with pytest.raises(ValueError, match="fft_length"):
        AudioConfig(window_length=600)


def test_audio_encoder_hears_when_and_how_high() -> None:
    """Average and maximum pooling alone would not: the same blip elsewhere in the patch must give another embedding."""
    import torch

    encoder = AudioEncoder((8, 16), 32).eval()
    mel = torch.full((3, 1, 96, 64), -4.6)
    mel[0, :, 8:16, 8:16] = mel[1, :, 72:80, 8:16] = mel[2, :, 8:16, 40:48] = 2.0
    early, late, high = encoder(mel)
    assert early.shape == (32,)
    assert (early - late).abs().max() > 1e-3
    assert (early - high).abs().max() > 1e-3
