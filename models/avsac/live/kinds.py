"""Kinds of things that are drawn, and what each sounds like: the table in kinds.toml."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Kind:
    """icons: names, in whichever icon sets have them; recipe: of `synthesis.RECIPES`, `settings` its arguments."""

    icons: list[str]
    recipe: str | None = None
    settings: dict = field(default_factory=dict)
    photographed: list[str] = field(default_factory=list)


KINDS = {name: Kind(**row) for name, row in tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).items()}
PHOTOGRAPHED = {thing: name for name, kind in KINDS.items() for thing in kind.photographed}
