"""jijin train and jijin export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jijin.commands.shared import check_file, parse_fractions, refuse, require_train

if TYPE_CHECKING:
    from jijin.commands.messages import Messages
    from jijin.data.corpus import Corpus
    from jijin.train.config import TrainConfig
    from jijin.train.export import Measured

Data = Annotated[
    list[Path], typer.Option("--data", help="STEAD, SeisBench's format or a pack; give it again for more.")
]
TASKS = ("picker", "source")
MADE = ("mix", "steps", "regional")  # of a run's config.json: what its windows are made of
OF_SOURCE = ("task", "output", "data", "start", "synthetics", "fractions", "threads", "seed")  # options that it takes


def train(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="Run folder; an unfinished run in it goes on.")],
    data: Data,
    task: Annotated[str, typer.Option(help="picker, or source: the classifier of docs/source_type.md.")] = "picker",
    windows: Annotated[int, typer.Option(min=64, help="Training windows in all.")] = 320_000,
    epoch_windows: Annotated[int, typer.Option(min=64, help="Windows between two validations.")] = 16_000,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without a lower dev loss before it stops.")] = 8,
    learning_rate: Annotated[float, typer.Option(help="Of NAdam.")] = 1e-3,
    synthetics: Annotated[
        int | None, typer.Option(min=0, help="Synthetic earthquakes in the pool [8000; 200 of each kind for source].")
    ] = None,
    recipe: Annotated[str, typer.Option(help="full: as the shipped weights; study: as the original study.")] = "full",
    teachers: Annotated[
        list[Path] | None, typer.Option(help="CSV of other pickers' picks that completes labels; repeat for more.")
    ] = None,
    records: Annotated[list[Path] | None, typer.Option(help="Continuous miniSEED labelled by the teachers.")] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Weights to begin with, to adapt them: a run folder, a file or a name (cba, source)."),
    ] = None,
    fractions: Annotated[
        str | None, typer.Option(help="Train, dev and test, by earthquake [those of --start, else 6,2,2].")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make batches.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the network.")] = 1,
    seed: Annotated[int, typer.Option(help="Of everything random; a picker's split has its own.")] = 0,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="16 bits: twice as fast where lscpu shows amx_bf16 or avx512_bf16.")
    ] = False,
) -> None:
    """Train a picker, or a source classifier, on a PC. Stopped in any way, the same command goes on where it was.

    --task source takes --data, --start, --synthetics, --fractions, --threads and --seed, no other; it needs no torch.
    """
    from jijin.commands.messages import Messages
    from jijin.errors import ConfigError

    messages = Messages()
    messages.take_log()
    if task not in TASKS:
        raise ConfigError(f"'task' must be {' or '.join(TASKS)} (got {task!r})")
    if output.is_file():
        raise ConfigError(f"'output' must be a folder, for all that a run writes (got the file {output})")
    if start == "source" and task != "source":
        raise ConfigError("'start' source is a source classifier; add --task source")
    if output.resolve() in [path.resolve() for path in (*data, *(records or []))]:
        raise ConfigError(f"'output' must not be the folder of the data ({output}); give another run folder")
    if task == "source":
        from jijin.commands import source as of_source

        refuse(context, "the task source", OF_SOURCE)
        return of_source.train(output, data, start, synthetics, parse_fractions(fractions), seed, threads, messages)
    require_train()
    from jijin.train.config import TrainConfig

    config = TrainConfig(
        windows=windows, epoch_windows=epoch_windows, patience=patience, learning_rate=learning_rate,
        workers=workers, threads=threads, seed=seed, bfloat16=bfloat16, start=_beginning(start) if start else None,
    )  # fmt: skip
    source = {
        "data": [str(path.resolve()) for path in data],
        "teachers": [str(path.resolve()) for path in teachers or []],
        "records": [str(path.resolve()) for path in records or []],
        "fractions": _fractions(config.start, fractions, messages),
        "split_seeds": _split_seeds(config.start),
        "synthetics": 8000 if synthetics is None else synthetics,
        "recipe": recipe,
    }
    typer.echo(str(_run(output, config, source, messages)))
    return None


def _beginning(start: str) -> str:
    """The file whose weights a run begins with."""
    from jijin.errors import ReadError
    from jijin.models import find

    if not Path(start).is_dir():
        file = find(start).resolve()
        if file.suffix != ".onnx" and not (file.suffix == ".pt" and (file.parent / "config.json").is_file()):
            raise ReadError(f"{start}: neither an .onnx file nor a run's checkpoint; give one, a run folder or cba")
        return str(file)
    best = Path(start).resolve() / "best.pt"
    if not best.is_file():
        raise ReadError(f"{start}: no run to start from, it has no best.pt; give what 'jijin train -o' wrote, or cba")
    return str(best)


def _split_seeds(start: str | None) -> list[int]:
    """Those of the weights that a run begins with, so that it sees nothing that they held out; else 0."""
    from jijin.models import split_seeds

    if start is None or start.endswith(".onnx"):
        return list(split_seeds([start] if start else []))
    seeds: list[int] = _config(Path(start).parent)["split_seeds"]
    return seeds


def _fractions(start: str | None, asked: str | None, messages: Messages) -> list[float]:
    """Those that are given, else those of the weights that a run begins with."""
    from jijin.models import in_words, split_fractions

    shares = list(parse_fractions(asked))
    if start is None:
        return shares
    own = list(split_fractions([start])) if start.endswith(".onnx") else _config(Path(start).parent)["fractions"]
    if asked is None or shares == own:
        return own
    messages.note(f"--start held out by {in_words(own)}: its own data would now be divided in another way")
    return shares


def _config(run: Path) -> dict[str, Any]:
    """What a picker's run was made from."""
    from jijin.errors import ReadError
    from jijin.train.folder import CONFIG, read_config

    done = read_config(run)
    if done is None:
        raise ReadError(f"{run}: not a run folder, it has no {CONFIG}; give what 'jijin train -o' wrote")
    if not {"config", "data", "split_seeds", "fractions"} <= done.keys():
        raise ReadError(f"{run / CONFIG}: not a picker's run; give what 'jijin train -o' wrote")
    return done


