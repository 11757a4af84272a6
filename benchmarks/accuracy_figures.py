"""The figures of the accuracy page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate import Picks, Window
from jijin.evaluate.calibration import Coverage, Reliability
from jijin.evaluate.conditions import WHOLE, Loss
from jijin.evaluate.continuous import Difference
from jijin.evaluate.position import Position, Second
from jijin.evaluate.shift import Stability
from jijin.report.plots import highpassed
from jijin.types import RATE

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
MARKS = "os^Dvx"
PANELS = 12
BEFORE_S, AFTER_S = 4.0, 6.0


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110)


def _styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    return {name: (COLOURS[k % 6], MARKS[k % 6]) for k, name in enumerate(dict.fromkeys(names))}


def residuals(found: Mapping[tuple[str, int], Sequence[float]], path: Path) -> None:
    """Histograms of pick - label, a row a picker, P and S side by side."""
    names = list(dict.fromkeys(name for name, _ in found))
    figure = Figure(figsize=(7.2, 1.1 * len(names) + 0.6), layout="constrained")
    grid = figure.subplots(len(names), 2, sharex=True, squeeze=False)
    for row, name in zip(grid, names, strict=True):
        for axes, phase in zip(row, (P, S), strict=True):
            axes.hist(found[name, phase], np.arange(-0.505, 0.51, 0.01), color=COLOURS[phase], linewidth=0)
            axes.axvline(0, color="0.6", linewidth=0.6, zorder=0)
            axes.set_title(f"{name}, {LETTERS[phase]}", fontsize=8, loc="left")
            axes.tick_params(labelsize=7)
    for axes in grid[-1]:
        axes.set_xlabel("pick - label (s), 0.01 s a bar", fontsize=8)
    _save(figure, path)


def stability(shown: Mapping[str, Sequence[Stability]], path: Path) -> None:
    """Bars of the share of picks lost, a group a picker, a panel a way of looking; the aim is dashed."""
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    grid = figure.subplots(1, len(shown), sharey=True)
    for axes, (title, rows) in zip(grid, shown.items(), strict=True):
        names = list(dict.fromkeys(r.picker for r in rows))
        for k, phase in enumerate("PS"):
            own = [r for r in rows if r.phase == phase]
            values = np.array([r.lost for r in own])
            error = np.abs(np.array([r.interval for r in own]).T - values)
            axes.bar(np.arange(len(names)) + 0.4 * k - 0.2, values, 0.38, yerr=error, color=COLOURS[1 + k], label=phase)
        axes.axhline(0.01, color="0.3", linewidth=0.8, linestyle="--")
        axes.set_xticks(range(len(names)), names, rotation=15, ha="right", fontsize=7)
        axes.set_title(title, fontsize=9)
    grid[0].set_ylabel("share of picks lost")
    grid[0].legend(frameon=False)
    _save(figure, path)


def borders(at: Sequence[Position], tenths: Sequence[Second], path: Path) -> None:
    """Recall and median residual by position in the window; shift by the tenth of the window's second."""
    styles = _styles([r.picker for r in at])
    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    grid = figure.subplots(3, 2)
    for column, phase in enumerate("PS"):
        for name, (colour, mark) in styles.items():
            own = [r for r in at if (r.picker, r.phase) == (name, phase)]
            where = np.arange(len(own))
            grid[0, column].plot(where, [r.recall for r in own], color=colour, marker=mark, ms=3, lw=1, label=name)
            grid[1, column].plot(where, [r.median_s for r in own], color=colour, marker=mark, ms=3, lw=1)
            second = [r for r in tenths if (r.picker, r.phase) == (name, phase)]
            grid[2, column].plot(range(10), [r.moved_s for r in second], color=colour, marker=mark, ms=3, lw=1)
            labels = [f"{r.position_s:g}" for r in own]
        for row in (0, 1):
            grid[row, column].set_xticks(where, labels, fontsize=6)
            grid[row, column].set_xlabel("onset after the start of the window (s)", fontsize=7)
        grid[2, column].set_xlabel("tenth of the window's second that the onset is in", fontsize=7)
        grid[0, column].set_title(phase, fontsize=9)
    for axes, name in zip(grid[:, 0], ("recall at 0.5 s", "median residual (s)", "mean shift (s)"), strict=True):
        axes.set_ylabel(name, fontsize=8)
    grid[0, 0].legend(fontsize=6, frameon=False)
    _save(figure, path)


def coverage(rows: Mapping[str, Sequence[Coverage]], path: Path) -> None:
    """Stated uncertainty against the 68th percentile of the residuals, by thirds of what is stated."""
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    for axes, phase in zip(figure.subplots(1, 2), "PS", strict=True):
        top = 0.05
        for k, (split, found) in enumerate(rows.items()):
            own = [r for r in found if r.phase == phase and r.part.endswith("third")]
            axes.plot(
                [r.stated_s for r in own], [r.needed_s for r in own], color=COLOURS[1 + k], marker=MARKS[k], label=split
            )
            top = max([top, *(x for r in own for x in (r.stated_s, r.needed_s))])
        axes.plot([0, 1.05 * top], [0, 1.05 * top], color="0.6", linestyle="--", linewidth=0.8)
        axes.set(xlabel=f"stated uncertainty of {phase} (s)", ylabel="68 % of residuals within (s)")
        axes.legend(frameon=False)
    _save(figure, path)


