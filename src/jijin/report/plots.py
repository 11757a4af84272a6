"""A detection as a figure: three components, the probability curves under them, P and S marked through both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jijin.signal import HIGHPASS_HZ, bridge, highpass, missing
from jijin.types import Detection, Pick, utc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from obspy import Stream, Trace

# Okabe and Ito's palette, told apart with any colour vision; line styles differ as well
COLOURS = {"P": "#0072B2", "S": "#D55E00", "Detection": "#009E73"}
STYLES = {"P": "-", "S": (0, (5, 1.5)), "Detection": (0, (1, 1))}
INK, GREY = "#222222", "#8a8a8a"
NAMES = {"P": "P", "S": "S", "Detection": "detection"}
NAME_WIDTH = 0.08  # of a panel
WIDTH_INCH, ROW_INCH = 7.2, 1.05  # two columns of a journal page


def plot_detection(
    stream: Stream, probabilities: Stream, picks: Sequence[Pick], detection: Detection | None = None
) -> Figure:
    """Seismograms over probability curves, on one axis of UTC.

    stream holds the components of one instrument: high-passed, each to its own scale, gaps left open. probabilities
    are traces whose channel ends in _P, _S or _Detection. Picks are lines through all panels, with one standard
    deviation shaded; the detection is a bar. The figure belongs to no pyplot window: call its savefig.
    """
    from matplotlib.figure import Figure

    channels = sorted({trace.stats.channel for trace in stream}, key=_vertical_first)
    rows = len(channels) + 1
    figure = Figure(figsize=(WIDTH_INCH, ROW_INCH * (rows + 0.75)), layout="constrained")
    grid = figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=[1] * (rows - 1) + [1.2])
    axes = list(grid[:, 0])
    for axis, channel in zip(axes, channels, strict=False):
        _draw_component(axis, stream.select(channel=channel), channel)
    _draw_curves(axes[-1], probabilities)
    for pick in picks:
        _mark(axes, pick)
    _title(axes[0], stream, picks, detection)
    _time_axis(axes[-1], stream)
    _shade(axes, detection)
    _name(axes[0], picks)
    return figure


def _vertical_first(channel: str) -> tuple[int, str]:
    order = "ZNE123"
    return (order.find(channel[-1:]) % 99, channel)


def _draw_component(axis: Axes, traces: Stream, channel: str) -> None:
    """All pieces of one channel on one scale, high-passed as the model sees them; the largest excursion is one."""
    shown = [highpassed(_floats(trace), trace.stats.sampling_rate) for trace in traces]
    top = max(float(np.abs(piece[np.isfinite(piece)]).max(initial=0)) for piece in shown) or 1.0
    for trace, piece in zip(traces, shown, strict=True):
        axis.plot(trace.times("matplotlib"), piece / top, color=INK, linewidth=0.5)
    axis.set(ylim=(-1.12, 1.12), yticks=[])
    axis.text(0.008, 0.97, channel, transform=axis.transAxes, va="top", fontweight="bold", fontsize=9, color=INK)
    axis.spines["bottom"].set_visible(False)
    _bare(axis)
    axis.tick_params(bottom=False)


def _floats(trace: Trace) -> NDArray[np.float64]:
    """Its samples, NaN where they are masked."""
    return np.ma.filled(trace.data.astype(float), np.nan)


def highpassed(raw: NDArray[np.float64], sampling_rate: float) -> NDArray[np.float64]:
    """The record (sample,) above signal.HIGHPASS_HZ, with NaN where there is no data."""
    gaps = missing(raw)
    x = highpass(bridge(raw, gaps), sampling_rate).astype(np.float64)
    x[gaps] = np.nan
    return x


def _draw_curves(axis: Axes, probabilities: Stream) -> None:
    for name, colour in COLOURS.items():
        for index, trace in enumerate(probabilities.select(channel=f"*_{name}")):
            (line,) = axis.plot(trace.times("matplotlib"), trace.data, color=colour, linewidth=1.3)
            line.set(linestyle=STYLES[name], label="_" if index else NAMES[name])
    axis.set(ylim=(-0.03, 1.3), yticks=[0, 0.5, 1])
    axis.set_ylabel("probability", fontsize=8)
    axis.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.5)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper right", ncols=3, frameon=False, fontsize=8, handlelength=1.8)
    _bare(axis)


def _bare(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)


def _mark(axes: Sequence[Axes], pick: Pick) -> None:
    """A line through all panels, its uncertainty shaded."""
    colour, time = COLOURS.get(pick.phase_hint, INK), pick.time.matplotlib_date
    half = pick.time_uncertainty_s / 86_400
    for axis in axes:
        axis.axvspan(time - half, time + half, color=colour, alpha=0.18, linewidth=0)
        axis.axvline(time, color=colour, linewidth=1.1)


def _name(axis: Axes, picks: Sequence[Pick]) -> None:
    """Phase and probability above the panel; of picks too close for two names the stronger one has it."""
    left, right = axis.get_xlim()
    named: list[Pick] = []
    for pick in sorted(picks, key=lambda pick: -pick.probability):
        near = (abs(pick.time - other.time) for other in named if other.phase_hint == pick.phase_hint)
        if min(near, default=np.inf) > NAME_WIDTH * (right - left) * 86_400:
            named.append(pick)
            _write_name(axis, pick)


def _write_name(axis: Axes, pick: Pick) -> None:
    side = -1 if pick.phase_hint == "P" else 1  # names lean outward: P and S may be a second apart
    text = axis.annotate(
        f"{pick.phase_hint} {pick.probability:.2f}",
        (pick.time.matplotlib_date, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3 * side, 2),
        textcoords="offset points",
    )
    text.set(color=COLOURS.get(pick.phase_hint, INK), fontsize=8, fontweight="bold", va="bottom")
    text.set_horizontalalignment("right" if side < 0 else "left")


def _title(axis: Axes, stream: Stream, picks: Sequence[Pick], detection: Detection | None) -> None:
    name = stream[0].id[:-1] if stream else picks[0].seed_id[:-1]
    day = stream[0].stats.starttime.strftime("%Y-%m-%d") if stream else ""
    found = f"detection {detection.probability:.2f}" if detection else "outside of any detection"
    axis.set_title(f"{name}   {day}", loc="left", fontsize=10, fontweight="bold", pad=16)
    axis.set_title(found, loc="right", fontsize=8, color=COLOURS["Detection"] if detection else GREY, pad=16)


def _time_axis(axis: Axes, stream: Stream) -> None:
    from matplotlib.dates import AutoDateLocator
    from matplotlib.ticker import FuncFormatter

    axis.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9))
    axis.xaxis.set_major_formatter(FuncFormatter(_clock))
    axis.set_xlabel(f"time (UTC); records above {HIGHPASS_HZ:g} Hz, each to its own scale", fontsize=8)
    if stream:
        start, end = (min(t.stats.starttime for t in stream), max(t.stats.endtime for t in stream))
        axis.set_xlim(start.matplotlib_date, end.matplotlib_date)


def _clock(days: float, _position: object) -> str:
    """Time of day of a tick, with the fraction of a second only where there is one."""
    from matplotlib.dates import num2date

    text = (num2date(days) + timedelta(microseconds=500)).strftime("%H:%M:%S.%f")[:-3]  # to whole milliseconds
    return text.rstrip("0").rstrip(".") if "." in text else text


def _shade(axes: Sequence[Axes], detection: Detection | None) -> None:
    """The detection's stretch of time on every panel, behind everything; the limits of the axis stay."""
    if detection is None:
        return
    limits = axes[0].get_xlim()
    start, end = utc(detection.start_ns).matplotlib_date, utc(detection.end_ns).matplotlib_date
    for axis in axes:
        axis.axvspan(start, end, color=COLOURS["Detection"], alpha=0.07, linewidth=0, zorder=0)
    axes[0].set_xlim(limits)
