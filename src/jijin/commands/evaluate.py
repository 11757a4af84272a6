"""jijin evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jijin.commands.data import parse_fractions
from jijin.errors import ConfigError

if TYPE_CHECKING:
    from jijin.evaluate import Report
    from jijin.evaluate.pickers import Picker

SCORES = "scores"
CONTINUOUS = "continuous"
NAMES = (
    SCORES,
    "groups",
    "benchmark",
    "shift",
    "stitching",
    "position",
    "conditions",
    "calibration",
    "noise",
    CONTINUOUS,
)
Threshold = Annotated[float | None, typer.Option(min=0.001, max=1, help="Instead of the model's own.")]


def evaluate(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="STEAD, SeisBench's format or a pack; repeat for more.")
    ] = None,
    task: Annotated[str, typer.Option(help="picker, or source: docs/source_type.md.")] = "picker",
    protocol: Annotated[str, typer.Option(help=f"What is measured: {', '.join(NAMES)}.")] = SCORES,
    model: Annotated[list[str] | None, typer.Option("--model", help="Name or .onnx file; repeat for more.")] = None,
    peers: Annotated[Path | None, typer.Option(help="Folder with a peers.py: NAMES and load(name).")] = None,
    split: Annotated[str, typer.Option(help="train, dev, test or all.")] = "test",
    only: Annotated[str | None, typer.Option(help="Data sets to score, by name, with commas.")] = None,
    others: Annotated[
        list[Path] | None, typer.Option(help="CSV of several pickers' picks: what two find is no false pick.")
    ] = None,
    records: Annotated[
        list[Path] | None, typer.Option(help="Folder of miniSEED for the protocol continuous; repeat for more.")
    ] = None,
    automatic: Annotated[bool, typer.Option("--automatic", help="Labels by machines are scored too.")] = False,
    tune: Annotated[bool, typer.Option("--tune", help="Every picker at its best threshold on the dev split.")] = False,
    threshold_p: Threshold = None,
    threshold_s: Threshold = None,
    fractions: Annotated[str, typer.Option(help="Train, dev and test, by earthquake.")] = "6,2,2",
    seed: Annotated[
        int | None, typer.Option(help="Of the split; by default what no model scored has been trained on is held out.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The same as JSON.")] = None,
) -> None:
    """Score models, and peers through the same code.

    scores: precision, recall, F1, residuals, false picks an hour of noise, on windows of 60 s. groups: by SNR, distance
    and data set. benchmark: detection AUC in 30 s, phase MCC and residuals in 10 s. shift: the same record from many
    starts; stitching: the same through jijin detect, by overlap. position: onsets near window borders and on whole
    seconds. conditions: components, rates, gaps, clipping, two events, cut records. calibration: of time uncertainty
    and probability. noise: false picks by their cause. continuous: agreement with the pickers of --others on --records.

    --task source: how well a source model (a .json file, a run folder, source) tells earthquakes, explosions and noise.

    Labels by analysts; residual = pick - label. Intervals are 95 %, bootstrapped by earthquake.
    """
    import json

    from jijin.data.corpus import continuous, scored_traces
    from jijin.data.teachers import read_picks
    from jijin.evaluate.continuous import agreements
    from jijin.evaluate.protocols import PROTOCOLS
    from jijin.models import split_seeds

    if task == "source":
        from jijin.commands import source as of_source

        if not data:
            raise ConfigError("the task source needs --data")
        return of_source.evaluate(data, model or ["source"], split, parse_fractions(fractions), seed or 0, output)
    if task != "picker":
        raise ConfigError(f"'task' must be picker or source (got {task!r})")
    if protocol not in NAMES:
        raise ConfigError(f"'protocol' must be one of {', '.join(NAMES)} (got {protocol!r})")
    need = {"--records": records, "--others": others} if protocol == CONTINUOUS else {"--data": data}
    if missing := [name for name, given in need.items() if not given]:
        raise ConfigError(f"the protocol {protocol} needs {' and '.join(missing)}")
    names = only.split(",") if only else None
    wanted = ("" if protocol == CONTINUOUS else split, "dev" if tune or protocol == "benchmark" else "")
    seeds = split_seeds(model or ["cba"]) if seed is None else seed
    traces, dev = (
        scored_traces(data or [], part, names, parse_fractions(fractions), seeds, others or [], automatic)
        if part
        else []
        for part in wanted
    )
    pickers = [_at_thresholds(picker, threshold_p, threshold_s) for picker in _pickers(model, peers, dev, tune)]
    if protocol == SCORES:
        done: Any = _scores(pickers, traces)
    elif protocol == CONTINUOUS:
        done = _shown(agreements(pickers, continuous(records or []), read_picks(others or [])))
    else:
        done = _shown(PROTOCOLS[protocol](pickers, dev, traces))
    if output is not None:
        output.write_text(json.dumps(_plain(done), indent=1) + "\n")
    return None


def _pickers(models: list[str] | None, peers: Path | None, dev: list[Any], tune: bool) -> list[Picker]:
    """Every model and peer at its own thresholds, or at its best on dev."""
    from jijin.data.traces import P, S
    from jijin.evaluate import best_thresholds, evaluation_windows, load_peers, predict_with
    from jijin.evaluate.pickers import Picker
    from jijin.models import load

    windows, out = evaluation_windows(dev) if tune else [], []
    for name, model in [(name, load(name)) for name in models or ["cba"]] + (load_peers(peers) if peers else []):
        own = getattr(model, "thresholds", {"p": 0.3, "s": 0.3})
        best = best_thresholds(predict_with(model, windows), windows) if tune else {P: own["p"], S: own["s"]}
        out.append(Picker(name, model, best))
    return out


def _at_thresholds(picker: Picker, p: float | None, s: float | None) -> Picker:
    from dataclasses import replace

    from jijin.data.traces import P, S

    return replace(picker, thresholds={P: p or picker.thresholds[P], S: s or picker.thresholds[S]})


def _scores(pickers: list[Picker], traces: list[Any]) -> dict[str, Any]:
    from jijin.evaluate import evaluate as score
    from jijin.evaluate import evaluation_windows, summary

    windows = evaluation_windows(traces)
    reports = [score(picker.name, picker.curves(windows), windows, picker.thresholds) for picker in pickers]
    show(reports)
    return {report.name: summary(report) for report in reports}


def _shown(rows: list[Any]) -> list[dict[str, Any]]:
    """Print the rows, a table for each kind; the same as dictionaries."""
    from dataclasses import asdict

    from jijin.evaluate.protocols import tables

    for name, heads, lines in tables(rows):
        _print(name.lower(), heads, lines)
    return [{"kind": type(row).__name__, **asdict(row)} for row in rows]


def _plain(value: Any) -> Any:
    """The same for JSON, which has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    return None if isinstance(value, float) and value != value else value


