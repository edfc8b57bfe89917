"""`avsac export`: Writes the ONNX file, its manifest and golden vectors."""

import argparse
from pathlib import Path

from ..model.config import PRESETS
from .arguments import add_data


def add(commands: argparse._SubParsersAction) -> None:
    export = commands.add_parser("export", help="write the ONNX file, its manifest and golden vectors")
    weights = export.add_mutually_exclusive_group(required=True)
    weights.add_argument("checkpoint", type=Path, nargs="?")
    weights.add_argument("--preset", choices=PRESETS, help="random weights of this preset, to try a size")
    export.add_argument("-o", "--out", type=Path, required=True)
    export.add_argument("--batch", default="dynamic", help="frames of a run, or dynamic: 1 to 64 (default)")
    export.add_argument("--output", choices=("logits", "mask"), default="logits", help="mask: the class of each pixel, uint8")
    export.add_argument("--threshold", type=float, default=0.5, help="probability above which a pixel sounds (default 0.5)")
    precisions = ("fp32", "fp16", "int8")
    export.add_argument("--precision", choices=precisions, default="fp32", help="fp16: for GPUs; int8: backbone, for CPUs")
    export.add_argument(
        "--image-size", type=int, help="side of the picture in pixels, in place of the checkpoint's or preset's"
    )
    export.add_argument("--labels", type=Path, help="label2idx.json with the class names; those of S4, MS3 and AVSS are known")
    export.add_argument("--name", help="of the model and its file (default: the preset's)")
    export.add_argument("--version", default="1.0.0")
    export.add_argument("--licence", help="of the weights")
    export.add_argument("--trained-on", action="append", help="a data set the weights have seen; may be given again")
    add_data(export.add_argument_group("training data", "to calibrate int8"))
    export.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from ..export.classes import class_names
    from ..export.export import export
    from ..export.graph import GraphConfig

    graph = GraphConfig(parse_batch(arguments.batch), arguments.output, arguments.threshold, arguments.precision)
    model = load(arguments)
    classes = class_names(model.config.classes, arguments.labels)
    if graph.precision == "int8":
        share = export(model, arguments.out, card(arguments, model), classes, graph, calibration=pictures(arguments, model))
        print(f"{arguments.out}: ONNX decides {share:.2%} of the pixels unlike PyTorch (int8 backbone, {graph.output})")
        return
    worst = export(model, arguments.out, card(arguments, model), classes, graph)
    print(f"{arguments.out}: ONNX equals PyTorch within {worst:.1e} in logits ({graph.precision}, {graph.output})")


def pictures(arguments: argparse.Namespace, model) -> list[dict]:
    """Inputs of 160 training pictures."""
    import torch

    from ..live.data import BatchSource, DataConfig
    from ..model.close_up import reduced

    config = DataConfig(arguments.media, arguments.scenes, arguments.things, pictures=160, side=model.config.close_up_size)
    batch = BatchSource(config).batch()
    sounds = len(batch.mel) // len(batch.image)
    scale, image = model.config.recognition_scale, torch.from_numpy(batch.image)
    inputs = {"image": reduced(image, scale).numpy(), "log_mel": batch.mel[::sounds]}
    if model.config.motion:
        inputs["earlier"] = reduced(torch.from_numpy(batch.earlier), scale, rows=2).numpy()
    if scale > 1:
        with torch.no_grad():
            inputs |= {"looks": model.look_closer(image).numpy(), "close_up": batch.image}
    return [{name: values[i : i + 1] for name, values in inputs.items()} for i in range(len(batch.image))]


def parse_batch(text: str) -> int | None:
    if text == "dynamic":
        return None
    if not text.isdecimal():
        raise ValueError(f"--batch {text}: give a number of frames, or dynamic")
    return int(text)


def load(arguments: argparse.Namespace):
    """The model to export, in eval mode: of the checkpoint, or of the preset with random weights, always the same."""
    from dataclasses import replace

    import torch

    from ..model.avsac import AVSAC
    from ..training.checkpoint import load_model

    side = arguments.image_size
    if arguments.checkpoint is None:
        torch.manual_seed(0)
        config = PRESETS[arguments.preset]
        return AVSAC(config if side is None else replace(config, image_size=side)).eval()
    model = load_model(arguments.checkpoint)
    if side is None:
        return model
    # Sizes depend on the picture's only in tables that are computed, never in weights.
    resized = AVSAC(replace(model.config, image_size=side))
    resized.load_state_dict(model.state_dict())
    return resized.eval()


def card(arguments: argparse.Namespace, model):
    """Of the live model as it ships, else of what the command line says."""
    from dataclasses import replace

    from ..export.manifest import SHIPPED_CARDS, Card

    preset = arguments.preset or next((name for name, config in PRESETS.items() if config == model.config), None)
    if arguments.preset is not None:
        known = Card(f"avsac-{preset}", licence="Apache-2.0", trained_on=("nothing: random weights",))
    else:
        known = SHIPPED_CARDS.get(preset, Card(f"avsac-{preset}" if preset else "avsac"))
    given = {
        "name": arguments.name,
        "version": arguments.version,
        "licence": arguments.licence,
        "trained_on": tuple(arguments.trained_on or ()) or None,
    }
    return replace(known, **{field: value for field, value in given.items() if value is not None})
