"""AVSegFormer's checkpoints (arXiv 2307.01146) under our names. Written from its keys and shapes alone, never from its code.

What the keys do not show, as our model computes it, why, and how sure it is (A: settled by the design page; B: the one
natural reading of keys, shapes or order; C: a reading that the keys allow but do not force):

- A  Every attention and FFN is followed by its LayerNorm (post-norm); the encoder's FFN has GELU.
- A  Position is a sine of 128 channels an axis, y then x, temperature 1e4, not normalised, plus the level's embedding; it is
     added to the deformable queries only: never to values, to the decoder's keys, or to the queries of the other attentions.
- B  The sine counts rows and columns from 1, as DETR's does.
- A  Levels are those of strides 8, 16, 32, flattened finest first; `level_embed` and the offsets' levels have that order.
- A  The 300 queries: query generator (self-attention, attention to the audio token, FFN), then plus `learnable_query`, once.
- C  The query generator's FFN has ReLU: `ffn.0` and `ffn.2` leave room for one activation.
- C  The decoder's FFN has the encoder's GELU, for it has the encoder's names, order and size (`linear1`, `linear2`, 2048),
     which the query generator's has not. `decoder_activation="relu"` is the other reading. The least sure of all.
- A  The decoder: self-attention of the queries, attention to the encoder's output, FFN.
- B  `norm1`, `norm2`, `norm3` follow self-attention, cross-attention and FFN, in the order in which the keys are listed.
- B  LayerNorm's epsilon is PyTorch's 1e-5, but for PVT-v2's blocks and stages (1e-6, as published; its patch embeddings and
     reduced keys have 1e-5). GroupNorm has 32 groups and 1e-5.
- B  `in_proj_weight` is query, key, value (torch.nn.MultiheadAttention); `kv_proj` is key, value. All attentions have 8 heads.
- B  `sampling_offsets` are (head, level, point, x and y) in cells of the level sampled, `attention_weights` (head, level and
     point, softmax over the last); reference points are cell centres; bilinear, zero outside (Deformable DETR).
- A  Mask feature: stride-8 tokens doubled bilinearly, plus the lateral convolution of the projected stride-4 map, then
     `out_conv` with ReLU, then the channel gate. B: `lateral_conv` has a GroupNorm and no activation.
- A  The gate: the audio token attends over the mask feature's pixels; sigmoid of `fusion_block.proj` multiplies each channel.
- B  Its attention is divided by sqrt(32), a head's channels.
- A  Head: einsum of queries and mask feature (B: not divided by anything), 1x1 convolutions over the queries with ReLU
     between, plus the mask feature; 3x3 convolution, x4 bilinear (`fc.1`, no activation), 3x3, ReLU (`fc.3`), 1x1.
- B  Both enlargements have align_corners=False. The logits have the picture's size: nothing is resized after the head.
- A  VGGish flattens time, band, channel and ends with ReLU; no PCA, no quantisation. `audio_proj` makes its output the token.
- A  `fpn` and `attn_fc` are never run.
- C  With ResNet-50 there are two copies of the last two stages; `layer3_1` and `layer4_1` are run, `layer3_2` and `layer4_2`
     never. (The backbone has two branches where it comes from; a pyramid needs one, and that is the first.)
- B  ResNet-50 strides in the 3x3 convolution, as torchvision's does. Pictures are normalised by ImageNet's mean and deviation.
- C  The first version's checkpoints (`v1-*`) have no query generator: the audio token itself is repeated 300 times, and
     `learnable_query` is added. Nothing else differs in their keys.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ..model.config import BACKBONE_NAMES, PRESETS, ModelConfig
from .backbones import VISUAL, pvt_key
from .layout import CheckpointError, Layout, Shape, Source

ORIGIN = "AVSegFormer's released checkpoints, https://github.com/vvvb-github/AVSegFormer"

# Ours -> theirs, applied to what is left after the attentions' packed projections; the first that matches counts.
NAMES = (
    (r"^in_proj\.", "head.in_proj."),
    (r"^level_embedding$", "head.level_embed"),
    (r"^query_generator\.start$", "head.query_generator.query.weight"),
    (r"^query_generator\.learnable_query$", "head.learnable_query.weight"),
    (r"^query_generator\.layers\.(\d+)\.linear1", r"head.query_generator.layers.\1.ffn.0"),
    (r"^query_generator\.layers\.(\d+)\.linear2", r"head.query_generator.layers.\1.ffn.2"),
    (r"^query_generator\.layers\.", "head.query_generator.layers."),
    (r"^encoder\.(\d+)\.attention\.offset", r"head.transformer.encoder.layers.\1.self_attn.sampling_offsets"),
    (r"^encoder\.(\d+)\.attention\.weight\.", r"head.transformer.encoder.layers.\1.self_attn.attention_weights."),
    (r"^encoder\.(\d+)\.attention\.value", r"head.transformer.encoder.layers.\1.self_attn.value_proj"),
    (r"^encoder\.(\d+)\.attention\.out", r"head.transformer.encoder.layers.\1.self_attn.output_proj"),
    (r"^encoder\.", "head.transformer.encoder.layers."),
    (r"^decoder\.(\d+)\.ffn\.norm", r"head.transformer.decoder.layers.\1.norm3"),
    (r"^decoder\.(\d+)\.ffn\.", r"head.transformer.decoder.layers.\1."),
    (r"^decoder\.", "head.transformer.decoder.layers."),
    (r"^audio_encoder\.", "vggish."),
    (r"^audio_proj\.", "audio_proj."),
    (r"^mask_feature\.lateral\.", "head.lateral_conv."),
    (r"^mask_feature\.convolution\.", "head.out_conv."),
    (r"^mask_feature\.gate_attention\.query", "head.fusion_block.q_proj"),
    (r"^mask_feature\.gate_attention\.out", "head.fusion_block.proj"),
    (r"^head\.mlp\.0", "head.mlp.layers.0"),
    (r"^head\.mlp\.2", "head.mlp.layers.1"),
    (r"^head\.mlp\.4", "head.mlp.layers.2"),
    (r"^head\.reduce", "head.fc.0"),
    (r"^head\.refine", "head.fc.2"),
    (r"^head\.classify", "head.fc.4"),
)
ATTENTIONS = {"self_attention": "self_attn", "audio_attention": "cross_attn", "cross_attention": "cross_attn"}
PACKED = {"query": 0, "key": 1, "value": 2}


def source(ours: str) -> Source:
    """Where a tensor of our model lies in AVSegFormer's checkpoint."""
    if ours.startswith(VISUAL):
        return Source("backbone." + first_branch(pvt_key(ours.removeprefix(VISUAL))))
    gate = re.match(r"mask_feature\.gate_attention\.(key|value)\.weight", ours)
    if gate:
        return Source("head.fusion_block.kv_proj.weight", PACKED[gate[1]] - 1, 2)
    attention = re.match(rf"(.*\.)({'|'.join(ATTENTIONS)})\.(query|key|value|out)\.(weight|bias)", ours)
    if attention:
        layer, name, projection, kind = attention.groups()
        layer = theirs(layer) + ATTENTIONS[name]
        if projection == "out":
            return Source(f"{layer}.out_proj.{kind}")
        return Source(f"{layer}.in_proj_{kind}", PACKED[projection], 3)
    return Source(theirs(ours))


