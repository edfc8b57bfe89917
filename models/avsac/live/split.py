"""Which talkers, sequences, photographs and recordings are of the training, the validation and the test part.

Validation serves for every choice, so that none is made on the test.
"""

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
