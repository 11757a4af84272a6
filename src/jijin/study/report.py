"""The report of a study: index.html, figures, tables and a summary, in the order that a reader is led through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from jijin.io.tables import replacing
from jijin.study import figures_data, figures_scores, figures_waves, tables
from jijin.study.canvas import STYLE, save, slug
from jijin.study.contents import Embedded, Item, Note, Picture, Section, Table, Verbatim
from jijin.study.page import MIME, page, summary
from jijin.study.picked import Picker, pickers
from jijin.study.results import ModelResult, Study

TITLE = "jijin study: a decision tree, a CNN, CBA and published pickers on the same windows"
ORIGIN = (
    "Published: what the original student study reported, on STEAD and on its own machines. It stands beside ours for "
    "orientation: the windows are others, so no difference between the two columns is a gain or a loss."
)
COSTS = {"parameters": ",d", "training (s)": ",.1f", "prediction (s)": ".2f", "ms a window": ".2f",
         "windows a second": ",.1f", "published windows a second": ",.1f", "peak memory (MB)": ",.0f"}  # fmt: skip


def write(study: Study, output: Path) -> Path:
    """Write index.html, figures/, tables/ and summary.md into the folder output, and return the path of index.html.

    index.html holds its pictures and fetches nothing. What a study lacks (coordinates, S labels, peers, ...) is said
    where it would stand. Files of the same name are replaced, others left alone.
    """
    import matplotlib

    for name in ("figures", "tables"):
        (output / name).mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        contents = [
            Section(s.key, s.title, [_written(item, output) for item in s.items]) for s in sections(study, output)
        ]
    for name, frame in files(study).items():
        _write(output / "tables" / f"{name}.csv", frame.to_csv(index=False))
    _write(output / "summary.md", summary(TITLE, lead(study), contents))
    return _write(output / "index.html", page(TITLE, lead(study), contents, output))


def _written(item: Item, output: Path) -> Item:
    """Its files; a picture is drawn, written and forgotten one at a time."""
    if isinstance(item, Picture):
        save(item.figure, output / "figures", item.name)
        item.figure.clear()
    elif isinstance(item, Table):
        _write(output / "tables" / f"{item.name}.csv", item.frame.to_csv(index=False))
    return item


def _write(path: Path, text: str) -> Path:
    with replacing(path) as file:
        file.write(text.encode())
    return path


def lead(study: Study) -> list[str]:
    """What was done, in a few sentences."""
    truth = study.data.is_earthquake[study.test]
    return [
        f"{len(study.data.windows):,} windows of 60 s, three components, 100 Hz, divided by earthquake. Every model "
        f"was scored on the same {len(truth):,} test windows, {truth.sum():,} with an earthquake and "
        f"{(~truth).sum():,} without, in one run of {_duration(study.seconds)}.",
        f"Data: {study.data.source}.",
        f"Machine: {study.machine}.",
        *study.notes,
    ]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def sections(study: Study, output: Path) -> Iterator[Section]:
    """The page from top to bottom."""
    found = pickers(study)
    yield Section("results", "Results", list(_results(study)))
    yield Section("published", "The original study beside this run", list(_published(study)))
    yield Section("data", "The data", list(_data(study)))
    yield Section("tree", "The decision tree", list(_trees(study, output)))
    yield Section("learning", "Learning curves", list(figures_scores.learning(study)))
    yield Section("detection", "Earthquake or noise", list(_detection(study)))
    yield Section("picks", "P and S picks", list(_picks(study, found)))
    yield Section("examples", "Detections", list(_examples(study, found)))
    yield Section("components", "Fewer components", list(_components(study)))
    yield Section("cost", "What training costs", list(_cost(study)))
    yield Section("settings", "Settings and files", list(_settings(study, output)))


def _results(study: Study) -> Iterator[Item]:
    if not study.models:
        yield Note("No model was run.", missing=True)
        return
    caption = (
        "Earthquake or noise, a row a model, measured in one run on the same test windows. Loss is the mean of -log of "
        "the probability given to what is true; F1 of P and S counts picks within 0.5 s of a label."
    )
    yield Table("models", tables.models(study), caption, COSTS)
    yield from figures_scores.speed(study)
    for note in dict.fromkeys(m.note for m in study.models if m.note):
        yield Note(f"{', '.join(m.name for m in study.models if m.note == note)}: {note}")


def _published(study: Study) -> Iterator[Item]:
    yield Note(ORIGIN)
    yield Table("published", tables.originals(study), "Published: STEAD. Ours: the data of this run, named at the top.")
    frame = tables.protocols(study)
    if len(frame):
        caption = "Tree and CNN once more, scored the way the original study did it, on our data."
        yield Table("protocols", frame, caption)


def _data(study: Study) -> Iterator[Item]:
    yield Table(
        "windows", tables.windows(study), "Windows and labels; a group is an earthquake or a station-day of noise."
    )
    yield from figures_data.maps(study.data)
    yield from figures_data.histograms(study)
    yield Note(
        "Example windows of the training split; a pale band is a label. Records above 0.7 Hz, each to its own scale."
    )
    yield from figures_waves.examples(study.data)


def _trees(study: Study, output: Path) -> Iterator[Item]:
    grown = [m for m in study.models if m.family == "tree"]
    if not grown:
        yield Note("No decision tree in this run.", missing=True)
    for m in grown:
        yield from _tree(m, output)
    frame = tables.folds(study)
    if len(frame):
        yield Table("folds", frame, "Cross-validation; an earthquake is never on both sides.")


def _tree(result: ModelResult, output: Path) -> Iterator[Item]:
    """Its picture, and its text folded away."""
    drawn = False
    for path in result.artefacts.values():
        file = output / path
        if file.suffix in MIME and file.is_file() and not drawn:
            drawn = True
            yield Embedded(path, f"{result.name}: {result.parameters:,} nodes; trained on {result.trained_on}.")
        elif file.suffix == ".txt" and file.is_file():
            yield Verbatim(f"{result.name} as text", file.read_text(encoding="utf-8"))
    if not drawn:
        yield Note(f"No picture of {result.name} was made.", missing=True)


def _detection(study: Study) -> Iterator[Item]:
    if not study.models:
        yield Note("No model was run.", missing=True)
        return
    yield from figures_scores.detection_curves(study)
    yield Note("Rows are what the windows are, columns what a model took them for; dev windows chose the thresholds.")
    yield from figures_scores.confusions(study)


def _picks(study: Study, found: list[Picker]) -> Iterator[Item]:
    yield from figures_scores.pick_curves(study, found)
    frame = tables.picks(study)
    if len(frame):
        caption = (
            "Picks within 0.5 s of a label; 95 % by bootstrap over earthquakes; mean and deviation of pick - label."
        )
        yield Table("picks", frame, caption, {"threshold": ".2f", "false an hour of noise": ".2f"})
    yield from figures_scores.residual_figures(study, found)


def _examples(study: Study, found: list[Picker]) -> Iterator[Item]:
    yield Note(
        "One earthquake of each area of the test split: the one in the middle by signal-to-noise ratio, so no result "
        "chose it. Pale bands are labels, lines are picks; a pick within 0.5 s of a label is filled, another hollow. A "
        "pale bar in the lane of labels: nobody labelled there, and picks count neither way."
    )
    yield from figures_waves.detections(study, found)


def _components(study: Study) -> Iterator[Item]:
    yield from figures_scores.components(study)
    frame = tables.components(study)
    if len(frame):
        caption = "F1 with some components only, at the thresholds of ZNE; the loss is F1 of ZNE minus F1 of the input."
        yield Table("components", frame, caption)


def _cost(study: Study) -> Iterator[Item]:
    frame = tables.cost(study)
    if not len(frame):
        yield Note("No model was trained in this run.", missing=True)
        return
    caption = (
        "Published: 20,000 windows x 10 epochs in 30 minutes on a cloud GPU, by the original study. Peak memory is the "
        "resident memory of the training."
    )
    yield Table("cost", frame, caption, COSTS)
    yield from figures_scores.time_parts(study)


def _settings(study: Study, output: Path) -> Iterator[Item]:
    yield Table("settings", tables.settings(study), "What the run was asked for.")
    kept = [f"{m.name}, {name}: {path}" for m in study.models for name, path in m.artefacts.items()]
    yield Verbatim("Files", "\n".join(["figures/*.png, *.svg", "tables/*.csv", "summary.md", *kept]))


def files(study: Study) -> dict[str, pd.DataFrame]:
    """Tables that are too long for the page: the score of every test window, and the histories."""
    histories = {f"history_{slug(m.name)}": pd.DataFrame(list(m.history)) for m in study.models if m.history}
    return {"scores": tables.scores(study), **histories}
