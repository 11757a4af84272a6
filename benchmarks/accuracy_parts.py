"""The parts of the accuracy page: each measures, draws its figure and returns tables by their place in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

import accuracy_figures as figures
from accuracy_bench import AUTOMATIC, FOUR, SPLITS, Bench, at_best
from jijin.config import CutConfig
from jijin.data.labels import OTHER
from jijin.data.teachers import PROBABILITY, agreements, by_trace, early_by
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate import QUIET, Report, Window, count, evaluate, evaluation_windows
from jijin.evaluate import benchmark as field
from jijin.evaluate.calibration import calibration_error, coverages, reliability
from jijin.evaluate.conditions import RATE_OF, WHOLE, Loss, base_windows, losses
from jijin.evaluate.continuous import agreement
from jijin.evaluate.groups import Part, parts
from jijin.evaluate.matching import TOLERANCE_S, TOLERANCES_S, Picks, find_picks, pair, residuals_s
from jijin.evaluate.noise import false_picks
from jijin.evaluate.pickers import Picker
from jijin.evaluate.position import positions, seconds
from jijin.evaluate.scores import bootstrap, f1_of, share_of
from jijin.evaluate.shift import CHOICES, SMALL_S, Stability, in_detector, in_windows
from jijin.types import RATE
from page import DOCS, STEADINESS, row, steadiness, table, table_of

Filled = dict[str, str]
REACH = TOLERANCE_S * RATE
LOST = 0.01  # share of picks that may come and go; they may move by SMALL_S


def margin(ours: NDArray[np.float64], theirs: NDArray[np.float64], groups: Sequence[str]) -> list[object]:
    """F1 of both, the difference, and its 95 % interval when the same earthquakes are drawn again for both.

    ours, theirs : hit, false and missed (window, 3).
    """
    f1, other = (float(f1_of(x.sum(0))) for x in (ours, theirs))
    both = np.concatenate([ours, theirs], 1)
    low, high = bootstrap(both, groups, lambda x: f1_of(x[..., :3]) - f1_of(x[..., 3:]))
    return [f1, other, f"{f1 - other:+.3f}", f"{low:+.3f} to {high:+.3f}"]


def aim(what: str, measured: Mapping[str, float], met: bool) -> str:
    """A line of the table of aims."""
    values = ", ".join(f"{name} {value:.3f}" for name, value in measured.items())
    return row([what, values, "yes" if met else "no"])


def scores(bench: Bench) -> Filled:
    """Precision, recall, F1, residuals and false picks on full windows; histograms of the residuals."""
    out: list[str] = []
    found: dict[tuple[str, int], list[float]] = {}
    for split in SPLITS:
        windows = evaluation_windows(bench.manual[split])
        reports = []
        for picker in bench.pickers:
            curves = picker.curves(windows)
            reports.append(evaluate(picker.name, curves, windows, picker.thresholds))
            for phase in (P, S):
                picks = find_picks(curves[phase], phase, picker.thresholds[phase])
                found.setdefault((picker.name, phase), []).extend(residuals_s(picks, windows, phase))
        r = reports[0]
        hours = f"{r.hours['noise']:.2f} h of noise, {r.hours['other']:.2f} h of landslides"
        out += [f"**{split}**: {r.windows} windows, {r.groups} groups, {hours}.", score_table(reports)]
    figures.residuals(found, DOCS / "figures/residuals.png")
    return {"scores": "\n\n".join(out)}


def score_table(reports: Sequence[Report]) -> str:
    """A row per picker and phase."""
    heads = ["picker", "phase", "threshold", "labels", "precision", "recall", "F1 at 0.5 s", "95 %"]
    heads += ["recall at 0.1 s", "F1 at 0.1 s", "mean s", "deviation s", "MAE s"]
    false = ["false/h of noise", "picks/h of landslides"]
    lines = []
    for phase in (P, S):
        for r in reports:
            wide, narrow = r.phases[phase][0.5], r.phases[phase][0.1]
            cells = [wide.labels, wide.precision, wide.recall, wide.f1, wide.interval, narrow.recall, narrow.f1]
            cells += r.residuals[phase]
            cells += [r.false_per_hour[kind][phase] for kind in ("noise", "other")]
            lines.append([r.name, LETTERS[phase], r.thresholds[phase], *cells])
    return table([*heads, *false], lines, {"threshold": ".2f"} | dict.fromkeys(false, ".1f"))


def margins(bench: Bench) -> Filled:
    """jijin as shipped less each peer on the same earthquakes: of the test split, and of dev and test together."""
    manual = {split: _events(bench.manual[split]) for split in SPLITS}
    wide = {split: [*manual[split], *_events(bench.automatic[split])] for split in SPLITS}
    peers = [at_best(peer, wide["dev"]) for peer in bench.peers]
    lines = [
        *margin_lines("by analysts", bench.cba, bench.peers, manual, TOLERANCES_S[::-1]),
        *margin_lines("and by machines", bench.cba, peers, wide, (TOLERANCE_S,)),
    ]
    heads = ["F1 of cba", "of the peer", "difference", "95 % of it"]
    both = [f"{head}, dev and test" for head in heads]
    return {"margins": table(["phase", "labels", "within", "peer", *heads, *both], lines)}


def _events(traces: Sequence[LabelledTrace]) -> list[Window]:
    return [w for w in evaluation_windows(traces) if w.category != OTHER]


def margin_lines(
    labels: str,
    cba: Picker,
    peers: Sequence[Picker],
    windows: Mapping[str, Sequence[Window]],
    within_s: Sequence[float],
) -> list[list[object]]:
    """A line for each tolerance, phase and peer: the margin on the test split, then on all splits together."""
    every = [*windows["test"], *windows["dev"]]
    groups, test = [w.source_group for w in every], len(windows["test"])
    hits = {p.name: counts_by_phase(p, every) for p in (cba, *peers)}
    lines: list[list[object]] = []
    for reach_s, phase, peer in product(within_s, (P, S), peers):
        ours, theirs = (hits[name][reach_s][phase] for name in (cba.name, peer.name))
        told = (x for n in (test, len(every)) for x in margin(ours[:n], theirs[:n], groups[:n]))
        lines.append([LETTERS[phase], labels, f"{reach_s} s", peer.name, *told])
    return lines


def counts_by_phase(picker: Picker, windows: Sequence[Window]) -> dict[float, dict[int, NDArray[np.float64]]]:
    """By tolerance in s and phase: hit, false and missed (window, 3) at the picker's thresholds."""
    picks = picker.picks(windows)
    return {t: {phase: count(picks[phase], windows, phase, t)[0] for phase in (P, S)} for t in TOLERANCES_S}