def show(reports: list[Report]) -> None:
    """One table: a row per picker and phase."""
    from jijin.data.traces import P, S

    first = reports[0]
    title = f"{first.windows} windows, {first.groups} groups, {first.hours['noise']:.2f} h of noise"
    heads = "picker,phase,threshold,labels,P 0.5 s,R 0.5 s,F1 0.5 s,95 %,F1 0.1 s,mean s,deviation s,MAE s,false/h"
    lines = []
    for report in reports:
        rates = report.false_per_hour["noise"]
        for phase in (P, S):
            wide, narrow = report.phases[phase][0.5], report.phases[phase][0.1]
            low, high = wide.interval
            cells = [wide.precision, wide.recall, wide.f1, f"{low:.3f}-{high:.3f}", narrow.f1, *report.residuals[phase]]
            texts = [cell if isinstance(cell, str) else f"{cell:.3f}" for cell in cells]
            about = [report.name, "PS"[phase - P], f"{report.thresholds[phase]:.2f}", str(wide.labels)]
            lines.append([*about, *texts, f"{rates[phase]:.2f}"])
    _print(title, heads.split(","), lines)


def _print(title: str, heads: list[str], lines: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, title=title)
    for line in lines:
        table.add_row(*line)
    Console(width=None if Console().is_terminal else 170).print(table)
