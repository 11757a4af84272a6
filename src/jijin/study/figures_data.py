"""The data set at a glance: where its earthquakes were, and histograms of what is known of its windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.traces import P, S
from jijin.report.plots import GREY, INK
from jijin.study.areas import LATITUDE, LONGITUDE, areas, numbers
from jijin.study.canvas import COLOURS, PANEL_INCH, SPLITS, WIDE_INCH, grid, legend, panel, plain
from jijin.study.contents import Item, Note, Picture
from jijin.study.results import Study, StudySet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_AREAS = 7  # with a colour of their own
CLOSE_UPS = 6
LEAST_SOURCES = 5  # of an area with a map of its own
MARKERS = "osD^vPX"
KM_PER_DEGREE = 111.2
Points = dict[str, NDArray[np.float64]]  # area -> (epicentre, [longitude, latitude])


def maps(data: StudySet) -> Iterator[Item]:
    """All epicentres on one map, then the areas that would be a dot on it."""
    points = epicentres(data)
    known = sum(map(len, points.values()))
    if not known:
        yield Note("No map: the labels of these data hold no coordinates of the earthquakes.", missing=True)
        return
    where = numbers(data.labels, LATITUDE)[data.is_earthquake]
    caption = f"Epicentres: {known} places, known for {np.isfinite(where).sum()} of {len(where)} earthquake windows."
    yield Picture("map", _world(points), caption, "wide")
    largest = sorted((a for a in points if len(points[a]) >= LEAST_SOURCES), key=lambda a: -len(points[a]))
    if len(points) > 1:
        for k, area in enumerate(largest[:CLOSE_UPS], 1):
            yield Picture(f"map_{k}", _close_up(area, points[area]), f"{area}: {len(points[area])} epicentres.")


def epicentres(data: StudySet) -> Points:
    """Distinct epicentres of each area, the area with most first."""
    rows = np.flatnonzero(data.is_earthquake)
    xy = np.stack([numbers(data.labels, LONGITUDE), numbers(data.labels, LATITUDE)], 1)[rows]
    names = areas(data.labels)[rows]
    known = np.isfinite(xy).all(1)
    found = {name: np.unique(xy[known & (names == name)], axis=0) for name in set(names[known])}
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _world(points: Points) -> Any:
    figure, axes = panel("Earthquakes of the study", (WIDE_INCH, 4.4))
    colours = [*COLOURS["cba"], *COLOURS["peer"], COLOURS["cnn"][0]]
    for k, (name, xy) in enumerate(points.items()):
        colour = colours[k] if k < SHOWN_AREAS else GREY
        label = plain(f"{name} ({len(xy)})") if k < SHOWN_AREAS else "other areas" if k == SHOWN_AREAS else None
        _dots(axes, xy, colour, MARKERS[min(k, SHOWN_AREAS - 1)], label)
    _frame(axes, np.concatenate(list(points.values())), 2.2)
    legend(axes, 2)
    return figure


def _close_up(area: str, xy: NDArray[np.float64]) -> Any:
    figure, axes = panel(area, (PANEL_INCH[0], PANEL_INCH[1] + 0.4))
    _dots(axes, xy, COLOURS["cba"][0], "o", None)
    _frame(axes, xy, 1.2)
    _scale(axes)
    return figure


def _dots(axes: Axes, xy: NDArray[np.float64], colour: str, marker: str, label: str | None) -> None:
    x, y = xy.T
    axes.scatter(x, y, s=18, c=colour, marker=marker, alpha=0.6, linewidths=0.3, edgecolors="white", label=label)


def _frame(axes: Axes, xy: NDArray[np.float64], shape: float) -> None:
    """Limits around the points, shape times as wide as high; a degree of longitude as wide as it is in the middle."""
    middle, half = (xy.min(0) + xy.max(0)) / 2, np.maximum(0.56 * np.ptp(xy, axis=0), 0.02)
    narrow = float(np.cos(np.radians(np.clip(middle[1], -75, 75))))  # a degree of longitude in degrees of latitude
    half = np.maximum(half, [half[1] * shape / narrow, half[0] * narrow / shape])
    axes.set(xlim=(middle[0] - half[0], middle[0] + half[0]), ylim=(middle[1] - half[1], middle[1] + half[1]))
    axes.set_aspect(1 / narrow)
    axes.xaxis.set_major_locator(_ticks())
    axes.yaxis.set_major_locator(_ticks())
    axes.xaxis.set_major_formatter(lambda x, _: degrees(x, "E", "W"))
    axes.yaxis.set_major_formatter(lambda y, _: degrees(y, "N", "S"))
    grid(axes)


def _ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(6, steps=[1, 1.5, 3, 4.5, 6, 9, 10])


def degrees(value: float, positive: str, negative: str) -> str:
    """A coordinate as on a map.

    >>> degrees(-67.25, "E", "W"), degrees(0.0, "N", "S"), degrees(190.0, "E", "W")
    ('67.25°W', '0°', '170°W')
    """
    if positive == "E":
        value = (value + 180) % 360 - 180
    size = f"{abs(round(value, 3)):g}°"
    return size if size in ("0°", "180°") else size + (positive if value > 0 else negative)


def _scale(axes: Axes) -> None:
    """A bar of a round number of kilometres, about a quarter of the map."""
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    km_per_degree = KM_PER_DEGREE * np.cos(np.radians((bottom + top) / 2))
    wanted = 0.25 * (right - left) * km_per_degree
    step = 10 ** np.floor(np.log10(wanted))
    km = step * max(k for k in (1, 2, 5) if k * step <= wanted)
    x, y = left + 0.04 * (right - left), bottom + 0.05 * (top - bottom)
    axes.plot([x, x + km / km_per_degree], [y, y], color=INK, linewidth=2.5, solid_capstyle="butt")
    axes.annotate(f"{km:g} km", (x, y), xytext=(0, 4), textcoords="offset points", fontsize=8, color=INK)


def histograms(study: Study) -> Iterator[Item]:
    """Magnitude, distance, signal-to-noise ratio and S-P time of the earthquake windows, by split."""
    for name, title, unit, values in quantities(study.data):
        known = np.isfinite(values)
        if not known.any():
            yield Note(f"No histogram of {title}: these data do not tell it.", missing=True)
            continue
        caption = f"{title[0].upper()}{title[1:]}: known for {known.sum()} of {len(values)} earthquake windows."
        split = study.data.split[study.data.is_earthquake]
        yield Picture(name, _histogram(title, unit, values, split), caption)


def quantities(data: StudySet) -> Iterator[tuple[str, str, str, NDArray[np.float64]]]:
    """File name, title, unit and a value of every earthquake window, NaN where unknown."""
    rows = data.is_earthquake
    for name, title, unit, column in (
        ("magnitude", "magnitude", "magnitude", "source_magnitude"),
        ("distance", "epicentral distance", "km", "distance_km"),
        ("snr", "signal-to-noise ratio", "dB", "snr_db"),
    ):
        yield name, title, unit, numbers(data.labels, column)[rows]
    yield "s_minus_p", "S-P time", "s", s_minus_p(data)[rows]


def s_minus_p(data: StudySet) -> NDArray[np.float64]:
    """Seconds between the first P and the S after it, NaN where either is not labelled in the window; (window,)."""
    out = np.full(len(data.windows), np.nan)
    for k, w in enumerate(data.windows):
        p = min(w.onsets.get(P, ()), default=np.nan)
        later = [s for s in w.onsets.get(S, ()) if s > p]
        if later:
            out[k] = (min(later) - p) / 100
    return out


def _histogram(title: str, unit: str, values: NDArray[np.float64], split: NDArray[Any]) -> Any:
    figure, axes = panel(title)
    known = values[np.isfinite(values)]
    edges = np.histogram_bin_edges(known, bins=min(30, max(5, int(np.sqrt(len(known))))))
    parts = {name: values[(split == name) & np.isfinite(values)] for name in SPLITS}
    axes.hist(
        list(parts.values()), bins=list(edges), stacked=True, color=list(SPLITS.values()),
        label=[f"{name} ({len(part)})" for name, part in parts.items()],
    )  # fmt: skip
    axes.set(xlabel=unit, ylabel="windows")
    grid(axes)
    legend(axes, 3)
    return figure