def without_others(bench: Bench) -> Filled:
    """The same where unlabelled arrivals count as false."""
    windows = {split: evaluation_windows(bench.plain[split]) for split in SPLITS}
    reports = {
        (picker.name, split): evaluate(picker.name, picker.curves(w), w, picker.thresholds)
        for picker in bench.pickers
        for split, w in windows.items()
    }
    lines = []
    for phase in (P, S):
        for picker in bench.pickers:
            found = [reports[picker.name, split].phases[phase][0.5] for split in SPLITS]
            lines.append([picker.name, LETTERS[phase], *(x for s in found for x in (s.precision, s.f1))])
    heads = ["picker", "phase", "dev precision", "dev F1 at 0.5 s", "test precision", "test F1 at 0.5 s"]
    return {"without_others": table(heads, lines)}


def by_groups(bench: Bench) -> Filled:
    """F1 by signal-to-noise ratio, distance and data set, and the bias against each data set's labels."""
    windows = evaluation_windows([t for split in SPLITS for t in (*bench.manual[split], *bench.automatic[split])])
    rows = [row for picker in bench.pickers for row in parts(picker, windows)]
    f1 = [part_table([r for r in rows if r.by == by], by, "f1") for by in ("SNR", "distance", "data set")]
    bias = part_table([r for r in rows if r.by == "data set"], "data set", "median_s")
    return {"by_groups": "\n\n".join(f1), "bias": bias, "bias_agreed": agreed_bias(bench)}


def agreed_bias(bench: Bench) -> str:
    """By how much an onset that three of seven published pickers share comes after the labels of machines, in words."""
    told = []
    for name in AUTOMATIC:
        traces = [t for split in SPLITS for t in bench.automatic[split] if t.dataset == name]
        early = early_by(traces, agreements(traces, bench.table))
        told += [f"{samples / RATE:.3f} s (`{name}`, {LETTERS[phase]})" for phase, samples in early.items()]
    return " and ".join(told) or "nowhere"


