"""Table 1 of the paper (arXiv 2402.02327): test split, in percent. AVSegFormer's rows are the paper's, too."""

from .layouts import Layout

# (method, backbone) -> kind -> (F, mIoU), as the columns of the table
TABLE_1 = {
    ("AVSAC", "PVT-v2"): {"s4": (91.56, 84.51), "ms3": (76.60, 64.15), "avss": (42.39, 36.98)},
    ("AVSAC", "ResNet-50"): {"s4": (86.95, 76.90), "ms3": (65.81, 53.95), "avss": (29.71, 25.43)},
    ("AVSegFormer", "PVT-v2"): {"s4": (89.9, 82.06), "ms3": (69.3, 58.36), "avss": (42.0, 36.66)},
    ("AVSegFormer", "ResNet-50"): {"s4": (85.9, 76.45), "ms3": (62.8, 49.53), "avss": (29.3, 24.93)},
}


def published(layout: Layout) -> dict[str, dict[str, float]]:
    """ "method, backbone" -> {f, miou}, 0..1."""
    rows = {}
    for (method, backbone), kinds in TABLE_1.items():
        f, miou = kinds[layout.kind]
        rows[f"{method}, {backbone}"] = {"f": round(f / 100, 4), "miou": round(miou / 100, 4)}
    return rows
