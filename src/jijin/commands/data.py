"""jijin data: pack and audit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jijin.commands.shared import check_file

if TYPE_CHECKING:
    from jijin.data.audit import Finding

app = typer.Typer(help="Training data: STEAD, SeisBench's format, packs.", no_args_is_help=True)

Paths = Annotated[
    list[str], typer.Argument(help="STEAD chunks (chunk2, chunk2.hdf5), folders of STEAD, SeisBench's format or packs.")
]
Count = Annotated[int | None, typer.Option(min=0, help="How many; without any count everything is packed.")]


@app.command()
def pack(
    paths: Paths,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the pack.")],
    earthquakes: Count = None,
    noise: Count = None,
    other: Count = None,
    seed: Annotated[int, typer.Option(help="Of the choice.")] = 0,
    keep_split: Annotated[bool, typer.Option("--keep-split", help="The data's own split where it has one.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out traces that cannot be read.")] = False,
) -> None:
    """Put a chosen subset into one file that trains at memory speed.

    Stopped in any way, the same command goes on where it was.
    """
    from jijin.commands.messages import Messages
    from jijin.data import open_datasets
    from jijin.data.pack import pack as run

    messages = Messages()
    messages.take_log()
    with open_datasets(paths) as source, messages.bar("packing") as progress:
        done = run(
            source, output, earthquakes=earthquakes, noise=noise, other=other, seed=seed, keep_split=keep_split,
            skip_bad=skip_bad, progress=progress,
        )  # fmt: skip
    counts = done.labels["category"].value_counts()
    typer.echo(f"{output}: {len(done)} traces ({', '.join(f'{count} {name}' for name, count in counts.items())})")


@app.command()
def audit(
    paths: Paths,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Every finding, as CSV.")] = None,
    tables_only: Annotated[bool, typer.Option("--tables-only", help="Read no waveforms: seconds, not hours.")] = False,
    examples: Annotated[int, typer.Option(min=0, help="Findings shown of each kind.")] = 3,
) -> None:
    """Report leaks between splits, impossible labels, duplicates and bad waveforms.

    Exit status 1 if no score on the data could be trusted: a leak, an impossible label, an unreadable trace.
    """
    from jijin.commands.messages import Messages
    from jijin.data import open_datasets
    from jijin.data.audit import audit as run

    check_file(output)
    messages = Messages()
    messages.take_log()
    with open_datasets(paths) as dataset, messages.bar("auditing") as progress:
        findings = run(dataset, waveforms=not tables_only, progress=progress)
        traces = len(dataset)
        statuses = {phase: Counter(dataset.labels[f"{phase.lower()}_status"].astype(str)) for phase in "PS"}
    if output is not None:
        _write(findings, output)
    for phase, status in statuses.items():
        typer.echo(f"{phase}: {', '.join(f'{count} {name}' for name, count in sorted(status.items())) or 'no trace'}")
    _print(findings, traces, examples)
    if any(finding.error for finding in findings):
        raise typer.Exit(1)


def _print(findings: list[Finding], traces: int, examples: int) -> None:
    """A table of the kinds, then some findings of each as lines that a pipe can filter."""
    from rich.console import Console
    from rich.table import Table

    kinds = {kind: [f for f in findings if f.kind == kind] for kind in dict.fromkeys(f.kind for f in findings)}
    table = Table("", "finding", "count", "data sets", title=f"{traces} traces, {len(findings)} findings")
    for kind, same in kinds.items():
        counts = Counter(f.dataset for f in same).most_common()
        where = ", ".join(f"{name} {count}" for name, count in counts)
        table.add_row("error" if same[0].error else "warning", kind, str(len(same)), where)
    Console().print(table if findings else f"{traces} traces, nothing found")
    for same in kinds.values():
        for f in same[:examples]:
            typer.echo(f"{f.kind}: {f.dataset}/{f.trace_name or '*'}: {f.detail}")


def _write(findings: list[Finding], output: Path) -> None:
    from dataclasses import asdict

    import pandas as pd

    from jijin.io.tables import replacing

    columns = ["kind", "error", "dataset", "trace_name", "detail"]
    with replacing(output) as file:
        pd.DataFrame([asdict(finding) for finding in findings], columns=columns).to_csv(file, index=False)
