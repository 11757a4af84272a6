"""jijin evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jijin.commands.shared import check_file, parse_fractions, print_table, refuse
from jijin.errors import ConfigError, DataError

if TYPE_CHECKING:
    from jijin.commands.messages import Messages
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
OF_SOURCE = ("task", "data", "model", "split", "fractions", "seed", "output")  # options that the task source takes
OF_LABELS = ("data", "only", "automatic", "fractions", "seed")  # of labelled data, of which continuous has none
Threshold = Annotated[float | None, typer.Option(min=0.001, max=1, help="Instead of the model's own.")]


def evaluate(
    context: typer.Context,
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
    fractions: Annotated[
        str | None, typer.Option(help="Train, dev and test, by earthquake [those of the model, else 6,2,2].")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the split; by default what no model scored has been trained on is held out.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The same as JSON.")] = None,
) -> None:
    """Score models, and peers through the same code.

    scores: precision, recall, F1, residuals, false picks an hour of noise, on windows of 60 s. groups: by SNR, distance
    and data set. benchmark: detection AUC in 30 s, phase MCC and residuals in 10 s. shift: the same record from many
    starts; stitching: the same through jijin detect, by how windows lie. position: onsets near window borders and on
    whole seconds. conditions: components, rates, gaps, clipping, two events, cut records. calibration: of time
    uncertainty and probability. noise: false picks by their cause. continuous: agreement with the pickers of
    --others on --records.

    --task source: how well a source model (a .json file, a run folder, source) tells earthquakes, explosions and noise.

    Labels by analysts; residual = pick - label. A label counts in each window that it lies in, up to three on a record
    of more than a minute. Intervals are 95 %, bootstrapped by earthquake.
    """
    from jijin.commands.messages import Messages
    from jijin.data.continuous import continuous
    from jijin.data.teachers import read_picks
    from jijin.evaluate.continuous import agreements
    from jijin.evaluate.protocols import PROTOCOLS
    from jijin.io.tables import save_json

    check_file(output)
    messages = Messages()
    messages.take_log()
    if task == "source":
        from jijin.commands import source as of_source

        refuse(context, "the task source", OF_SOURCE)
        _need("the task source", {"--data": data})
        shares = parse_fractions(fractions)
        return of_source.evaluate(data or [], model or ["source"], split, shares, seed or 0, output, messages)
    if task != "picker":
        raise ConfigError(f"'task' must be picker or source (got {task!r})")
    _check_protocol(context, protocol, tune)
    parts = ("" if protocol == CONTINUOUS else split, "dev" if tune or protocol == "benchmark" else "")
    shares = _fractions(model or ["cba"], fractions, messages)
    of_data = (data or [], only, shares, _seeds(model, seed), others or [], automatic)
    traces, dev = (_traces(part, *of_data) for part in parts)
    pickers = [_at_thresholds(picker, threshold_p, threshold_s) for picker in _pickers(model, peers, dev, tune)]
    if protocol == SCORES:
        done: Any = _scores(pickers, traces)
    elif protocol == CONTINUOUS:
        done = _shown(agreements(pickers, continuous(records or []), read_picks(others or [])))
    else:
        rows = PROTOCOLS[protocol](pickers, dev, traces)
        if not rows:
            raise DataError(
                f"the {split} split of the data has nothing for the protocol {protocol}; see docs/accuracy.md"
            )
        done = _shown(rows)
    if output is not None:
        save_json(done, output)
    return None


def _need(what: str, options: Mapping[str, Any]) -> None:
    if missing := [name for name, value in options.items() if not value]:
        raise ConfigError(f"{what} needs {' and '.join(missing)}")


def _check_protocol(context: typer.Context, protocol: str, tune: bool) -> None:
    """Raise ConfigError where an option that the protocol needs is missing, or one stands there that it ignores."""
    if protocol not in NAMES:
        raise ConfigError(f"'protocol' must be one of {', '.join(NAMES)} (got {protocol!r})")
    needed = ("records", "others") if protocol == CONTINUOUS else ("data",)
    tuned = ("data",) if tune and protocol == CONTINUOUS else ()
    _need(f"the protocol {protocol}", {f"--{name}": context.params[name] for name in (*needed, *tuned)})
    ignored = {"records"} if protocol != CONTINUOUS else {"split"} if tune else {"split", *OF_LABELS}
    refuse(context, f"the protocol {protocol}", set(context.params) - ignored)


def _seeds(models: list[str] | None, seed: int | None) -> int | Sequence[int]:
    """Of the split: one that is given, else those that hold out what no model has been trained on."""
    from jijin.models import split_seeds

    return split_seeds(models or ["cba"]) if seed is None else seed


def _fractions(models: Sequence[str], asked: str | None, messages: Messages) -> tuple[float, ...]:
    """Of the split: those that are given, else those that the models were trained on."""
    from jijin.models import in_words, split_fractions

    if asked is None:
        return split_fractions(models)
    shares = parse_fractions(asked)
    for name in models:
        if (own := split_fractions([name])) != shares:
            messages.note(f"{name} was trained on --fractions {in_words(own)}: it may have seen some of these")
    return shares


def _traces(part: str, data: list[Path], only: str | None, *how: Any) -> list[Any]:
    """Labelled traces of a split; none of a split without a name."""
    from jijin.data.corpus import scored_traces

    return scored_traces(data, part, only.split(",") if only else None, *how) if part else []


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
    if not reports[0].windows:
        raise DataError("no earthquake and no noise in that split, so nothing to score; --protocol noise counts picks")
    show(reports)
    return {report.name: summary(report) for report in reports}


def _shown(rows: list[Any]) -> list[dict[str, Any]]:
    """Print the rows, a table for each kind; the same as dictionaries."""
    from dataclasses import asdict

    from jijin.evaluate.protocols import tables

    for name, heads, lines in tables(rows):
        print_table(name.lower(), heads, lines)
    return [{"kind": type(row).__name__, **asdict(row)} for row in rows]


def show(reports: list[Report]) -> None:
    """One table: a row per picker and phase."""
    from jijin.data.traces import LETTERS, P, S
    from jijin.evaluate.protocols import text

    first = reports[0]
    title = f"{first.windows} windows, {first.groups} groups, {first.hours['noise']:.2f} h of noise"
    heads = "picker,phase,threshold,labels,P 0.5 s,R 0.5 s,F1 0.5 s,95 %,F1 0.1 s,mean s,deviation s,MAE s,false/h"
    lines = []
    for report in reports:
        rates = report.false_per_hour["noise"]
        for phase in (P, S):
            wide, narrow = report.phases[phase][0.5], report.phases[phase][0.1]
            cells = [wide.precision, wide.recall, wide.f1, wide.interval, narrow.f1, *report.residuals[phase]]
            texts = [text(cell) for cell in cells]
            about = [report.name, LETTERS[phase], f"{report.thresholds[phase]:.2f}", str(wide.labels)]
            lines.append([*about, *texts, text(rates[phase])])
    print_table(title, heads.split(","), lines)
