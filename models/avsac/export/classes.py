"""Names of a model's classes, in the order of its output channels."""

from pathlib import Path

from ..avsbench.metadata import read_classes

SOUNDING = ("sounding",)

# AVSBench-semantic's label2idx.json; 0 is what makes no sound.
AVSS = tuple(
    """background accordion airplane axe baby bassoon bell bird boat boy bus car cat cello clarinet clipper clock dog donkey
    drum duck elephant emergency-car erhu flute frying-food girl goose guitar gun guzheng hair-dryer handpan harmonica harp
    helicopter hen horse keyboard leopard lion man marimba missile-rocket motorcycle mower parrot piano pig pipa saw
    saxophone sheep sitar sorna squirrel tabla tank tiger tractor train trombone truck trumpet tuba ukulele utv
    vacuum-cleaner violin wolf woman""".split()
)


def class_names(count: int, labels: Path | None = None) -> tuple[str, ...]:
    """Names of `count` classes: those of a label2idx.json, else those of S4 and MS3 (1) or AVSS (71).

    Raises ValueError when the file is not {name: index} of exactly these classes with background at 0, or when it is
    missing for another count.
    """
    if labels is not None:
        names = tuple(read_classes(labels, count))
        if count > 1 and names[0] != "background":
            raise ValueError(f"{labels}: index 0 must be background, found {names[0]}")
        return names
    for names in (SOUNDING, AVSS):
        if count == len(names):
            return names
    raise ValueError(f"a model of {count} classes needs their names: give --labels FILE, a JSON object of name: index")