def _run(output: Path, config: TrainConfig, source: dict[str, Any], messages: Messages) -> Path:
    from dataclasses import asdict

    from jijin.data.compose import Composer
    from jijin.data.corpus import synthetic_pool
    from jijin.data.regional import digest
    from jijin.train.config import check_run, write_config
    from jijin.train.loop import train
    from jijin.train.recipes import recipe
    from jijin.train.start import read_checkpoint

    chosen = recipe(source["recipe"])
    made = (asdict(chosen.mix), [repr(step) for step in chosen.steps], digest())
    source = {**source, **dict(zip(MADE, made, strict=True))}
    check_run(output, config, source)  # before minutes of reading
    corpus = _corpus(source)
    write_config(output, config, {**source, **{key: getattr(corpus, key) for key in ("counts", "licences", "pickers")}})
    if source["synthetics"]:
        messages.note(f"making {source['synthetics']} synthetic earthquakes")  # minutes
    pool = synthetic_pool(source["synthetics"], config.seed)
    composer = Composer(corpus.events, corpus.noise, pool, corpus.shares, chosen.mix, chosen.steps, config.seed)
    with messages.bar("training") as advance:

        def step(windows: int, row: dict[str, float]) -> None:
            advance(windows, config.windows)
            if row:
                scores = "  ".join(f"{key} {value:.4g}" for key, value in row.items())
                messages.note(f"{windows} windows  {scores}")

        best = train(composer, corpus.dev, output, config, step)
    if config.start and read_checkpoint(best)["step"] == 0:
        messages.note(f"no epoch was better on dev than what it began with; {best} holds the weights of --start")
    return best


def _corpus(source: dict[str, Any]) -> Corpus:
    from jijin.data.corpus import load_corpus

    teachers, records = ([Path(path) for path in source[key]] for key in ("teachers", "records"))
    return load_corpus(source["data"], teachers, records, source["fractions"], source["split_seeds"])


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of jijin train; or a model file, to be measured again.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file; its card is the .json beside it.")],
    name: Annotated[str | None, typer.Option(help="Name of the model [cba; of a model file its own].")] = None,
    blend: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the run in the weights; the rest is what --start gave it.")
    ] = 1.0,
    weakness: Annotated[
        list[str] | None, typer.Option(help="What it is weak at, for the card; repeat for more.")
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="Of a model file: what it was trained on; repeat for more.")
    ] = None,
    teachers: Annotated[
        list[Path] | None, typer.Option(help="Of a model file: CSV of other pickers' picks; repeat for more.")
    ] = None,
) -> None:
    """Turn a run into a model file: parity check, thresholds and uncertainties from dev, scores on dev and test.

    A model file keeps its weights, and its card what was said of them; the rest is measured with this version of jijin.
    """
    from jijin.errors import ConfigError

    require_train()
    if output.suffix != ".onnx":
        raise ConfigError(f"'output' must be an .onnx file (got {output})")
    check_file(output)
    if run.suffix == ".onnx":
        if blend < 1:
            raise ConfigError("--blend is for a run; a model file keeps its weights")
        typer.echo(str(_file_again(run, output, name, weakness, data or [], teachers or [])))
        return
    if data or teachers:
        raise ConfigError("--data and --teachers are for a model file; a run knows its own")
    typer.echo(str(_run_to_file(run, output, name or "cba", weakness or [], blend)))


