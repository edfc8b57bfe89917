"""Panels of pictures, truths, masks and heat maps. The only module that draws; it needs no display."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from ..avsbench import Clip
from ..metrics.binary import THRESHOLD
from .attention import Attention, Heat
from .modality_share import Contribution

DPI = 120
PANEL = 1.35  # inches a side
GAP, COLOUR_BAR = 0.25, 0.5  # panels
HEAD = 0.95  # inches for titles
AUDIO, VISION = "#d1495b", "#3b6ea8"


@dataclass(frozen=True)
class ShareRow:
    """A model's row of Fig. 1: its contributions to all clips, those to the clip shown, and its mask there [T,S,S]."""

    label: str
    contributions: list[Contribution]
    shown: Contribution
    predicted: np.ndarray


def save(figure: Figure, path: Path) -> None:
    """A PNG of the figure's size in inches times DPI."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)


def draw_attention(clip: Clip, attention: Attention, title: str) -> Figure:
    """A row a valid frame: frame, truth, mask, then a map a layer of each branch, and the branch's colour bar."""
    times = np.flatnonzero(clip.valid)
    branches = [
        (name, unit, heats)
        for name, unit, heats in (
            ("Sound guides vision: pixels read a query", "weight; 1 as any other query's", attention.audio_guides),
            ("Vision guides sound: queries read pixels", "density of weight; 1 even over the frame", attention.vision_guides),
        )
        if heats
    ]
    widths = [1.0, 1.0, 1.0]
    for _, _, heats in branches:
        widths += [GAP, *[1.0] * len(heats), COLOUR_BAR]
    size = np.array([PANEL * (sum(widths) + 2 * GAP), PANEL * len(times) + HEAD])
    figure = Figure(size, dpi=DPI)
    figure.suptitle(title, y=1 - 0.1 / size[1], va="top")
    room = {"left": PANEL * GAP / size[0], "right": 1 - PANEL * GAP / size[0], "bottom": 0.1 / size[1]}
    axes = grid(figure, len(times), len(widths), width_ratios=widths, top=1 - HEAD / size[1], wspace=0.06, hspace=0.06, **room)
    for t, row in zip(times, axes, strict=True):
        show_clip(row, clip, attention.predicted, t, titled=t == times[0])
        row[0].set_ylabel(f"frame {t + 1}")
    column = 3
    for name, unit, heats in branches:
        gap, block, bar = np.split(axes[:, column : column + len(heats) + 2], (1, len(heats) + 1), axis=1)
        for empty in (*gap.flat, *bar.flat):
            empty.remove()
        drawn = show_branch(block, clip, heats, times)
        first, last = block[0, 0].get_position(), block[-1, -1].get_position()
        figure.text(first.x0, first.y1 + 0.3 / size[1], name, fontsize="medium")
        scale = figure.add_axes((last.x1 + 0.1 / size[0], last.y0, 0.12 / size[0], first.y1 - last.y0))
        figure.colorbar(drawn, cax=scale, extend="max", label=unit)
        column += len(heats) + 2
    return figure


