"""What is wrong with a dataset before it is trained on: leaks between splits, impossible labels, bad waveforms.

Errors make any score measured on the data untrustworthy: one earthquake, one recording or a noise window and the
earthquake it was cut from in two splits; an onset that cannot be. Warnings are worth a look: duplicates within a
split, components without signal, a P where nothing changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data.dataset import Dataset, Joined
from jijin.data.labels import EARTHQUAKE, Labels, labelled
from jijin.data.splits import parents, split_labels
from jijin.errors import ReadError
from jijin.signal import missing, normalise
from jijin.types import RATE

SECOND = int(RATE)  # samples
SEARCH_S = 3  # either side of a P in which another onset is looked for
FAR_S = 1.0  # a P further than this from the onset found is suspect, if there is also
QUIET_RATIO = 2.0  # less than this between the energy of the second after it and the second before
PEAK = 50  # samples either side of the largest one: the same there, the same recording

Groups = dict[bytes, list[int]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with one trace (trace_name is empty where a whole group is meant)."""

    kind: str
    error: bool  # True: a leak or an impossible label; False: worth a look
    dataset: str
    trace_name: str
    detail: str


def audit(
    dataset: Dataset,
    split: Sequence[str] | NDArray[np.str_] | None = None,
    waveforms: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """All findings, errors first.

    split: of each row; None takes the dataset's own where it has one, else that of jijin.data.splits. waveforms=False
    reads the tables only. progress is told (traces done, traces). Join several datasets with open_datasets first:
    most leaks are between them.
    """
    labels = dataset.labels
    sides = split_labels(labels, keep=True) if split is None else np.asarray(split, dtype=str)
    found = [*_divided_groups(labels, sides), *_lost_parents(labels, sides), *_regrouped(dataset), *_names(labels)]
    found += [*_unlabelled(labels), *_empty(dataset)]
    found += [finding for i in range(len(labels)) for finding in check_labels(dataset.label(i))]
    if waveforms:
        found += _waveform_findings(dataset, sides, progress or (lambda done, total: None))
    return sorted(found, key=lambda finding: not finding.error)


def _unlabelled(labels: pd.DataFrame) -> Iterator[Finding]:
    """Of each data set with earthquakes, whether there is anything to learn a phase from."""
    for name, rows in labels[labels["category"] == EARTHQUAKE].groupby(labels["dataset"].astype(str)):
        if not labelled(rows).any():
            detail = f"none of {len(rows)} earthquakes has a P or an S; are the columns named as in docs/data.md?"
            yield Finding("no label", False, str(name), "", detail)


def _empty(dataset: Dataset) -> Iterator[Finding]:
    for part in dataset.parts if isinstance(dataset, Joined) else [dataset]:
        if not len(part):
            yield Finding("no trace", False, part.name, "", "its table has no row")


def _divided_groups(labels: pd.DataFrame, sides: NDArray[np.str_]) -> Iterator[Finding]:
    groups = pd.Series(sides, index=labels.index).groupby(labels["source_group"].to_numpy())
    for group, members in groups:
        names = sorted(set(members))
        if len(names) > 1:
            first = labels.loc[members.index[0]]
            detail = f"{len(members)} traces of group {group} are in {' and '.join(names)}"
            yield Finding("one event in two splits", True, str(first["dataset"]), "", detail)


def _lost_parents(labels: pd.DataFrame, sides: NDArray[np.str_]) -> Iterator[Finding]:
    parent = parents(labels).to_numpy()
    for i in np.flatnonzero(parent >= 0):
        if sides[i] != sides[parent[i]]:
            detail = f"in {sides[i]}, the earthquake it was cut from in {sides[parent[i]]}"
            yield _finding("noise apart from its earthquake", True, labels, int(i), detail)


def _regrouped(dataset: Dataset) -> Iterator[Finding]:
    """Rows whose source_group in their own file is not that of the earthquake they were cut from."""
    if not isinstance(dataset, Joined):
        return
    own = np.concatenate([part.labels["source_group"].astype(str).to_numpy() for part in dataset.parts])
    for i in np.flatnonzero(own != dataset.labels["source_group"].to_numpy()):
        detail = f"the file's source_group is {own[i]}, that of its earthquake {dataset.labels['source_group'].iloc[i]}"
        yield _finding("noise in a group of its own", False, dataset.labels, int(i), detail + " (used here)")


def _names(labels: pd.DataFrame) -> Iterator[Finding]:
    twice = labels.duplicated(["dataset", "trace_name"])
    for i in np.flatnonzero(twice):
        yield _finding("trace name twice", False, labels, int(i), "the name is not unique in its dataset")


def check_labels(label: Labels) -> Iterator[Finding]:
    """Labels that cannot be, whatever the waveform."""

    def impossible(detail: str) -> Finding:
        return Finding("impossible label", True, label.dataset, label.trace_name, detail)

    p, s = label.p_sample, label.s_sample
    if s <= p:
        yield impossible(f"S at sample {s:.1f} is not after P at {p:.1f}")
    for phase, sample in (("P", p), ("S", s)):
        if sample < 0:
            yield impossible(f"{phase} at sample {sample:.1f}, before the window")
    if label.coda_end_sample < np.fmax(p, s):
        detail = f"coda ends at sample {label.coda_end_sample:.0f}, before the last onset"
        yield Finding("coda before onset", False, label.dataset, label.trace_name, detail)


def check_waveform(trace: NDArray[np.float32], label: Labels) -> Iterator[Finding]:
    """What a waveform (3, sample) says against its labels, and against itself."""

    def finding(kind: str, error: bool, detail: str) -> Finding:
        return Finding(kind, error, label.dataset, label.trace_name, detail)

    last = trace.shape[1] - 1
    for phase, sample in (("P", label.p_sample), ("S", label.s_sample)):
        if sample > last:
            yield finding("impossible label", True, f"{phase} at sample {sample:.1f}, the window ends at {last}")
    if not np.isfinite(trace).all():
        yield finding("NaN", False, f"{int((~np.isfinite(trace)).sum())} samples are not finite")
    dead = [code for code in label.components if _is_dead(trace["ZNE".index(code)])]
    if dead:
        yield finding("dead component", False, f"{', '.join(dead)} is constant or missing for more than half the trace")
    if not label.components:
        yield finding("dead component", False, "none of Z, N, E was recorded")
    if 0 <= label.p_sample <= last and "Z" in set(label.components).difference(dead):
        yield from (finding("P without energy", False, detail) for detail in _misplaced(trace[0], label.p_sample))


def _is_dead(samples: NDArray[np.float32]) -> bool:
    return bool(len(samples) == 0 or np.ptp(samples) == 0 or missing(samples).mean() > 0.5)


def _misplaced(z: NDArray[np.float32], p: float) -> Iterator[str]:
    """Why a P at sample p of z (sample,) looks wrong: no rise in energy at it, and an onset elsewhere."""
    x, at = normalise(z[None])[0], round(p)
    before, after = x[max(at - SECOND, 0) : at], x[at : at + SECOND]
    if len(before) < SECOND // 2 or len(after) < SECOND // 2:
        return
    ratio = float((after**2).mean() / max((before**2).mean(), 1e-12))
    start = max(at - SEARCH_S * SECOND, 0)
    shift_s = (start + aic_onset(x[start : at + SEARCH_S * SECOND]) - at) / RATE
    if ratio < QUIET_RATIO and abs(shift_s) > FAR_S:
        yield f"energy rises {ratio:.1f} times at P, an onset lies {shift_s:+.2f} s from it"


def aic_onset(x: NDArray[np.float32]) -> int:
    """Sample that divides x (sample,) best into two stationary parts: the least AIC of Maeda (1985).

    >>> aic_onset(np.array([1, -1] * 50 + [9, -9] * 50, np.float32))
    100
    """
    n = len(x)
    k = np.arange(5, n - 5)
    total, squares = np.cumsum(x, dtype=np.float64), np.cumsum(x.astype(np.float64) ** 2)
    left = squares[k - 1] / k - (total[k - 1] / k) ** 2
    right = (squares[-1] - squares[k - 1]) / (n - k) - ((total[-1] - total[k - 1]) / (n - k)) ** 2
    aic = k * np.log(np.maximum(left, 1e-12)) + (n - k) * np.log(np.maximum(right, 1e-12))
    return int(k[np.argmin(aic)])


def _waveform_findings(
    dataset: Dataset, sides: NDArray[np.str_], progress: Callable[[int, int], None]
) -> list[Finding]:
    found: list[Finding] = []
    whole: Groups = defaultdict(list)
    peaks: Groups = defaultdict(list)
    for i in range(len(dataset)):
        progress(i, len(dataset))
        label = dataset.label(i)
        try:
            trace = dataset.waveform(i)
        except ReadError as error:
            found.append(Finding("unreadable", True, label.dataset, label.trace_name, str(error)))
            continue
        found += check_waveform(trace, label)
        if np.count_nonzero(trace):  # any() warns of NaN as damaged files hold them
            whole[_digest(trace)].append(i)
            peaks[_digest(_around_peak(trace))].append(i)
    progress(len(dataset), len(dataset))
    copies = {tuple(rows) for rows in whole.values() if len(rows) > 1}
    pieces = {tuple(rows) for rows in peaks.values() if len(rows) > 1} - copies
    found += _repeats(dataset.labels, sides, copies, "same waveform")
    return found + _repeats(dataset.labels, sides, pieces, "same recording")


def _digest(samples: NDArray[np.float32]) -> bytes:
    return blake2b(np.ascontiguousarray(samples).tobytes(), digest_size=16).digest()


def _around_peak(trace: NDArray[np.float32]) -> NDArray[np.float32]:
    """All components around the largest sample: the same in any other window of the same recording with that peak."""
    peak = int(np.argmax(np.nan_to_num(np.abs(trace)).max(0)))
    return trace[:, max(peak - PEAK, 0) : peak + PEAK]


def _repeats(labels: pd.DataFrame, sides: NDArray[np.str_], sets: set[tuple[int, ...]], kind: str) -> list[Finding]:
    """A finding a set of rows: an error where the rows are in more than one split."""
    out = []
    for rows in sorted(sets):
        where = sorted({str(sides[i]) for i in rows})
        names = ", ".join(f"{labels['dataset'].iloc[i]}/{labels['trace_name'].iloc[i]}" for i in rows[1:4])
        detail = f"as {names}{' ...' if len(rows) > 4 else ''} ({' and '.join(where)})"
        leak = len(where) > 1
        out.append(_finding(f"{kind} {'in two splits' if leak else 'twice'}", leak, labels, rows[0], detail))
    return out


def _finding(kind: str, error: bool, labels: pd.DataFrame, i: int, detail: str) -> Finding:
    return Finding(kind, error, str(labels["dataset"].iloc[i]), str(labels["trace_name"].iloc[i]), detail)
