"""AVSegFormer as its checkpoints' keys and the design page describe it, slow and plain, of PyTorch's own modules.

Independent of avsac.model: what an imported checkpoint has to compute. Its state dictionary has the published keys.
"""

import math
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PVT = {  # embedding channels, expansion of the FFN, blocks by stage (Wang et al. 2022, Table 1)
    "pvt-v2-b0": ((32, 64, 160, 256), (8, 8, 4, 4), (2, 2, 2, 2)),
    "pvt-v2-b5": ((64, 128, 320, 512), (4, 4, 4, 4), (3, 6, 40, 3)),
}
PVT_HEADS, PVT_REDUCTIONS = (1, 2, 5, 8), (8, 4, 2, 1)


class Holder(nn.Module):
    """A name in a key."""

    def __init__(self, **parts: nn.Module):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


class PyramidAttention(nn.Module):
    def __init__(self, width: int, heads: int, reduction: int):
        super().__init__()
        self.heads, self.reduction = heads, reduction
        self.q, self.kv, self.proj = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        if reduction > 1:
            self.sr, self.norm = nn.Conv2d(width, width, reduction, reduction), nn.LayerNorm(width)

    def forward(self, x: Tensor, side: int) -> Tensor:
        batch, length, width = x.shape
        memory = x
        if self.reduction > 1:
            memory = self.norm(self.sr(x.transpose(1, 2).reshape(batch, width, side, side)).flatten(2).transpose(1, 2))
        q = self.q(x).reshape(batch, length, self.heads, -1)
        k, v = self.kv(memory).reshape(batch, -1, 2, self.heads, width // self.heads).unbind(2)
        weight = (torch.einsum("bnhd,bmhd->bhnm", q, k) / math.sqrt(width // self.heads)).softmax(-1)
        return self.proj(torch.einsum("bhnm,bmhd->bnhd", weight, v).reshape(batch, length, width))


class PyramidBlock(nn.Module):
    def __init__(self, width: int, heads: int, reduction: int, ratio: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.attn = PyramidAttention(width, heads, reduction)
        hidden = ratio * width
        depthwise = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.mlp = Holder(fc1=nn.Linear(width, hidden), dwconv=Holder(dwconv=depthwise), fc2=nn.Linear(hidden, width))

    def forward(self, x: Tensor, side: int) -> Tensor:
        x = x + self.attn(self.norm1(x), side)
        hidden = self.mlp.fc1(self.norm2(x)).transpose(1, 2).unflatten(2, (side, side))
        return x + self.mlp.fc2(F.gelu(self.mlp.dwconv.dwconv(hidden).flatten(2).transpose(1, 2)))


class Pyramid(nn.Module):
    def __init__(self, name: str):
        super().__init__()
        self.channels, ratios, blocks = PVT[name]
        for stage in range(4):
            width, size = self.channels[stage], 3 if stage else 7
            inputs = self.channels[stage - 1] if stage else 3
            convolution = nn.Conv2d(inputs, width, size, stride=2 if stage else 4, padding=size // 2)
            setattr(self, f"patch_embed{stage + 1}", Holder(proj=convolution, norm=nn.LayerNorm(width)))
            block = partial(PyramidBlock, width, PVT_HEADS[stage], PVT_REDUCTIONS[stage], ratios[stage])
            setattr(self, f"block{stage + 1}", nn.ModuleList(block() for _ in range(blocks[stage])))
            setattr(self, f"norm{stage + 1}", nn.LayerNorm(width, 1e-6))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage in "1234":
            embed = getattr(self, f"patch_embed{stage}")
            x = embed.proj(x)
            side = x.shape[-1]
            tokens = embed.norm(x.flatten(2).transpose(1, 2))
            for block in getattr(self, f"block{stage}"):
                tokens = block(tokens, side)
            x = getattr(self, f"norm{stage}")(tokens).transpose(1, 2).unflatten(2, (side, side))
            maps.append(x)
        return maps


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        if inputs != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + (self.downsample(x) if hasattr(self, "downsample") else x))


class TwoBranchResNet(nn.Module):
    channels = (256, 512, 1024, 2048)

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        stages = {"layer1": (64, 64, 1, 3), "layer2": (256, 128, 2, 4)}
        for branch in "12":
            stages |= {f"layer3_{branch}": (512, 256, 2, 6), f"layer4_{branch}": (1024, 512, 2, 3)}
        for name, (inputs, width, stride, blocks) in stages.items():
            later = (Bottleneck(4 * width, width, 1) for _ in range(blocks - 1))
            setattr(self, name, nn.Sequential(Bottleneck(inputs, width, stride), *later))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3_1, self.layer4_1):
            x = stage(x)
            maps.append(x)
        return maps


class Vggish(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        sizes = {0: (1, 64), 3: (64, 128), 6: (128, 256), 8: (256, 256), 11: (256, 512), 13: (512, 512)}
        pooled = {2, 5, 10, 15}
        self.features = nn.Sequential(
            *(
                nn.Conv2d(*sizes[i], 3, 1, 1) if i in sizes else nn.MaxPool2d(2, 2) if i in pooled else nn.ReLU()
                for i in range(16)
            )
        )
        linear = (nn.Linear(512 * 4 * 6, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 128))
        self.embeddings = nn.Sequential(*(part for layer in linear for part in (layer, nn.ReLU())))

    def forward(self, mel: Tensor) -> Tensor:
        x = self.features(mel)  # [B,512,6,4]
        x = torch.transpose(torch.transpose(x, 1, 3), 1, 2)  # [B,6,4,512]
        return self.embeddings(x.reshape(len(x), -1))


class QueryLayer(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, bias=False, batch_first=True)
        self.cross_attn = nn.MultiheadAttention(width, heads, bias=False, batch_first=True)
        self.ffn = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, query: Tensor, audio: Tensor) -> Tensor:
        query = self.norm1(query + self.self_attn(query, query, query)[0])
        query = self.norm2(query + self.cross_attn(query, audio, audio)[0])
        return self.norm3(query + self.ffn(query))


class SampledAttention(nn.Module):
    """Deformable attention by its definition: one bilinear sample after the other level."""

    def __init__(self, width: int, heads: int, points: int):
        super().__init__()
        self.heads, self.points = heads, points
        self.sampling_offsets = nn.Linear(width, heads * 3 * points * 2)
        self.attention_weights = nn.Linear(width, heads * 3 * points)
        self.value_proj, self.output_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, query: Tensor, tokens: Tensor, sides: list[int]) -> Tensor:
        batch, length, _ = tokens.shape
        value = self.value_proj(tokens).reshape(batch, length, self.heads, -1)
        offsets = self.sampling_offsets(query).reshape(batch, length, self.heads, 3, self.points, 2)
        weights = self.attention_weights(query).reshape(batch, length, self.heads, -1).softmax(-1)
        weights = weights.reshape(batch, length, self.heads, 3, self.points)
        centres = []
        for side in sides:
            axis = torch.linspace(0.5, side - 0.5, side) / side
            y, x = torch.meshgrid(axis, axis, indexing="ij")
            centres.append(torch.stack((x.flatten(), y.flatten()), -1))
        reference = torch.cat(centres)
        result, start = 0, 0
        for level, side in enumerate(sides):
            maps = value[:, start : start + side * side].permute(0, 2, 3, 1).reshape(batch * self.heads, -1, side, side)
            start += side * side
            place = reference[None, :, None, None] + offsets[:, :, :, level] / torch.tensor([side, side])
            grid = (2 * place - 1).transpose(1, 2).flatten(0, 1)  # [B*heads,L,points,2]
            sampled = F.grid_sample(maps, grid, align_corners=False)  # [B*heads,D/heads,L,points]
            weight = weights[:, :, :, level].transpose(1, 2).flatten(0, 1)[:, None]
            result = result + (sampled * weight).sum(-1).unflatten(0, (batch, self.heads))
        return self.output_proj(result.flatten(1, 2).transpose(1, 2))


class EncoderLayer(nn.Module):
    def __init__(self, width: int, heads: int, points: int, hidden: int):
        super().__init__()
        self.self_attn = SampledAttention(width, heads, points)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, tokens: Tensor, position: Tensor, sides: list[int]) -> Tensor:
        tokens = self.norm1(tokens + self.self_attn(tokens + position, tokens, sides))
        return self.norm2(tokens + self.linear2(F.gelu(self.linear1(tokens))))


class DecoderLayer(nn.TransformerDecoderLayer):
    """PyTorch's own layer, with another name for its second attention."""

    def __init__(self, width: int, heads: int, hidden: int, activation: str):
        super().__init__(width, heads, hidden, dropout=0.0, activation=activation, batch_first=True)
        self.cross_attn = self.multihead_attn
        del self.multihead_attn

    def _mha_block(self, x: Tensor, memory: Tensor, *_: object) -> Tensor:
        return self.cross_attn(x, memory, memory, need_weights=False)[0]


def sine(side: int, channels: int) -> Tensor:
    """[side*side,2*channels]: y, then x, counted from 1."""
    result = torch.zeros(side, side, 2, channels // 2, 2)
    for row in range(side):
        for column in range(side):
            for axis, count in enumerate((row + 1, column + 1)):
                angle = count / 10000 ** (torch.arange(0, channels, 2) / channels)
                result[row, column, axis, :, 0], result[row, column, axis, :, 1] = angle.sin(), angle.cos()
    return result.reshape(side * side, 2 * channels)


class Reference(nn.Module):
    def __init__(
        self,
        backbone: str,
        classes: int,
        generated: bool = True,
        width: int = 256,
        layers: int = 6,
        hidden: int = 2048,
        queries: int = 300,
        query_hidden: int = 1024,
        mlp_hidden: int = 2048,
        head_channels: tuple[int, int] = (128, 32),
        activation: str = "relu",
        heads: int = 8,
        points: int = 4,
    ):
        super().__init__()
        self.width, self.heads, self.generated = width, heads, generated
        self.backbone = TwoBranchResNet() if backbone == "resnet50" else Pyramid(backbone)
        self.vggish = Vggish()
        self.audio_proj = nn.Linear(128, width)
        first, second = head_channels

        def final() -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(width, first, 3, padding=1),
                nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False),
                nn.Conv2d(first, second, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(second, classes, 1, bias=False),
            )

        def up() -> nn.Sequential:
            return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1))

        sizes = (queries, mlp_hidden, mlp_hidden, width)
        head = Holder(
            learnable_query=nn.Embedding(queries, width),
            transformer=Holder(
                encoder=Holder(layers=nn.ModuleList(EncoderLayer(width, heads, points, hidden) for _ in range(layers))),
                decoder=Holder(layers=nn.ModuleList(DecoderLayer(width, heads, hidden, activation) for _ in range(layers))),
            ),
            in_proj=nn.ModuleList(
                nn.Sequential(nn.Conv2d(channels, width, 1), nn.GroupNorm(32, width)) for channels in self.backbone.channels
            ),
            mlp=Holder(layers=nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(sizes))),
            fusion_block=Holder(
                q_proj=nn.Linear(width, width, bias=False),
                kv_proj=nn.Linear(width, 2 * width, bias=False),
                proj=nn.Linear(width, width),
            ),
            lateral_conv=nn.Sequential(nn.Conv2d(width, width, 1), nn.GroupNorm(32, width)),
            out_conv=nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(32, width), nn.ReLU()),
            fpn=Holder(up1=up(), up2=up(), up3=up()),
            attn_fc=final(),
            fc=final(),
        )
        head.level_embed = nn.Parameter(torch.zeros(3, width))
        if generated:
            generator = (QueryLayer(width, heads, query_hidden) for _ in range(layers))
            head.query_generator = Holder(query=nn.Embedding(queries, width), layers=nn.ModuleList(generator))
        self.head = head

    def gate(self, feature: Tensor, audio: Tensor) -> Tensor:
        """The share of each channel that the sound lets through, [B,D,1,1], head after head."""
        block, shares = self.head.fusion_block, []
        pixels = feature.flatten(2).transpose(1, 2)
        q, (k, v) = block.q_proj(audio), block.kv_proj(pixels).chunk(2, -1)
        for channels in torch.arange(self.width).chunk(self.heads):
            weight = (q[..., channels] @ k[..., channels].transpose(1, 2) / math.sqrt(len(channels))).softmax(-1)
            shares.append(weight @ v[..., channels])
        return block.proj(torch.cat(shares, -1)).sigmoid()[:, 0, :, None, None]

    def forward(self, image: Tensor, mel: Tensor) -> Tensor:
        """image [B,3,S,S] float32 normalised by ImageNet's statistics, mel [B,1,96,64] -> logits [B,K,S,S]."""
        head, batch = self.head, len(image)
        levels = [project(level) for project, level in zip(head.in_proj, self.backbone(image), strict=True)]
        sides = [level.shape[-1] for level in levels[1:]]
        tokens = torch.cat([level.flatten(2).transpose(1, 2) for level in levels[1:]], 1)
        position = torch.cat([sine(side, self.width // 2) + head.level_embed[i] for i, side in enumerate(sides)])
        for layer in head.transformer.encoder.layers:
            tokens = layer(tokens, position, sides)
        audio = self.audio_proj(self.vggish(mel))[:, None]
        if self.generated:
            query = head.query_generator.query.weight[None].repeat(batch, 1, 1)
            for layer in head.query_generator.layers:
                query = layer(query, audio)
        else:
            query = audio.repeat(1, len(head.learnable_query.weight), 1)
        query = query + head.learnable_query.weight
        for layer in head.transformer.decoder.layers:
            query = layer(query, tokens)
        finest = tokens[:, : sides[0] ** 2].transpose(1, 2).unflatten(2, (sides[0], sides[0]))
        doubled = F.interpolate(finest, size=levels[0].shape[-2:], mode="bilinear", align_corners=False)
        feature = head.out_conv(head.lateral_conv(levels[0]) + doubled)
        feature = feature * self.gate(feature, audio)
        mask = torch.einsum("bqc,bchw->bqhw", query, feature)
        for i, layer in enumerate(head.mlp.layers):
            mask = layer(mask) if i == 2 else F.relu(layer(mask))
        return head.fc(feature + mask)


def random_state(module: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """Random tensors for every key, of sizes that keep the activations about one: nothing is zero, one, or equal."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in module.state_dict().items():
        noise = torch.randn(value.shape, generator=generator)
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(7)
        elif key.endswith("running_var"):
            state[key] = 0.5 + noise.square()
        elif value.dim() < 2:
            norm = key.endswith("weight")
            state[key] = 1 + 0.2 * noise if norm else 0.2 * noise
        else:
            state[key] = noise / math.sqrt(value[0].numel())
    return state
