"""Models side by side: learning curves, confusion matrices, precision against recall, residuals, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.traces import LETTERS
from jijin.evaluate import TOLERANCE_S, Report
from jijin.report.plots import COLOURS as PHASES
from jijin.report.plots import GREY, INK
from jijin.study import tables
from jijin.study.canvas import Look, grid, legend, looks, panel, plain, slug
from jijin.study.contents import Item, Note, Picture, probability
from jijin.study.picked import Picker, precision_recall, residuals
from jijin.study.results import ModelResult, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = {"loss": "training", "dev_loss": "dev"}
F1S = {"f1": "training", "dev_f1": "dev", "dev_f1_steps": "dev, by step", "dev_f1_p": "dev, P", "dev_f1_s": "dev, S"}
DASHES = {"training": "-", "dev": (0, (5, 1.5)), "dev, by step": (0, (1, 1)), "dev, P": (0, (5, 1, 1, 1)),
          "dev, S": (0, (1, 2.5))}  # fmt: skip
CAPTIONS = {
    "loss": "Loss by epoch. Each model has a loss of its own kind: compare the shapes, not the heights.",
    "F1": "F1 by epoch, of earthquake or noise unless it says P or S.",
}
RESIDUAL_EDGES = np.arange(-0.51, 0.52, 0.02)  # s
PART_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8a8a8a")


def learning(study: Study) -> Iterator[Item]:
    """Loss and F1 by epoch of every model that has a history."""
    told = [m for m in study.models if m.history]
    if silent := [m.name for m in study.models if not m.history and m.family in ("cnn", "cba")]:
        yield Note(f"No learning curve of {', '.join(silent)}: it came trained, or left no history.", missing=True)
    for name, title, keys in (("learning_loss", "loss", LOSSES), ("learning_f1", "F1", F1S)):
        figure, axes = panel(f"{title} while training", (4.0, 3.5))
        drawn = [_learn(axes, m, looks(study.models)[m.name], keys) for m in told]
        if any(drawn):
            _epochs(axes, title)
            yield Picture(name, figure, CAPTIONS[title])
        elif told:
            yield Note(f"No curve of {title}: no history holds it.", missing=True)


def _learn(axes: Axes, result: ModelResult, look: Look, keys: Mapping[str, str]) -> bool:
    """Draw the columns of a history that are in keys; whether there was one."""
    there = [key for key in keys if any(key in row for row in result.history)]
    for key in there:
        rows = [(row.get("epoch", k), row[key]) for k, row in enumerate(result.history, 1) if key in row]
        label = plain(f"{result.name}, {keys[key]}")
        axes.plot(*zip(*rows, strict=True), color=look.colour, ls=DASHES[keys[key]], marker="o", ms=2.5, label=label)
    return bool(there)


def _epochs(axes: Axes, title: str) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    if title == "loss" and (values > 0).all():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    elif title == "F1":
        axes.set_ylim(-0.02, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set(xlabel="epoch", ylabel=title)
    grid(axes)
    legend(axes)


def confusions(study: Study) -> Iterator[Item]:
    """A matrix a model: what the windows are, and what it took them for."""
    for m in study.models:
        caption = f"{m.name}, at its threshold {probability(m.threshold)}."
        yield Picture(f"confusion_{slug(m.name)}", confusion(m), caption, "small")


def confusion(result: ModelResult) -> Any:
    figure, axes = panel(result.name, (2.8, 2.6))
    counts = np.asarray(result.confusion, float)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 0.55 else INK
        text = f"{count:.0f}\n{100 * shares[row, column]:.0f} %"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=11)
    axes.set(xticks=[0, 1], yticks=[0, 1], xlabel="taken for", ylabel="labelled")
    axes.set_xticklabels(["noise", "earthquake"])
    axes.set_yticklabels(["noise", "earthquake"], rotation=90, va="center")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def pick_curves(study: Study, pickers: Sequence[Picker]) -> Iterator[Item]:
    """Precision against recall of P and of S, for the models that pick."""
    test = [study.data.windows[i] for i in study.test]
    for phase, letter in LETTERS.items():
        count = sum(len(w.onsets[phase]) for w in test)
        if not (pickers and count):
            why = "no test window has a label of it" if pickers else "no model picks"
            yield Note(f"No curve and no residuals of {letter}: {why}.", missing=True)
            continue
        figure, axes = _square(f"{letter} within {TOLERANCE_S} s")
        for picker in pickers:
            precision, recall = precision_recall(picker.curves[phase], test, phase)
            look = looks(study.models)[picker.name]
            axes.plot(recall, precision, color=look.colour, ls=look.line, marker=".", ms=4, label=plain(picker.name))
        _finish_square(axes)
        yield Picture(f"precision_recall_{letter}", figure, f"{count} labels of {letter}; thresholds 0.1 to 0.95.")


def detection_curves(study: Study) -> Iterator[Item]:
    """Precision against recall of earthquake or noise, for every model."""
    truth = study.data.is_earthquake[study.test]
    figure, axes = _square("precision and recall")
    for m in study.models:
        look = looks(study.models)[m.name]
        precision, recall = window_precision_recall(m.score, truth)
        axes.plot(recall, precision, color=look.colour, linestyle=look.line, label=plain(m.name))
        axes.plot(m.detection.recall, m.detection.precision, "o", color=look.colour, markersize=5)
    _finish_square(axes)
    yield Picture("precision_recall", figure, "Earthquake or noise; a dot is the model at its threshold.")


def window_precision_recall(
    score: NDArray[Any], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall with each distinct score as the threshold, highest first; score and truth (window,)."""
    order = np.argsort(-np.asarray(score, float), kind="stable")
    ranked, hits = np.asarray(score, float)[order], np.cumsum(truth[order])
    last = np.flatnonzero(np.diff(ranked, append=-np.inf))  # the last window of each score
    return hits[last] / (last + 1), hits[last] / max(int(truth.sum()), 1)