def part_table(rows: Sequence[Part], by: str, value: str) -> str:
    """A row per part and phase, a column per picker."""
    names = list(dict.fromkeys(r.picker for r in rows))
    cells = {(r.phase, r.part, r.picker): r for r in rows}
    lines = []
    for phase, part in dict.fromkeys((r.phase, r.part) for r in sorted(rows, key=lambda r: r.phase)):
        own = [cells[phase, part, name] for name in names]
        lines.append([part, phase, own[0].labels, *(getattr(r, value) for r in own)])
    return table([by, "phase", "labels", *names], lines)


def by_field(bench: Bench) -> Filled:
    """SeisBench's pick benchmark."""
    onsets = {s: field.detection_targets(bench.manual[s]) for s in SPLITS}
    phases = {s: field.phase_targets(bench.manual[s]) for s in SPLITS}
    lines, timings = [], []
    for picker in (bench.cba, *bench.peers):
        found = {s: field.detection(picker, onsets[s]) for s in SPLITS}
        named = {s: field.phases(picker, phases["dev"], phases[s]) for s in SPLITS}
        for s in SPLITS:
            detected, (identified, rows) = found[s], named[s]
            events = (detected.events, detected.noise, detected.auc, detected.interval)
            labels = (identified.p_labels, identified.s_labels, identified.mcc, identified.interval)
            lines.append([s, picker.name, *events, *labels])
            timings += [[s, r.phase, r.picker, r.labels, r.mean_s, r.deviation_s, r.mae_s, r.outliers] for r in rows]
    heads = ["split", "picker", "events", "noise", "AUC", "95 %", "P", "S", "MCC", "95 %"]
    moments = ["split", "phase", "picker", "labels", "mean s", "deviation s", "MAE s", "outliers"]
    by_split = {"dev": 0, "test": 1}
    lines.sort(key=lambda row: by_split[row[0]])
    timings.sort(key=lambda row: (by_split[row[0]], row[1]))
    return {"field": table(heads, lines), "timing": table(moments, timings)}


def shifts(bench: Bench) -> Filled:
    """The same record from many starts, in windows and through the detector."""
    events = {split: bench.events(split) for split in SPLITS}
    windows = [(split, r) for split in SPLITS for p in bench.quick for r in in_windows(p, events[split])]
    choices = [("dev", r) for cut in CHOICES for r in in_detector(bench.cba, events["dev"], cut)]
    own = [("test", r) for p in bench.quick for r in in_detector(p, events["test"], CutConfig())]
    shown = {"single windows": [r for split, r in windows if split == "test"], "jijin detect": [r for _, r in own]}
    figures.stability(shown, DOCS / "figures/shift.png")
    found = {"shift_windows": windows, "shift_choices": choices, "shift_detector": own}
    return {name: stable(rows) for name, rows in found.items()} | shift_aims(shown, bench.cba.name)


def shift_aims(shown: Mapping[str, Sequence[Stability]], name: str) -> Filled:
    """At most LOST of the picks lost, moves under SMALL_S."""
    rows = {f"{r.phase} in {where}": r for where, found in shown.items() for r in found if r.picker == name}
    lost, moved = ({k: getattr(r, field) for k, r in rows.items()} for field in ("lost", "moved_95_s"))
    return {
        "aim_lost": aim(f"at most {LOST:g} of picks come and go", lost, max(lost.values()) <= LOST),
        "aim_moved": aim(f"95 % of picks move less than {SMALL_S:g} s", moved, max(moved.values()) < SMALL_S),
    }


def stable(rows: Sequence[tuple[str, Stability]]) -> str:
    """A table of stabilities, each with its split."""
    return table_of([{"split": split, **steadiness(found)} for split, found in rows], STEADINESS)