def _run_to_file(run: Path, output: Path, name: str, weaknesses: list[str], blend: float) -> Path:
    from jijin.train.export import checkpoint_of
    from jijin.train.export import export as write
    from jijin.train.start import read_checkpoint

    done = _config(run)
    trained = read_checkpoint(checkpoint_of(run)).get("step", 0) * done["config"]["batch"]
    card = {"weaknesses": weaknesses, **_provenance(done), "trained_windows": trained, **_pace(run)}
    return write(run, output, _measured_on(done, done["data"], done["teachers"]), name, card, blend)


def _file_again(
    file: Path, output: Path, name: str | None, weaknesses: list[str] | None, data: list[Path], teachers: list[Path]
) -> Path:
    from jijin.train.export import export_again

    card, said = _card(file, data), {"weaknesses": weaknesses} if weaknesses else {}
    return export_again(file, output, _measured_on(card, data, teachers), name or card["name"], said)


def _card(file: Path, data: list[Path]) -> dict[str, Any]:
    """Of a model file that is to be measured again on data."""
    from jijin.errors import ConfigError
    from jijin.models import card_of, find

    card = card_of(find(file))
    if not {"name", "data", "fractions", "split_seeds"} <= card.keys():
        raise ConfigError(f"{file}: to measure it again takes the card that 'jijin export' wrote beside it")
    if (names := [path.name for path in data]) != card["data"]:
        told = ", ".join(card["data"])
        raise ConfigError(f"--data must be what {file} was trained on: {told} (got {', '.join(names) or 'nothing'})")
    return card


def _measured_on(done: dict[str, Any], data: Sequence[str | Path], teachers: Sequence[str | Path]) -> Measured:
    """Windows of each split as a run, or the card of its file, divides the data; splits without any are told."""
    from jijin.commands.messages import Messages
    from jijin.data.corpus import scored_traces
    from jijin.evaluate import evaluation_windows
    from jijin.train.export import Measured

    messages = Messages()
    messages.take_log()
    others = [Path(path) for path in teachers]  # what they find and nobody labelled counts neither way
    splits = (("dev", False), ("test", False), ("dev", True), ("train", False))  # the third with labels by machines too
    share, seeds = done["fractions"], done["split_seeds"]
    found = [
        evaluation_windows(scored_traces(data, part, None, share, seeds, others, automatic, needed=False))
        for part, automatic in splits
    ]
    for (part, _), windows in zip(splits[:2], found[:2], strict=True):
        if not windows:
            messages.note(f"no labelled record in the {part} split; it is not scored there")
    return Measured(*found)


def _pace(run: Path) -> dict[str, float]:
    """Windows a second of a run, the median of its epochs, and its memory in MB, where its folder tells them."""
    import pandas as pd

    found = {}
    for file, column, digits, pace in (("history", "windows_per_s", 1, "median"), ("costs", "memory_mb", 0, "max")):
        path = run / f"{file}.csv"
        table = pd.read_csv(path) if path.exists() else pd.DataFrame()
        if column in table and table[column].notna().any():
            found[column] = round(float(table[column].agg(pace)), digits)
    return found


def _provenance(done: dict[str, Any]) -> dict[str, Any]:
    """What a card tells of a run: the settings whole, of the data the names and not where they lay.

    A run that began with the weights of another tells the same of that one, as its config's "start".
    """
    kept = ("counts", "licences", "pickers", "fractions", "split_seeds", "synthetics", "recipe", *MADE, "torch")
    names = {key: [Path(path).name for path in done[key]] for key in ("data", "teachers", "records")}
    start = done["config"].get("start")
    config = {**done["config"], "start": _earlier(Path(start)) if start else None}
    return {"config": config, **{key: done[key] for key in kept if key in done}, **names}


def _earlier(start: Path) -> dict[str, Any]:
    """What is known of the weights that a run began with: their own run's settings, or the card of their file."""
    from jijin.models import card_of

    if start.suffix == ".onnx":
        left_out = ("scores", "thresholds", "time_uncertainty")
        return {"file": start.name, **{key: value for key, value in card_of(start).items() if key not in left_out}}
    return _provenance(_config(start.parent))
