"""Audio front end: VGGish's log-mel (Hershey et al. 2017)."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class AudioConfig:
    """Parameters of the log-mel patch. Lengths are in samples, frequencies in hertz."""

    sample_rate: int = 16_000
    window_length: int = 400
    hop_length: int = 160
    fft_length: int = 512
    mel_bands: int = 64
    mel_low: float = 125.0
    mel_high: float = 7500.0
    log_offset: float = 0.01
    frames: int = 96

    def __post_init__(self) -> None:
        if self.window_length > self.fft_length:
            raise ValueError(f"window_length {self.window_length} exceeds fft_length {self.fft_length}")
        if not 0 <= self.mel_low < self.mel_high <= self.sample_rate / 2:
            raise ValueError(f"mel range {self.mel_low}-{self.mel_high} Hz is not inside 0-{self.sample_rate / 2} Hz")

    @property
    def samples(self) -> int:
        """Length of the waveform that gives one patch: 15600 samples, 0.975 s, by default."""
        return self.window_length + self.hop_length * (self.frames - 1)

    def to_manifest(self) -> dict:
        """The same under the manifest's camelCase names, units in the name."""
        values = asdict(self)
        renamed = {"sample_rate": "sampleRateHz", "mel_low": "melLowHz", "mel_high": "melHighHz"}
        camel = {key: key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:]) for key in values}
        return {renamed.get(key, camel[key]): value for key, value in values.items()}


def hz_to_mel(hertz):
    """HTK mel scale as VGGish writes it: 1127 ln(1 + f / 700)."""
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def mel_matrix(config: AudioConfig) -> np.ndarray:
    """[fft_length/2 + 1, mel_bands] float64: triangles whose slopes are straight in mel; the DC bin is zero."""
    bins = hz_to_mel(np.linspace(0.0, config.sample_rate / 2, config.fft_length // 2 + 1))
    edges = np.linspace(hz_to_mel(config.mel_low), hz_to_mel(config.mel_high), config.mel_bands + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (centre - low)
    falling = (high - bins[:, None]) / (high - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return weights


def periodic_hann(length: int) -> np.ndarray:
    """[length] float64: 0.5 - 0.5 cos(2 pi n / length)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def log_mel(pcm: np.ndarray, config: AudioConfig = AudioConfig()) -> np.ndarray:
    """pcm [..., config.samples] in -1..1 -> [..., frames, mel_bands] float32: log(magnitude spectrum . mel + offset).

    Computed in float64. Raises ValueError for another length.
    """
    if pcm.shape[-1] != config.samples:
        raise ValueError(f"a patch takes {config.samples} samples, not {pcm.shape[-1]}")
    windows = np.lib.stride_tricks.sliding_window_view(pcm, config.window_length, axis=-1)[..., :: config.hop_length, :]
    spectrum = np.abs(np.fft.rfft(windows * periodic_hann(config.window_length), config.fft_length))
    return np.log(spectrum @ mel_matrix(config) + config.log_offset).astype(np.float32)