def reliability(found: Mapping[str, Sequence[Reliability]], path: Path) -> None:
    """Share of right picks by probability."""
    styles = _styles(list(found))
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    grid = figure.subplots(1, 2, sharey=True)
    for axes, phase in zip(grid, "PS", strict=True):
        for name, rows in found.items():
            own = [r for r in rows if r.phase == phase and r.picks >= 5]
            colour, mark = styles[name]
            axes.plot(
                [r.probability for r in own], [r.right for r in own], color=colour, marker=mark, ms=4, lw=1, label=name
            )
        axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=0.8)
        axes.set(xlabel=f"probability of {phase} (bins of five picks and more)", xlim=(0, 1), ylim=(0, 1.02))
    grid[0].set_ylabel("share with a label within 0.5 s")
    grid[0].legend(fontsize=7, frameon=False)
    _save(figure, path)


def losses(rows: Sequence[Loss], path: Path) -> None:
    """F1 by level, a panel a condition; P solid, S dashed; the unspoilt F1 first."""
    styles = _styles([r.picker for r in rows])
    kinds = [c for c in dict.fromkeys(r.condition for r in rows) if c != WHOLE]
    figure = Figure(figsize=(7.2, 2.1 * ((len(kinds) + 1) // 2)), layout="constrained")
    grid = figure.subplots((len(kinds) + 1) // 2, 2, sharey=True).ravel()
    for axes, kind in zip(grid, kinds, strict=False):
        for name, (colour, mark) in styles.items():
            for phase, line in (("P", "-"), ("S", ":")):
                own = [
                    r
                    for r in rows
                    if (r.picker, r.phase) == (name, phase) and r.condition in (WHOLE, kind) and r.labels
                ]
                levels = [r.level or "whole" for r in own]
                axes.plot(
                    levels, [r.f1 for r in own], color=colour, marker=mark, ms=3, lw=1, ls=line, label=f"{name} {phase}"
                )
        axes.set_title(kind, fontsize=8, loc="left")
        axes.tick_params(labelsize=7)
        axes.set_ylim(0, 1.02)
    for axes in grid[len(kinds) :]:
        axes.set_axis_off()
    grid[0].legend(fontsize=5, frameon=False, ncols=2)
    _save(figure, path)


def noise_picks(
    windows: Sequence[Window], found: Mapping[int, Sequence[Picks]], thresholds: Mapping[int, float], path: Path
) -> int:
    """The surest false picks, one a record: ten seconds around each. Returns how many; with none there is no figure."""
    rows = [
        (probability, x, phase, w)
        for phase in (P, S)
        for picks, w in zip(found[phase], windows, strict=True)
        for x, probability in picks
        if probability >= thresholds[phase] and not any(a <= x < b for a, b in w.ignored[phase])
    ]
    surest: dict[str, tuple[Any, float, str]] = {}
    for p, x, phase, w in sorted(rows, key=lambda row: -row[0]):
        surest.setdefault(w.name, (w.data, x, f"{w.dataset} {LETTERS[phase]} {p:.2f}"))
    path.unlink(missing_ok=True)
    if surest:
        _panels(list(surest.values())[:PANELS], path)
    return len(surest)


def differences(places: Sequence[tuple[LabelledTrace, Difference]], path: Path) -> None:
    """Some picks of one side alone, evenly taken: six of ours, six of theirs."""
    sides = []
    for side, name in (("ours_alone", "only jijin"), ("theirs_alone", "only they")):
        every = [(t.data, x, f"{name}: {t.name} {d.phase}") for t, d in places for x in getattr(d, side)]
        chosen = np.unique(np.linspace(0, len(every) - 1, min(PANELS // 2, len(every))).astype(int)) if every else []
        sides += [every[i] for i in chosen]
    _panels(sides, path)


def _panels(rows: Sequence[tuple[Any, float, str]], path: Path) -> None:
    """Z, N and E, high-passed, around a sample of each record."""
    figure = Figure(figsize=(7.2, 1.5 * max((len(rows) + 2) // 3, 1)), layout="constrained")
    grid = figure.subplots(max((len(rows) + 2) // 3, 1), 3, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, (data, x, title) in zip(grid, rows, strict=False):
        first, stop = max(int(x - 1500), 0), int(x + AFTER_S * RATE)
        time_s = (np.arange(first, min(stop, data.shape[1])) - x) / RATE
        for k, row in enumerate(data[:, first:stop]):
            shown = highpassed(row.astype(np.float64), RATE)
            near = time_s > -BEFORE_S
            axes.plot(
                time_s[near],
                shown[near] / max(np.nanmax(np.abs(shown[near]), initial=0), 1e-30) / 2 - k,
                color="0.2",
                lw=0.4,
            )
        axes.axvline(0, color=COLOURS[2], lw=0.8)
        axes.set_title(title, fontsize=6, loc="left")
    _save(figure, path)