def _square(title: str) -> tuple[Any, Axes]:
    figure, axes = panel(title, (4.0, 4.1))
    axes.set(xlim=(-0.02, 1.02), xlabel="recall", ylabel="precision")
    return figure, axes


def _finish_square(axes: Axes) -> None:
    """Precision from a tenth below the lowest up."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    lowest = np.floor(10 * np.nanmin(values, initial=1.0)) / 10 - 0.1
    axes.set_ylim(max(lowest, 0) - 0.02, 1.02)
    grid(axes)
    legend(axes)


def residual_figures(study: Study, pickers: Sequence[Picker]) -> Iterator[Item]:
    """Histograms of pick - label of P and of S, every picking model in both."""
    test = [study.data.windows[i] for i in study.test]
    for phase, letter in LETTERS.items():
        found = {picker: residuals(picker.picks[phase], test, phase) for picker in pickers}
        if any(map(len, found.values())):
            caption = f"{letter}: picks within {TOLERANCE_S} s of a label, late ones to the right."
            yield Picture(f"residuals_{letter}", _residuals(letter, found, looks(study.models)), caption)


def _residuals(letter: str, found: Mapping[Picker, NDArray[np.float64]], look: Mapping[str, Look]) -> Any:
    """A histogram a model, one below the other on the same scales."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0, 0.9 + 0.72 * len(found)), layout="constrained")
    rows = figure.subplots(len(found), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (picker, values) in zip(rows, found.items(), strict=True):
        told = f"mean {values.mean():+.3f} s\ndeviation {values.std():.3f} s" if len(values) else ""
        axes.stairs(np.histogram(values, RESIDUAL_EDGES)[0], RESIDUAL_EDGES, color=look[picker.name].colour, fill=True)
        axes.axvline(0, color=INK, linewidth=0.6)
        axes.text(0.01, 0.95, plain(picker.name), transform=axes.transAxes, va="top", fontsize=8, weight="bold")
        axes.text(0.99, 0.95, told, transform=axes.transAxes, va="top", ha="right", fontsize=7)
        grid(axes)
    rows[0].set_title(f"{letter}: pick − label")
    rows[-1].set(xlim=(-0.51, 0.51), xlabel="s")
    figure.supylabel("picks", fontsize=9)
    return figure


def components(study: Study) -> Iterator[Item]:
    """F1 of P and S with all and with fewer components."""
    told = {name: reports for name, reports in study.components.items() if reports}
    if not told:
        yield Note("Fewer components were not measured in this run.", missing=True)
        return
    for phase, letter in LETTERS.items():
        if any(r.phases[phase][TOLERANCE_S].labels for reports in told.values() for r in reports.values()):
            figure = _component_bars(told, phase, letter, looks(study.models))
            yield Picture(f"components_{letter}", figure, f"F1 of {letter} at {TOLERANCE_S} s, 95 % over earthquakes.")


def _component_bars(told: Mapping[str, Mapping[str, Report]], phase: int, letter: str, look: dict[str, Look]) -> Any:
    figure, axes = panel(f"F1 of {letter} by input")
    inputs = list(dict.fromkeys(given for reports in told.values() for given in reports))
    width = 0.8 / len(told)
    for k, (name, reports) in enumerate(told.items()):
        scores = [reports[given].phases[phase][TOLERANCE_S] if given in reports else None for given in inputs]
        f1 = np.array([s.f1 if s else np.nan for s in scores])
        ends = np.array([s.interval if s else (np.nan, np.nan) for s in scores]).T
        x = np.arange(len(inputs)) + width * (k - (len(told) - 1) / 2)
        colour = look[name].colour if len(told) > 1 and name in look else PHASES[letter]
        error = np.abs(np.stack([f1 - ends[0], ends[1] - f1]))
        axes.bar(x, f1, 0.92 * width, color=colour, yerr=error, ecolor=INK, capsize=2, label=plain(name))
        for at, value in zip(x, f1, strict=True):
            if np.isfinite(value):
                axes.text(at, 0.02, f"{value:.2f}", ha="center", va="bottom", color="white", fontsize=8)
    axes.set(xticks=range(len(inputs)), xticklabels=inputs, ylim=(0, 1.05), ylabel="F1")
    legend(axes)
    return figure


def speed(study: Study) -> Iterator[Item]:
    """F1 against the time that a window takes: the whole comparison in one picture."""
    figure, axes = panel("how good, how quick", (4.0, 3.7))
    for m, row in zip(study.models, tables.models(study).to_dict("records"), strict=True):
        look = looks(study.models)[m.name]
        axes.plot(row["ms a window"], row["F1"], "o", color=look.colour, markersize=8, label=plain(m.name))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set(xlabel="ms a window (logarithmic)", ylabel="F1, earthquake or noise", ylim=(-0.02, 1.05))
    grid(axes)
    legend(axes)
    caption = "Best is the upper left: F1 of earthquake or noise against prediction time, the same test windows."
    yield Picture("speed", figure, caption)


def time_parts(study: Study) -> Iterator[Item]:
    """Where the time of a training goes, a bar a model."""
    told = {m.name: tables.parts(m) for m in study.models if tables.parts(m)}
    if not told:
        yield Note("No training of this run measured its parts.", missing=True)
        return
    names = sorted(dict.fromkeys(part for parts in told.values() for part in parts), key="other".__eq__)
    figure, axes = panel("where the time of a training goes", (4.0, 1.5 + 0.45 * len(told)))
    left = np.zeros(len(told))
    for k, part in enumerate(names):
        seconds = np.array([parts.get(part, 0.0) for parts in told.values()])
        shares = 100 * seconds / [sum(parts.values()) for parts in told.values()]
        colour = GREY if part == "other" else PART_COLOURS[k % (len(PART_COLOURS) - 1)]
        bars = axes.barh(range(len(told)), shares, left=left, color=colour, label=plain(part))
        axes.bar_label(bars, [f"{s:.0f}" if s >= 6 else "" for s in shares], label_type="center", color="white")
        left += shares
    axes.set(yticks=range(len(told)), yticklabels=[plain(name) for name in told], xlabel="% of its seconds")
    axes.invert_yaxis()
    legend(axes, 3)
    yield Picture("training_time", figure, "Share of the seconds of a training, in per cent.")
