"""jijin evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jijin.commands.data import parse_fractions

if TYPE_CHECKING:
    from jijin.evaluate import Report, Window

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
    from jijin.data.traces import P, S
    from jijin.evaluate import best_thresholds, predict_with
    from jijin.evaluate import evaluate as score

    shares = parse_fractions(fractions)
    windows = load_windows(data, split, only, shares, seed)
    dev = load_windows(data, "dev", only, shares, seed) if tune else []
    reports = []
    for name, picker in pickers(model or ["cba"], peers):
        own = getattr(picker, "thresholds", {"p": 0.3, "s": 0.3})
        thresholds = {P: own["p"], S: own["s"]}
        if tune:
            thresholds = best_thresholds(predict_with(picker, dev), dev)
        thresholds[P], thresholds[S] = threshold_p or thresholds[P], threshold_s or thresholds[S]
        reports.append(score(name, predict_with(picker, windows), windows, thresholds))
    show(reports)
    if output is not None:
        _write(reports, output)


def load_windows(
    data: list[Path], split: str, only: str | None, fractions: tuple[float, ...], seed: int
) -> list[Window]:
    """Windows of the events and the noise of one split; noise counts whatever 'only' names."""
    from jijin.data.corpus import load_corpus
    from jijin.errors import ConfigError, DataError
    from jijin.evaluate import evaluation_windows

    if split not in ("train", "dev", "test", "all"):
        raise ConfigError(f"'split' must be train, dev, test or all (got {split!r})")
    corpus = load_corpus(data, fractions=(0, 0, 1) if split == "all" else fractions, seed=seed)
    roles = {"train": ("events", "noise")}.get(
        split, (f"{split.replace('all', 'test')}_{kind}" for kind in ("events", "noise"))
    )
    events, noise = (getattr(corpus, role) for role in roles)
    names = set(only.split(",")) if only else None
    windows = evaluation_windows([t for t in events if names is None or t.dataset in names]) + evaluation_windows(noise)
    if not windows:
        raise DataError(f"nothing to score in the {split} split of {', '.join(map(str, data))}")
    return windows


def pickers(models: list[str], peers: Path | None) -> list[tuple[str, Any]]:
    """Our models, then every peer of the folder."""
    from jijin.models import load

    ours = [(name, load(name)) for name in models]
    if peers is None:
        return ours
    module = _import(peers / "peers.py")
    return ours + [(name, module.load(name)) for name in module.NAMES]


def _import(path: Path) -> Any:
    """A Python file that the user named, as a module."""
    import importlib.util

    from jijin.errors import MissingExtra, ReadError

    if not path.is_file():
        raise ReadError(f"{path}: no such file; a folder of peers has a peers.py with NAMES and load(name)")
    spec = importlib.util.spec_from_file_location("jijin_peers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "train") from error
    return module


def show(reports: list[Report]) -> None:
    """One table: a row per picker and phase."""
    from rich.console import Console
    from rich.table import Table

    from jijin.data.traces import P, S

    first = reports[0]
    title = f"{first.windows} windows, {first.groups} groups, {first.noise_hours:.2f} h of noise"
    heads = "picker,phase,threshold,labels,P 0.5 s,R 0.5 s,F1 0.5 s,95 %,F1 0.1 s,mean s,deviation s,MAE s,false/h"
    table = Table(*heads.split(","), title=title)
    for report in reports:
        for phase in (P, S):
            wide, narrow = report.phases[phase][0.5], report.phases[phase][0.1]
            low, high = wide.interval
            cells = [wide.precision, wide.recall, wide.f1, f"{low:.3f}-{high:.3f}", narrow.f1, *report.residuals[phase]]
            texts = [cell if isinstance(cell, str) else f"{cell:.3f}" for cell in cells]
            rate = f"{report.false_per_hour[phase]:.2f}"
            table.add_row(
                report.name, "PS"[phase - P], f"{report.thresholds[phase]:.2f}", str(wide.labels), *texts, rate
            )
    Console(width=None if Console().is_terminal else 170).print(table)


def _write(reports: list[Report], output: Path) -> None:
    import json

    from jijin.evaluate import summary

    output.write_text(json.dumps({report.name: summary(report) for report in reports}, indent=1) + "\n")