def draw_shares(rows: list[ShareRow], title: str, caption: str) -> Figure:
    """A row a model: frame, truth, mask and the sound's share at each pixel of one clip, and its bar.

    The bars are means over the clips, their whiskers standard deviations. All rows have the same clips.
    """
    figure = Figure((PANEL * 9.5, PANEL * 1.2 * len(rows) + 1.6), dpi=DPI, layout="constrained")
    figure.suptitle(title)
    figure.supxlabel(caption, fontsize="x-small")
    left, right = figure.subfigures(1, 2, width_ratios=(5.4, 4.1))
    axes, bars = grid(left, len(rows), 4), right.subplots()
    most = max(float(row.shown.maps.max()) for row in rows)
    for row, panels in zip(rows, axes, strict=True):
        clip = row.shown.clip
        t = int(np.flatnonzero(clip.supervised)[0])
        show_clip(panels, clip, row.predicted, t, titled=row is rows[0])
        panels[0].set_ylabel(row.label)
        drawn = show_heat(panels[3], clip.image[t], row.shown.maps[np.flatnonzero(clip.valid) == t][0], most, "viridis")
    axes[0, 3].set_title("sound's share", fontsize="small")
    left.colorbar(drawn, ax=axes, format=lambda share, _: f"{100 * share:.3g} %", shrink=0.8)
    shares = np.array([[100 * contribution.share for contribution in row.contributions] for row in rows])  # [rows,clips]
    mean, places = shares.mean(1), np.arange(len(rows))
    bars.barh(places, mean, 0.45, xerr=shares.std(1), color=AUDIO, ecolor="black", capsize=4, label="sound")
    bars.barh(places, 100 - mean, 0.45, left=mean, color=VISION, label="picture")
    for place, value in zip(places, mean, strict=True):
        bars.text(value, place - 0.26, f"{value:.1f} %", ha="center", va="bottom")
    bars.set(yticks=[], xlim=(0, 100), ylim=(len(rows) - 0.5, -0.5), xlabel="share of the final feature, %")
    bars.spines[["top", "right"]].set_visible(False)
    bars.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return figure


def grid(figure: Figure | SubFigure, rows: int, columns: int, **room: object) -> np.ndarray:
    """[rows,columns] of axes without ticks; `room` as matplotlib's GridSpec takes it."""
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw=room)
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
    return axes


def show_clip(panels: np.ndarray, clip: Clip, predicted: np.ndarray, t: int, titled: bool) -> None:
    """Frame t, its truth and the mask into the first three panels; predicted [T,S,S] as `predict` gives it."""
    panels[0].imshow(clip.image[t])
    if clip.supervised[t]:
        show_mask(panels[1], clip.mask[t])
    else:
        panels[1].text(0.5, 0.5, "not given", ha="center", va="center", transform=panels[1].transAxes)
        panels[1].set_box_aspect(1)
    show_mask(panels[2], predicted[t] > THRESHOLD if predicted.dtype == np.float32 else predicted[t])
    for panel, name in zip(panels, ("frame", "truth", "mask"), strict=False):
        panel.set_title(name if titled else "", fontsize="small")


def show_branch(panels: np.ndarray, clip: Clip, heats: list[Heat], times: np.ndarray) -> AxesImage:
    """A column a layer, a row a frame of `times`, all on one scale; returns one of the maps, for its colour bar.

    The scale's middle is 1 or more, so that red is never less than twice as much as even. The highest cells are beyond its
    end: they would leave the rest dark.
    """
    most = max(2.0, float(np.percentile(np.stack([heat.maps[times] for heat in heats]), 99.5)))
    for heat, column in zip(heats, panels.T, strict=True):
        column[0].set_title(heat.title, fontsize="small")
        for t, panel in zip(times, column, strict=True):
            drawn = show_heat(panel, clip.image[t], heat.maps[t], most, "turbo")
    return drawn


def show_mask(panel: Axes, mask: np.ndarray) -> None:
    """mask [S,S] of classes, 0 is nothing: black; each other class in a colour of its own, a single one white."""
    colours = np.concatenate([[(0, 0, 0), (1, 1, 1)], colormaps["hsv"](np.arange(2, 256) * 67 % 256)[:, :3]])
    panel.imshow(colours[mask.astype(np.uint8)])


def show_heat(panel: Axes, frame: np.ndarray, heat: np.ndarray, most: float, colours: str) -> AxesImage:
    """heat [h,w], 0 to `most`, over the frame [S,S,3] in grey."""
    side = frame.shape[0]
    panel.imshow(frame.mean(-1), cmap="gray", vmin=0, vmax=255)
    extent = (-0.5, side - 0.5, side - 0.5, -0.5)
    return panel.imshow(heat, cmap=colours, vmin=0, vmax=most, alpha=0.65, extent=extent, interpolation="bilinear")
