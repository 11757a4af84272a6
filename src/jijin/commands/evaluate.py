"""jijin evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jijin.commands.data import parse_fractions

if TYPE_CHECKING:
    from jijin.evaluate import Report

Threshold = Annotated[float | None, typer.Option(min=0.001, max=1, help="Instead of the model's own.")]


def evaluate(
    data: Annotated[list[Path], typer.Option("--data", help="STEAD, SeisBench's format or a pack; repeat for more.")],
    model: Annotated[list[str] | None, typer.Option("--model", help="Name or .onnx file; repeat for more.")] = None,
    peers: Annotated[Path | None, typer.Option(help="Folder with a peers.py: NAMES and load(name).")] = None,
    split: Annotated[str, typer.Option(help="train, dev, test or all.")] = "test",
    only: Annotated[str | None, typer.Option(help="Data sets to score, by name, with commas.")] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Every picker at its best threshold on the dev split.")] = False,
    threshold_p: Threshold = None,
    threshold_s: Threshold = None,
    fractions: Annotated[str, typer.Option(help="Train, dev and test, by earthquake.")] = "6,2,2",
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The same as JSON.")] = None,
) -> None:
    """Score models, and peers through the same code: precision, recall, F1, residuals, false picks an hour of noise.

    Windows of 60 s, labels by analysts; residual = pick - label. Intervals are 95 %, bootstrapped by earthquake.
    """
    from jijin.data.corpus import scored_traces
    from jijin.data.traces import P, S
    from jijin.evaluate import best_thresholds, evaluation_windows, load_peers, predict_with
    from jijin.evaluate import evaluate as score
    from jijin.models import load

    names = only.split(",") if only else None
    windows, dev = (
        evaluation_windows(scored_traces(data, part, names, parse_fractions(fractions), seed)) if part else []
        for part in (split, "dev" if tune else "")
    )
    reports = []
    pickers = [(name, load(name)) for name in model or ["cba"]] + (load_peers(peers) if peers else [])
    for name, picker in pickers:
        own = getattr(picker, "thresholds", {"p": 0.3, "s": 0.3})
        thresholds = best_thresholds(predict_with(picker, dev), dev) if tune else {P: own["p"], S: own["s"]}
        thresholds[P], thresholds[S] = threshold_p or thresholds[P], threshold_s or thresholds[S]
        reports.append(score(name, predict_with(picker, windows), windows, thresholds))
    show(reports)
    if output is not None:
        _write(reports, output)


def show(reports: list[Report]) -> None:
    """One table: a row per picker and phase."""
    from rich.console import Console
    from rich.table import Table

    from jijin.data.traces import P, S

    first = reports[0]
    title = f"{first.windows} windows, {first.groups} groups, {first.hours['noise']:.2f} h of noise"
    heads = "picker,phase,threshold,labels,P 0.5 s,R 0.5 s,F1 0.5 s,95 %,F1 0.1 s,mean s,deviation s,MAE s,false/h"
    table = Table(*heads.split(","), title=title)
    for report in reports:
        rates = report.false_per_hour["noise"]
        for phase in (P, S):
            wide, narrow = report.phases[phase][0.5], report.phases[phase][0.1]
            low, high = wide.interval
            cells = [wide.precision, wide.recall, wide.f1, f"{low:.3f}-{high:.3f}", narrow.f1, *report.residuals[phase]]
            texts = [cell if isinstance(cell, str) else f"{cell:.3f}" for cell in cells]
            rate = f"{rates[phase]:.2f}"
            table.add_row(
                report.name, "PS"[phase - P], f"{report.thresholds[phase]:.2f}", str(wide.labels), *texts, rate
            )
    Console(width=None if Console().is_terminal else 170).print(table)


def _write(reports: list[Report], output: Path) -> None:
    import json

    from jijin.evaluate import summary

    output.write_text(json.dumps({report.name: summary(report) for report in reports}, indent=1) + "\n")
