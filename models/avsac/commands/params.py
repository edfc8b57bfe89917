"""`avsac params`: Counts the parameters part by part."""

import argparse
import math
from dataclasses import replace

from ..model.config import DECODERS, PRESETS, ModelConfig

# The count of the paper's model (PVT-v2-B5, one class) as it was settled before it was built: the paper's 181 M, with the
# two branches that AVSegFormer's checkpoints hold and nobody runs; the w of Eq. 2 come on top.
DESIGN = {
    "backbone": 81_443_008,
    "audio encoder": 72_141_184,
    "audio_proj": 33_024,
    "in_proj": 265_216,
    "level embedding": 768,
    "learnable query": 76_800,
    "query generator": 6_385_152,
    "encoder": 7_545_024,
    "decoder": 4_400_832,
    "w of Eq. 2": 6,
    "MLP": 5_337_344,
    "channel gate": 262_400,
    "lateral": 66_304,
    "out_conv": 590_592,
    "fc": 331_968,
    "total": 178_879_616 + 6,
    "fpn, never run": 1_770_240,
    "attn_fc, never run": 331_968,
    "total with these": 180_981_824 + 6,
}
# The baseline with these branches, the paper's 186 M.
DESIGN_BASELINE = {"total with these": 186_053_504}


def add(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("params", help="count the parameters part by part")
    command.add_argument("--preset", choices=PRESETS, help="default: all of them")
    command.add_argument("--decoder", choices=DECODERS, default="bavd", help="avsegformer is the baseline (default bavd)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    for preset in [arguments.preset] if arguments.preset else PRESETS:
        print(table(preset, replace(PRESETS[preset], decoder=arguments.decoder)), end="\n\n")


def counted(config: ModelConfig) -> dict[str, int]:
    """Parameters by part, with the never-run branches where the configuration is one that the paper counts."""
    from ..checkpoint.avsegformer import idle_shapes
    from ..model.parameters import count

    parts = count(config)
    if config.audio_encoder != "vggish":
        return parts
    idle = {"fpn, never run": 0, "attn_fc, never run": 0}
    for key, shape in idle_shapes(config, {}).items():
        idle[f"{key.split('.')[1]}, never run"] += math.prod(shape)
    return {**parts, **idle, "total with these": parts["total"] + sum(idle.values())}


def table(preset: str, config: ModelConfig) -> str:
    """The count, beside the design's figures where it has any."""
    figured = {"bavd": DESIGN, "avsegformer": DESIGN_BASELINE}.get(config.decoder, {})
    design = figured if preset in ("s4-pvt", "ms3-pvt") else {}
    lines = [f"{preset}, decoder {config.decoder}", f"{'part':<24}{'parameters':>14}{'design' if design else '':>14}".rstrip()]
    for part, number in counted(config).items():
        lines.append(f"{part:<24}{number:>14,}{f'{design[part]:,}' if part in design else '':>14}".rstrip())
    return "\n".join(lines)
