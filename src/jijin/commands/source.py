"""The task "source" of jijin train and jijin evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from jijin.commands.shared import print_table

if TYPE_CHECKING:
    from jijin.commands.messages import Messages
    from jijin.evaluate.source import Outcome

SYNTHETICS = 200  # of each kind; none beside a start, which has seen them


def train(
    output: Path,
    data: Sequence[Path],
    start: str | None,
    synthetics: int | None,
    fractions: Sequence[float],
    seed: int,
    threads: int,
    messages: Messages,
) -> None:
    """Train a source model, write it to the run folder, show how it did on events that were held out."""
    from jijin.discriminate.model import load_source
    from jijin.train.source_run import SourceRun, read_run, train_run

    paths = tuple(str(path.resolve()) for path in data)
    count = (0 if start else SYNTHETICS) if synthetics is None else synthetics
    run = SourceRun(paths, count, tuple(fractions), seed, threads=threads)
    beginning = load_source(read_run(Path(start)) if Path(start).exists() else start) if start else None
    with messages.bar("measuring") as advance:
        path, outcome = train_run(run, output, beginning, advance)
    if outcome is None:
        messages.note("a class has fewer than two events: nothing could be held out, so nothing was scored")
    else:
        show(outcome)
    typer.echo(str(path))


def evaluate(
    data: Sequence[Path],
    models: Sequence[str],
    split: str,
    fractions: Sequence[float],
    seed: int,
    output: Path | None,
    messages: Messages,
) -> None:
    """Score source models on a split of labelled windows."""
    from jijin.data.splits import NAMES
    from jijin.discriminate.discriminator import DiscriminateConfig
    from jijin.discriminate.model import load_source
    from jijin.errors import ConfigError
    from jijin.evaluate.source import tables
    from jijin.io.tables import save_json
    from jijin.train.source_run import SourceRun, in_splits, measured, read_run, told_by

    if split not in (*NAMES, "all"):
        raise ConfigError(f"'split' must be train, dev, test or all (got {split!r})")
    with messages.bar("measuring") as advance:
        table = measured(SourceRun(tuple(map(str, data)), 0, tuple(fractions), seed), None, advance)
    table = in_splits(table, NAMES if split == "all" else [split], fractions, seed)
    config, done = DiscriminateConfig(), {}
    for name in models:
        model = load_source(read_run(Path(name)) if Path(name).exists() else name)
        if seen := trained_on(model.card, sorted(set(table["dataset"])), split, fractions, seed):
            messages.note(f"{name}: trained on events of {', '.join(seen)}, so it is scored on what it has seen")
        outcome = told_by(model, table)
        show(outcome)
        done[name] = [list(part) for part in tables(outcome, config.prior, config.certainty)]
    if output is not None:
        save_json(done, output)


def trained_on(
    card: Mapping[str, Any], datasets: Sequence[str], split: str, fractions: Sequence[float], seed: int
) -> list[str]:
    """Those of the data sets whose rows of the split the model may have learnt from; by name, as its card has it."""
    same = card.get("fractions") == list(fractions) and card.get("seed") == seed
    if same and split == "test":
        return []
    known = {name for counts in card.get("counts", {}).values() for name in counts}
    return [name for name in datasets if name in known]


def show(outcome: Outcome) -> None:
    """Tables of an outcome at the prior and the certainty that a discriminator has by default."""
    from jijin.discriminate.discriminator import DiscriminateConfig
    from jijin.evaluate.source import tables

    config = DiscriminateConfig()
    for title, heads, lines in tables(outcome, config.prior, config.certainty):
        print_table(title, heads, lines)