def borders(bench: Bench) -> Filled:
    """Onsets at every position of a window, and on every tenth of its second."""
    manual = [t for split in SPLITS for t in bench.manual[split] if t.onsets]
    at = [row for picker in bench.quick for row in positions(picker, manual)]
    tenths = [row for picker in bench.quick for row in seconds(picker, manual)]
    figures.borders(at, tenths, DOCS / "figures/position.png")
    lines = []
    for name, phase in ((picker.name, phase) for phase in "PS" for picker in bench.quick):
        own = [r for r in tenths if (r.picker, r.phase) == (name, phase)]
        moved = [r.moved_s for r in own]
        recall = [r.recall for r in at if (r.picker, r.phase) == (name, phase)]
        whole = [f"{max(moved) - min(moved):.4f}", own[0].labels_here, own[0].picks_here]
        lines.append([name, phase, sum(r.picks for r in own), *whole, recall[0], recall[len(recall) // 2], recall[-1]])
    heads = ["picker", "phase", "picks", "swing s", "labels within 0.05 s of a whole second", "picks there"]
    heads += ["recall 1.2 s after the start", "in the middle", "1.2 s before the end"]
    swing = {line[1]: float(line[3]) for line in lines if line[0] == bench.cba.name}
    met = max(swing.values()) < 0.01
    return {
        "position": table(heads, lines),
        "aim_second": aim("seconds of the window move no pick: 0.01 s", swing, met),
    }


def uncertainty(bench: Bench) -> Filled:
    """Coverage of the stated time uncertainty."""
    rows = {split: coverages(bench.cba, evaluation_windows(bench.manual[split])) for split in SPLITS}
    figures.coverage(rows, DOCS / "figures/uncertainty.png")
    shared = {
        f"{split}, shared": [
            r for r in coverages(bench.cba, evaluation_windows(bench.shared[split])) if r.part == "all"
        ]
        for split in SPLITS
    }
    lines = [
        [split, r.phase, r.part, r.picks, r.within, r.interval, r.stated_s, r.needed_s]
        for split, found in {**rows, **shared}.items()
        for r in found
    ]
    heads = ["split", "phase", "picks of", "picks", "within", "95 %", "stated: median s", "68 % of residuals s"]
    test = [r for r in rows["test"] if r.part == "all"]
    met = all(r.interval[0] <= 0.68 <= r.interval[1] for r in test)
    right = aim("0.68 of residuals within the uncertainty (inside 95 %)", {r.phase: r.within for r in test}, met)
    return {"uncertainty": table(heads, lines), "aim_uncertainty": right}


def probability(bench: Bench) -> Filled:
    """Reliability of the picks' probabilities."""
    windows = evaluation_windows([t for split in SPLITS for t in bench.manual[split]])
    found = {p.name: reliability(p, windows) for p in [bench.cba, *bench.peers]}
    figures.reliability(found, DOCS / "figures/reliability.png")
    lines = [
        [name, *(calibration_error([r for r in rows if r.phase == phase]) for phase in "PS")]
        for name, rows in found.items()
    ]
    return {"probability": table(["picker", "P", "S"], lines)}


def spoilt(bench: Bench) -> Filled:
    """What is lost under every condition, and how picks move with the sampling rate."""
    rows = losses(bench.quick, base_windows([t for split in SPLITS for t in bench.events(split)]))
    figures.losses(rows, DOCS / "figures/conditions.png")
    names = [p.name for p in bench.quick]
    cells = {(r.condition, r.level, r.picker, r.phase): r for r in rows}
    lines, times = [], []
    for condition, level in dict.fromkeys((r.condition, r.level) for r in rows):
        p, s = ([cells[condition, level, name, phase] for name in names] for phase in "PS")
        lines.append([condition, level, p[0].labels, s[0].labels, *f1_beside(p), *f1_beside(s)])
        if condition in (WHOLE, RATE_OF):
            times.append([level or condition, *(r.median_s for r in (*p, *s))])
    heads = [f"{phase} {name}" for phase in "PS" for name in names]
    f1_heads = [text for head in heads for text in ((head, "95 %") if head.endswith(f" {names[0]}") else (head,))]
    return {
        "conditions": table(["condition", "", "P labels", "S labels", *f1_heads], lines),
        "rates": table(["recorded at", *heads], times, "+.3f"),
    }


def f1_beside(losses: Sequence[Loss]) -> list[object]:
    """F1 of each picker, of the first its interval too; blank without labels."""
    first, *others = losses
    if not first.labels:
        return [""] * (len(losses) + 1)
    return [first.f1, "{:.2f} to {:.2f}".format(*first.interval), *(r.f1 for r in others)]


def noise(bench: Bench) -> Filled:
    """False picks of real and disturbed noise."""
    windows = [w for split in SPLITS for w in evaluation_windows(bench.manual[split]) if w.category in QUIET]
    rows = false_picks(bench.quick, windows)
    found = bench.cba.picks(windows, min(bench.cba.thresholds.values()))
    surest = figures.noise_picks(windows, found, bench.cba.thresholds, DOCS / "figures/noise.png")
    heads = ["noise", "picker", "hours", "P an hour", "S an hour", "others see it too"]
    lines = [
        [r.noise, r.picker, f"{r.hours:.2f}", *(rate(x, r.hours) for x in (r.p_per_hour, r.s_per_hour)), r.shared]
        for r in rows
    ]
    shown = "The surest picks of jijin on noise and landslides:\n\n![False picks](figures/noise.png)"
    return {
        "noise": table(heads, lines),
        "surest": shown if surest else "On real noise and landslides jijin picks nothing.",
    }


def rate(per_hour: float, hours: float) -> str:
    """A rate, and the largest with which so few would be counted in the hours one time in twenty (Poisson)."""
    return f"{per_hour:.1f} (< {chi2.ppf(0.95, 2 * (round(per_hour * hours) + 1)) / 2 / hours:.1f})"


def continuously(bench: Bench) -> Filled:
    """Agreement on continuous records."""
    rows, places = [], []
    four = bench.four
    for trace in bench.records:
        found, where = agreement(bench.cba, trace, four)
        rows += found
        places += [(trace, place) for place in where]
    figures.differences(places, DOCS / "figures/continuous.png")
    heads = ["record", "phase", "shared by 3 of 4", "found by jijin", "picks of jijin", "only jijin", "only they"]
    lines = [[r.record, r.phase, r.shared, r.recall, r.ours, r.ours_alone, r.theirs_alone] for r in rows]
    recall = {}
    for phase in "PS":
        own = [r for r in rows if r.phase == phase]
        shared, ours, alone, theirs = (
            sum(getattr(r, name) for r in own) for name in ("shared", "ours", "ours_alone", "theirs_alone")
        )
        recall[phase] = 1 - theirs / max(shared, 1)
        lines.append(["all", phase, shared, recall[phase], ours, alone, theirs])
    met = min(recall.values()) >= 0.95
    return {"continuous": table(heads, lines), "aim_shared": aim("0.95 of what three of four peers share", recall, met)}


def difficulty(bench: Bench) -> Filled:
    """How near published pickers are to the labels by analysts of each split, the training split among them."""
    splits = {"train": bench.train} | bench.plain
    four = bench.four
    picks = by_trace(four[four["probability"] >= PROBABILITY])
    lines = [
        [LETTERS[phase], name, *(cell for traces in splits.values() for cell in nearness(picks, traces, phase, name))]
        for phase in (P, S)
        for name in FOUR
    ]
    heads = [f"{split}: {what}" for split in splits for what in ("found of", "within 0.1 s", "MAE s")]
    return {"difficulty": table(["phase", "picker", *heads], lines)}


def nearness(picks: Mapping[Any, Any], traces: Sequence[LabelledTrace], phase: int, picker: str) -> list[object]:
    """Labels with a pick of this picker within 0.5 s, of how many that pickers were asked for; the share of those
    within 0.1 s and its interval; their mean distance in s."""
    asked = [t for t in traces if (t.dataset, t.name) in picks]
    near = [
        (abs(pick[0] - label) / RATE, t.source_group)
        for t in asked
        for pick, label in pair(picks_of(picks[t.dataset, t.name], phase, picker), t.by_phase[phase], REACH)[0]
    ]
    off_s = np.array([off for off, _ in near])
    within = np.stack([off_s <= TOLERANCES_S[0], np.ones(len(near))], 1)
    low, high = bootstrap(within, [group for _, group in near], share_of)
    share = f"{share_of(within.sum(0)):.2f} ({low:.2f} to {high:.2f})"
    return [f"{len(near)} of {sum(len(t.by_phase[phase]) for t in asked)}", share, off_s.mean()]


def picks_of(table: Any, phase: int, picker: str) -> Picks:
    """One picker's picks of a phase among those of a trace."""
    own = table[(table["phase"] == LETTERS[phase]) & (table["picker"] == picker)]
    return list(zip(own["sample"].astype(float), own["probability"], strict=True))
