"""Every measurement by its name: pickers and traces in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

from jijin.data.traces import LabelledTrace
from jijin.evaluate import benchmark, calibration, conditions, groups, noise, position, shift
from jijin.evaluate.pickers import Picker, applied
from jijin.evaluate.windows import PLACES, evaluation_windows

Traces = Sequence[LabelledTrace]
Rows = list[Any]  # frozen dataclasses, of one kind or a few


def _groups(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    windows = evaluation_windows(traces, PLACES)
    return [row for picker in pickers for row in groups.parts(picker, windows)]


def _benchmark(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    both, tuned, scored = (f(t) for f, t in zip(_TARGETS, (traces, dev, traces), strict=True))
    rows: Rows = [benchmark.detection(picker, both) for picker in pickers]
    found = [benchmark.phases(picker, tuned, scored) for picker in pickers]
    return [*rows, *(identified for identified, _ in found), *(row for _, timings in found for row in timings)]


_TARGETS = (benchmark.detection_targets, benchmark.phase_targets, benchmark.phase_targets)


def _shift(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    return [row for picker in pickers for row in shift.in_windows(picker, traces)]


def _stitching(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    events = [trace for trace in traces if trace.onsets]
    cuts = {picker: dict.fromkeys(applied(picker, cut) for cut in shift.CHOICES) for picker in pickers}
    return [row for picker in pickers for cut in cuts[picker] for row in shift.in_detector(picker, events, cut)]


def _position(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    rows: Rows = [row for picker in pickers for row in position.positions(picker, traces)]
    return rows + [row for picker in pickers for row in position.seconds(picker, traces)]


def _conditions(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    return list(conditions.losses(pickers, conditions.base_windows(traces)))


def _calibration(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    windows = evaluation_windows(traces)
    stated = [picker for picker in pickers if hasattr(picker.model, "time_uncertainty")]
    rows: Rows = [row for picker in stated for row in calibration.coverages(picker, windows)]
    return rows + [row for picker in pickers for row in calibration.reliability(picker, windows)]


def _noise(pickers: Sequence[Picker], dev: Traces, traces: Traces) -> Rows:
    return list(noise.false_picks(pickers, evaluation_windows(traces)))


PROTOCOLS: dict[str, Callable[[Sequence[Picker], Traces, Traces], Rows]] = {
    "groups": _groups,
    "benchmark": _benchmark,
    "shift": _shift,
    "stitching": _stitching,
    "position": _position,
    "conditions": _conditions,
    "calibration": _calibration,
    "noise": _noise,
}


def tables(rows: Rows) -> list[tuple[str, list[str], list[list[str]]]]:
    """Rows as text: name, heads and lines of a table for each kind of row, in order."""
    kinds = dict.fromkeys(type(row) for row in rows)
    return [
        (
            kind.__name__,
            [field.name for field in fields(kind)],
            [[text(value) for value in asdict(row).values()] for row in rows if type(row) is kind],
        )
        for kind in kinds
    ]


def text(value: object, spec: str = ".3f") -> str:
    """A cell: three decimals unless spec says otherwise, an interval as "low to high", nothing for what is not there.

    >>> text(0.12345), text((0.5, 1.0), ".1f"), text((float("nan"),) * 2), text(3)
    ('0.123', '0.5 to 1.0', '', '3')
    """
    if isinstance(value, float):
        return "" if value != value else format(value, spec)
    return " to ".join(filter(None, (text(end, spec) for end in value))) if isinstance(value, tuple) else str(value)