def theirs(ours: str) -> str:
    for pattern, replacement in NAMES:
        if re.match(pattern, ours):
            return re.sub(pattern, replacement, ours)
    raise KeyError(f"{ours} has no place in AVSegFormer")


def first_branch(key: str) -> str:
    """ResNet-50's last two stages exist twice; the first copy is the one that is run."""
    return re.sub(r"^(layer[34])\.", r"\1_1.", key)


def idle_shapes(config: ModelConfig, ours: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Their tensors that their model never runs."""
    width, (first, second) = config.width, config.head_channels
    shapes: dict[str, Shape] = {}
    for level in (1, 2, 3):
        shapes[f"head.fpn.up{level}.1.weight"] = (width, width, 3, 3)
        shapes[f"head.fpn.up{level}.1.bias"] = (width,)
    shapes |= {
        "head.attn_fc.0.weight": (first, width, 3, 3),
        "head.attn_fc.0.bias": (first,),
        "head.attn_fc.2.weight": (second, first, 3, 3),
        "head.attn_fc.2.bias": (second,),
        "head.attn_fc.4.weight": (config.classes, second, 1, 1),
    }
    for key, value in ours.items():
        twice = re.match(re.escape(VISUAL) + r"(layer[34])\.(.*)", key)
        if twice:
            shapes[f"backbone.{twice[1]}_2.{twice[2]}"] = tuple(value.shape)
    return shapes


def avsegformer_layout(config: ModelConfig, ours: Mapping[str, Tensor]) -> Layout:
    """Of a configuration whose decoder is "avsegformer", `ours` being the state dictionary of its model."""
    name = f"AVSegFormer with {config.backbone} and {plural(config.classes)}"
    return Layout.of(name, ORIGIN, ours, source, idle_shapes(config, ours))


def plural(classes: int) -> str:
    return f"{classes} class{'es' if classes > 1 else ''}"


def is_avsegformer(keys: Mapping[str, object]) -> bool:
    return any(key.startswith("head.transformer.") for key in keys)


def baseline(config: ModelConfig, checkpoint: Mapping[str, object], file: str) -> ModelConfig:
    """The preset as AVSegFormer: its decoder, and no query generator where the checkpoint has none.

    Raises CheckpointError when the checkpoint has another backbone or another number of classes than the preset.
    """
    pvt = any(key.startswith("backbone.patch_embed") for key in checkpoint)
    last = checkpoint.get("head.fc.4.weight")
    classes = last.shape[0] if isinstance(last, Tensor) and last.dim() else config.classes
    if (pvt, classes) != (config.backbone.startswith("pvt"), config.classes):
        backbone = BACKBONE_NAMES["pvt" if pvt else "r50"]
        fitting = [name for name, preset in PRESETS.items() if (preset.backbone, preset.classes) == (backbone, classes)]
        raise CheckpointError(
            f"{file} is AVSegFormer with {backbone} and {plural(classes)}, the preset has {config.backbone} and "
            f"{plural(config.classes)}: {'use ' + ' or '.join(fitting) if fitting else 'no preset has these'}"
        )
    layers = config.query_layers if any(key.startswith("head.query_generator.") for key in checkpoint) else 0
    return replace(config, decoder="avsegformer", query_layers=layers)
