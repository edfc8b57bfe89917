"""How many parameters each part of the model has."""

import torch
from torch import nn

from .avsac import AVSAC
from .config import ModelConfig


def count(config: ModelConfig) -> dict[str, int]:
    """Parameters by part, in the order of the forward pass, and their total; built without memory or time."""
    with torch.device("meta"):
        model = AVSAC(config)
    feature, head, queries = model.mask_feature, model.head, model.query_generator
    w = sum(parameters(layer.w) for layer in model.decoder if hasattr(layer, "w"))
    parts = {
        "backbone": parameters(model.backbone),
        "audio encoder": parameters(model.audio_encoder),
        "audio_proj": parameters(model.audio_proj),
        "in_proj": parameters(model.in_proj),
        **({"motion": parameters(model.motion), "rhythm": parameters(model.rhythm)} if model.motion else {}),
        **({"recognition": parameters(model.recognition)} if model.recognition else {}),
        "level embedding": parameters(model.level_embedding),
        "learnable query": parameters(queries.learnable_query),
        "query generator": parameters(queries) - parameters(queries.learnable_query),
        "encoder": parameters(model.encoder),
        "decoder": parameters(model.decoder) - w,
        "w of Eq. 2": w,
        "MLP": parameters(head.mlp),
        "channel gate": parameters(feature.gate_attention, feature.gate) if feature.gated else 0,
        "lateral": parameters(feature.lateral) if config.mask_stride == 4 else 0,
        "out_conv": parameters(feature.convolution),
        "fc": parameters(head.reduce, head.refine, head.classify),
        **({"head lateral": parameters(head.lateral, head.sharpen)} if head.lateral else {}),
    }
    total = parameters(model)
    if sum(parts.values()) != total:
        raise ValueError(f"the parts make {sum(parts.values())} parameters, the model has {total}")
    return {**parts, "total": total}


def parameters(*parts: nn.Module | nn.Parameter) -> int:
    return sum(part.numel() if isinstance(part, nn.Parameter) else sum(p.numel() for p in part.parameters()) for part in parts)
