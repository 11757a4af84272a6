"""Windows as seismograms: examples with their labels, and detections with every model's picks beside the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.traces import LETTERS, P, S
from jijin.evaluate import TOLERANCE_S, Picks, Window
from jijin.report.plots import COLOURS, GREY, INK, STYLES, highpassed
from jijin.study.areas import areas, numbers
from jijin.study.canvas import PANEL_INCH, WIDE_INCH, Look, looks, panel, plain
from jijin.study.contents import Item, Note, Picture
from jijin.study.picked import Picker
from jijin.study.results import Study, StudySet
from jijin.types import RATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = {P: "v", S: "D"}
ZOOM_S = 1.5  # on either side of a label
EXAMPLES = 6  # earthquakes of as many areas, as there are
NOISE_EXAMPLES = 2
MOST_AREAS = 12


def examples(data: StudySet) -> Iterator[Item]:
    """Windows of the training split (of any, where it has none) with their labels."""
    rows = [*representatives(data, "train", EXAMPLES).values(), *_quiet(data, "train", NOISE_EXAMPLES)]
    if not rows:
        yield Note("No window of the training split to show.", missing=True)
    for k, row in enumerate(rows, 1):
        window, title = data.windows[row], describe(data, row)
        figure, axes = panel(shorten(title, 44), PANEL_INCH)
        draw_components(axes, window)
        draw_labels(axes, window)
        axes.set_xlabel("s")
        kind = "labels " + told(window) if any(window.onsets.values()) else window.category or "no label"
        yield Picture(f"example_{k}", figure, f"{title}: {kind}.")


def representatives(data: StudySet, split: str, most: int) -> dict[str, int]:
    """Row of the earthquake of each area that stands in the middle by signal-to-noise ratio: no result chooses it.

    Among the windows with P and S labels where the area has any, else with P, else with S; areas with most first.
    """
    names, snr = areas(data.labels), numbers(data.labels, "snr_db")
    out: dict[str, list[int]] = {}
    for row in np.flatnonzero((data.split == split) & data.is_earthquake).tolist():
        if any(data.windows[row].onsets.values()):
            out.setdefault(str(names[row]), []).append(row)
    largest = sorted(out.items(), key=lambda item: (-len(item[1]), item[0]))[:most]
    return {name: _median(_best_labelled(data, rows), snr) for name, rows in largest}


def _best_labelled(data: StudySet, rows: Sequence[int]) -> list[int]:
    labels = [sum(bool(data.windows[row].onsets[phase]) * weight for phase, weight in ((P, 2), (S, 1))) for row in rows]
    return [row for row, count in zip(rows, labels, strict=True) if count == max(labels)]


def _median(rows: Sequence[int], snr: NDArray[np.float64]) -> int:
    """The row in the middle by ratio, unknown ones last."""
    known = [row for row in rows if np.isfinite(snr[row])] or list(rows)
    return sorted(known, key=lambda row: (snr[row], row))[len(known) // 2]


def _quiet(data: StudySet, split: str, most: int) -> list[int]:
    """Rows of noise, the middle one of each data set, the data set with most first."""
    rows = np.flatnonzero((data.split == split) & ~data.is_earthquake)
    names = data.labels["dataset"].astype(str).to_numpy()[rows]
    of_each = sorted((rows[names == name].tolist() for name in set(names)), key=lambda r: (-len(r), r))
    return [r[len(r) // 2] for r in of_each[:most]]


def describe(data: StudySet, row: int) -> str:
    """Area, trace, magnitude and distance of a window, as far as known."""
    label = data.labels.iloc[row]
    words = [str(areas(data.labels.iloc[[row]])[0]), str(label["trace_name"])]
    magnitude, distance = (numbers(data.labels, name)[row] for name in ("source_magnitude", "distance_km"))
    words += [f"M {magnitude:.1f}"] if np.isfinite(magnitude) else []
    words += [f"{distance:.0f} km"] if np.isfinite(distance) else []
    return ", ".join(words)


def shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def told(window: Window) -> str:
    """Labels in words: P at 12.34 s, S at 20.10 s."""
    return ", ".join(f"{LETTERS[k]} at {x / RATE:.2f} s" for k in (P, S) for x in window.onsets[k])


def draw_components(axes: Axes, window: Window) -> None:
    """Z, N and E one below the other, high-passed as the model sees them, each to its own scale; time in s."""
    seconds = np.arange(window.data.shape[1]) / RATE
    for k, raw in enumerate(window.data):
        trace = highpassed(raw.astype(float), RATE)
        top = float(np.abs(trace[np.isfinite(trace)]).max(initial=0))
        if top:
            axes.plot(seconds, 0.47 * trace / top - k, color=INK, linewidth=0.45, rasterized=True)
        else:
            axes.text(0.5, -k, "not recorded", transform=axes.get_yaxis_transform(), ha="center", color=GREY)
    axes.set(xlim=(0, seconds[-1]), ylim=(-2.55, 0.75), yticks=[0, -1, -2], yticklabels=list("ZNE"))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def draw_labels(axes: Axes, window: Window) -> None:
    """A broad pale band at each label, named at its top."""
    for phase, onsets in window.onsets.items():
        for onset in onsets:
            colour, side = COLOURS[LETTERS[phase]], -1 if phase == P else 1
            axes.axvline(onset / RATE, color=colour, linewidth=4, alpha=0.35)
            axes.annotate(
                LETTERS[phase], (onset / RATE, 1), xycoords=("data", "axes fraction"), xytext=(4 * side, -1),
                textcoords="offset points", color=colour, fontweight="bold", va="top",
                ha="right" if side < 0 else "left",
            )  # fmt: skip


def detections(study: Study, pickers: Sequence[Picker]) -> Iterator[Item]:
    """One earthquake of each area of the test split and two windows of noise, as every picking model sees them."""
    if not pickers:
        yield Note("No detections to show: no model of this run picks.", missing=True)
        return
    position = {int(row): k for k, row in enumerate(study.test)}
    chosen = representatives(study.data, "test", MOST_AREAS)
    if not chosen:
        yield Note("No earthquake of the test split has a label to compare with.", missing=True)
    for k, row in enumerate(chosen.values(), 1):
        yield _picture(study, pickers, position, row, f"detection_{k}", "")
    for name, row, why in noise_rows(study, pickers[0].name):
        yield _picture(study, pickers, position, row, f"detection_noise_{name}", why)


def noise_rows(study: Study, model: str) -> Iterator[tuple[str, int, str]]:
    """A window of test noise from the middle of the list, and the one that deceives the model most."""
    rows = study.test[~study.data.is_earthquake[study.test]].tolist()
    score = {
        int(r): float(s) for m in study.models if m.name == model for r, s in zip(study.test, m.score, strict=True)
    }
    if rows:
        yield "middle", rows[len(rows) // 2], "noise, from the middle of the list"
        loudest = max(rows, key=lambda row: score[row])
        yield "worst", loudest, f"the noise that {model} takes most for an earthquake ({score[loudest]:.2f})"


def _picture(
    study: Study, pickers: Sequence[Picker], position: Mapping[int, int], row: int, name: str, why: str
) -> Picture:
    window, k, title = study.data.windows[row], position[row], describe(study.data, row)
    figure = draw_detection(window, shorten(title, 95), pickers, k, looks(study.models))
    differences = [d for picker in pickers for d in _differences(picker, window, k)]
    words = [why, f"labels {told(window)}" if any(window.onsets.values()) else "no label"]
    words += [f"pick − label {'; '.join(differences)}"] if differences else []
    return Picture(name, figure, f"{title}: {', '.join(w for w in words if w)}.", "wide")


def _differences(picker: Picker, window: Window, k: int) -> Iterator[str]:
    """Residuals of one picker in one window, in words."""
    found = []
    for phase, onsets in window.onsets.items():
        for onset in onsets:
            near = [(x - onset) / RATE for x, _ in picker.picks[phase][k] if abs(x - onset) <= TOLERANCE_S * RATE]
            found.append(f"{LETTERS[phase]} {min(near, key=abs):+.2f} s" if near else f"{LETTERS[phase]} missed")
    if found:
        yield f"{picker.name} {', '.join(found)}"


def draw_detection(window: Window, title: str, pickers: Sequence[Picker], k: int, look: Mapping[str, Look]) -> Any:
    """Seismograms, curves of CBA, a lane of picks for each model, and a close-up of the first P and S label."""
    from matplotlib.figure import Figure

    zoomed = [(phase, window.onsets[phase][0]) for phase in (P, S) if window.onsets[phase]]
    curves = [picker for picker in pickers if picker.family == "cba"][:2] or list(pickers[:1])
    heights = [2.2, *[0.8] * len(curves), 0.24 * (len(pickers) + 1)] + ([1.2] if zoomed else [])
    figure = Figure(figsize=(WIDE_INCH, sum(heights) + 1.1), layout="constrained")
    spec = figure.add_gridspec(len(heights), 12, height_ratios=heights)
    waves = figure.add_subplot(spec[0, :])
    shared = [figure.add_subplot(spec[n, :], sharex=waves) for n in range(1, len(curves) + 2)]
    draw_components(waves, window)
    draw_labels(waves, window)
    waves.set_title(plain(title))
    for axes, picker in zip(shared, curves, strict=False):
        _draw_curves(axes, picker, k)
    _draw_lanes(shared[-1], window, pickers, k)
    for axes in (waves, *shared[:-1]):
        axes.tick_params(labelbottom=False)
    for n, (phase, onset) in enumerate(zoomed):
        _draw_zoom(figure.add_subplot(spec[-1, 5 * n : 5 * n + 5]), window, phase, onset, pickers, k, look)
    if zoomed:
        _name_lines(figure.add_subplot(spec[-1, 5 * len(zoomed) :]), pickers, look)
    return figure


def _draw_curves(axes: Axes, picker: Picker, k: int) -> None:
    for phase, letter in LETTERS.items():
        curve = np.asarray(picker.curves[phase][k], float)
        axes.plot(np.arange(len(curve)) / RATE, curve, color=COLOURS[letter], linestyle=STYLES[letter], label=letter)
        for sample, _ in picker.picks[phase][k]:
            axes.axvline(sample / RATE, color=COLOURS[letter], linewidth=0.9)
    axes.set(ylim=(-0.03, 1.08), yticks=[0, 0.5, 1])
    axes.text(0.008, 0.97, plain(picker.name), transform=axes.transAxes, va="top", fontsize=8)
    axes.legend(
        loc="upper right",
        ncols=2,
        title="probability",
        title_fontsize=8,
        frameon=True,
        framealpha=0.8,
        edgecolor="none",
    )


def _draw_lanes(axes: Axes, window: Window, pickers: Sequence[Picker], k: int) -> None:
    """Labels on the top lane, every model's picks below: filled where a label agrees, hollow where none does."""
    for phase, letter in LETTERS.items():
        for first, last in window.ignored[phase]:
            y = 0.22 if phase == P else -0.22
            axes.plot([first / RATE, last / RATE], [y, y], color=COLOURS[letter], alpha=0.25, linewidth=4)
        axes.plot([x / RATE for x in window.onsets[phase]], [0] * len(window.onsets[phase]), MARKERS[phase],
                  color=COLOURS[letter], markersize=7)  # fmt: skip
    for lane, picker in enumerate(pickers, 1):
        axes.axhline(-lane, color=GREY, linewidth=0.4, alpha=0.5, zorder=0)
        for phase, letter in LETTERS.items():
            _draw_picks(axes, -lane, picker.picks[phase][k], window.onsets[phase], MARKERS[phase], COLOURS[letter])
    names = ["labels", *(shorten(picker.name, 24) for picker in pickers)]
    axes.set(yticks=range(0, -len(names), -1), ylim=(0.6 - len(names), 0.5), xlabel="s")
    axes.set_yticklabels([plain(name) for name in names], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_picks(axes: Axes, y: float, picks: Picks, onsets: Sequence[float], marker: str, colour: str) -> None:
    for sample, _ in picks:
        hit = any(abs(sample - onset) <= TOLERANCE_S * RATE for onset in onsets)
        axes.plot(sample / RATE, y, marker, color=colour, markerfacecolor=colour if hit else "none", markersize=6)


def _draw_zoom(
    axes: Axes, window: Window, phase: int, onset: float, pickers: Sequence[Picker], k: int, look: Mapping[str, Look]
) -> None:
    """The record around a label with every model's picks; P on Z, S on the louder horizontal."""
    name, trace = _component(window, phase, onset)
    reach = round(ZOOM_S * RATE)
    first, last = max(round(onset) - reach, 0), min(round(onset) + reach, len(trace))
    piece = trace[first:last]
    top = np.abs(piece[np.isfinite(piece)]).max(initial=0) or 1.0
    axes.plot(np.arange(first, last) / RATE, piece / top, color=INK, linewidth=0.8)
    axes.axvline(onset / RATE, color=COLOURS[LETTERS[phase]], linewidth=6, alpha=0.3)
    for picker in pickers:
        style = look[picker.name]
        for x in (x / RATE for x, _ in picker.picks[phase][k] if first <= x < last):
            axes.axvline(x, color=style.colour, linestyle=style.line, linewidth=1.5)
    axes.set(xlim=(onset / RATE - ZOOM_S, onset / RATE + ZOOM_S), ylim=(-1.1, 1.1), yticks=[], xlabel="s")
    axes.set_title(f"{LETTERS[phase]} on {name}", fontsize=9)


def _name_lines(axes: Axes, pickers: Sequence[Picker], look: Mapping[str, Look]) -> None:
    """What the lines of the close-ups are, in a panel of its own."""
    axes.plot([], [], color=GREY, linewidth=6, alpha=0.4, label="label")
    for picker in pickers:
        style = look[picker.name]
        label = plain(shorten(picker.name, 18))
        axes.plot([], [], color=style.colour, linestyle=style.line, linewidth=1.5, label=label)
    axes.legend(loc="center left", fontsize=7, handlelength=1.8, borderaxespad=0)
    axes.axis("off")


def _component(window: Window, phase: int, onset: float) -> tuple[str, NDArray[np.float64]]:
    """Name and record of the component that shows a phase best: Z for P, else the louder horizontal, if recorded."""
    records = [highpassed(raw.astype(float), RATE) for raw in window.data]
    start = max(round(onset), 0)
    power = [float(np.nansum(record[start : start + 200] ** 2)) for record in records]
    order = [0, 1, 2] if phase == P else sorted((1, 2), key=lambda c: -power[c]) + [0]
    best = next((c for c in order if power[c] > 0), 0)
    return "ZNE"[best], records[best]
