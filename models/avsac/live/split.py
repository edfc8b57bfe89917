"""Which talkers, sequences, photographs and recordings are of the training, the validation and the test part.

Validation serves for every choice, so that none is made on the test.
"""

from dataclasses import dataclass

TEST_TALKERS = {"brbk7n", "sbwe5n"}
TEST_SEQUENCES = {"dog", "drift-straight", "breakdance", "goat"}
TEST_SPEECH = {"jfk"}
TEST_STREET = {"car-detection"}
TEST_FOLD = 5
PHOTOGRAPHS = 5  # every fifth is of the test

VALIDATION_TALKERS = {"sbia1a"}
VALIDATION_SEQUENCES = {"motocross-jump", "camel", "kite-surf"}
VALIDATION_SPEECH = {"5703-47212-0000"}
VALIDATION_FOLD = 4
VALIDATION_PHOTOGRAPH = 2  # of every PHOTOGRAPHS; the last of them is of the test

# Two clips of one person: he stands in a picture once, and in one part.
IDENTITY = {"id2_vcd_swwp2s": "pwij3p"}


def part_of(name: str, test: set[str], validation: set[str] = frozenset()) -> str:
    return "test" if name in test else "val" if name in validation else "train"


def part_of_talker(name: str) -> str:
    return part_of(IDENTITY.get(name, name), TEST_TALKERS, VALIDATION_TALKERS)


def part_of_sequence(name: str) -> str:
    return part_of(name, TEST_SEQUENCES, VALIDATION_SEQUENCES)


def part_of_speech(name: str) -> str:
    return part_of(name, TEST_SPEECH, VALIDATION_SPEECH)


def part_of_street(name: str) -> str:
    """There are two videos: validation has none."""
    return part_of(name, TEST_STREET)


def part_of_recording(fold: int) -> str:
    return "test" if fold == TEST_FOLD else "val" if fold == VALIDATION_FOLD else "train"


def part_of_photograph(index: int) -> str:
    """index: the photograph's place among all, sorted by path."""
    place = index % PHOTOGRAPHS
    return "test" if place == PHOTOGRAPHS - 1 else "val" if place == VALIDATION_PHOTOGRAPH else "train"


# Drawn things: whole icon sets, sound fonts and voices are of one part.


@dataclass(frozen=True)
class IconSet:
    """An icon set on npm, in Iconify's JSON."""

    name: str
    version: str
    licence: str
    part: str

    @property
    def package(self) -> str:
        return f"@iconify-json/{self.name}"


ICON_SETS = (
    IconSet("noto", "1.2.9", "Apache-2.0", "train"),
    IconSet("fluent-emoji-flat", "1.2.6", "MIT", "train"),
    IconSet("game-icons", "1.2.4", "CC BY 3.0", "train"),
    IconSet("noto-v1", "1.2.5", "Apache-2.0", "train"),
    IconSet("fluent-emoji", "1.2.7", "MIT", "train"),
    IconSet("emojione", "1.2.3", "CC BY 4.0", "train"),
    IconSet("fxemoji", "1.2.2", "Apache-2.0", "val"),
    IconSet("twemoji", "1.2.5", "CC BY 4.0", "test"),
)
SOUND_FONTS = {"FluidR3_GM.sf2": ("train",), "TimGM6mb.sf2": ("val", "test")}
# Of espeak-ng, for training alone: people of the other parts speak for themselves.
VOICES = tuple(
    f"{language}+{who}" for language in ("en-us", "en-gb", "de", "fr-fr", "es") for who in ("m1", "m3", "m7", "f2", "f4")
)
