"""The study from data to results: every model trained or loaded, and run on the same test windows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jijin.config import check_range, cpus
from jijin.data.splits import NAMES
from jijin.models import card_of, load
from jijin.models.onnx import OnnxModel
from jijin.study.board import Board
from jijin.study.classify import run_cnn, run_tree
from jijin.study.machine import machine, peak_memory
from jijin.study.pickers import by_components, run_picker, tune
from jijin.study.published import Found, Published, of_seisbench
from jijin.study.results import Fold, ModelResult, Report, Study
from jijin.study.sample import Sample
from jijin.study.scratch import costs, history, refuse_another, settings, train_scratch

TRAINED = "Trained before, on other data, synthetic earthquakes among them; "
SEEN = {
    True: TRAINED + "no test window is of an earthquake that it may have learnt from.",
    False: TRAINED + "if windows of its own training data (its card names them) are among the test windows, "
    "it may have learnt from some of them: --unseen leaves those out.",
}
SCRATCH, SHIPPED = "CBA from scratch", "cba"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """epochs of CBA, cnn_epochs of the CNN. seed : of the choice of windows and of all that is random in training.

    unseen : the test windows are none that the shipped cba may have learnt from, if they are of its training data;
    data, peers : in words, where they came from, for the report.
    """

    earthquakes: int = 10_000
    noise: int = 10_000
    epochs: int = 10  # as published
    cnn_epochs: int = 10
    seed: int = 0
    unseen: bool = False
    threads: int = field(default_factory=cpus)  # of torch
    data: str = ""
    peers: str = ""

    def __post_init__(self) -> None:
        for name in ("earthquakes", "noise", "epochs", "cnn_epochs", "threads"):
            check_range(name, getattr(self, name), 0, float("inf"))


def run(sample: Sample, output: Path, config: StudyConfig, peers: Found | None, download: bool, say: Say) -> Study:
    """Train, load, run and score all models on a sample; models and TensorBoard's events go to the folder output.

    A CBA that is partly trained in output goes on where it stopped. peers : published pickers, None for SeisBench's;
    one that fails is left out, with a note. say is told what is going on. Raises ConfigError, before anything is
    trained, if output holds a study of other windows or options.
    """
    import torch

    began, work = time.perf_counter(), _Work(sample, output, config, say)
    torch.set_num_threads(config.threads)
    refuse_another(sample, output, work.board.run(SCRATCH), config.seed)
    for kind in ("raw", "features"):
        work.add(run_tree(sample, kind, output, config.seed, say))
    work.cnn()
    work.scratch()
    work.shipped()
    notes = work.peers(peers, download)
    return Study(
        data=sample.study, models=work.models, components=work.components, settings=work.settings, machine=machine(),
        seconds=time.perf_counter() - began, component_scores=work.component_scores, notes=notes,
    )  # fmt: skip


class _Work:
    """A study in the making."""

    def __init__(self, sample: Sample, output: Path, config: StudyConfig, say: Say) -> None:
        self.sample, self.output, self.config, self.say = sample, output, config, say
        self.board = Board(output / "tensorboard")
        self.models: list[ModelResult] = []
        self.components: dict[str, dict[str, Report]] = {}
        self.component_scores: dict[str, dict[str, Fold]] = {}
        split, event = sample.study.split, sample.is_earthquake
        counts = {f"{name} windows": int((split == name).sum()) for name in NAMES}
        chosen = {"earthquakes": int(event.sum()), "noise": int((~event).sum())}
        self.settings: dict[str, Any] = {**asdict(config), **chosen, **counts}

    def add(self, result: ModelResult) -> None:
        """Keep a result, and show it in TensorBoard."""
        self.models.append(result)
        self.board.result(self.sample, result, self.settings)
        self.say(f"  {result.name}: F1 {result.detection.f1:.3f} on {len(result.score)} test windows")

    def cnn(self) -> None:
        """The published CNN."""
        import torch

        from jijin.models.cnn import CNN

        epochs, seed = self.config.cnn_epochs, self.config.seed
        self.add(run_cnn(self.sample, epochs, seed, self.say, lambda row: self.board.epoch("CNN", row)))
        self.board.graph("CNN", CNN(), torch.zeros(1, 18_000))

    def scratch(self) -> None:
        """CBA from scratch: trained, exported, scored, and with fewer components."""
        import torch

        from jijin.models.cba import CBA

        rows, run_folder = self.sample.rows("train"), self.board.run(SCRATCH)
        config = settings(len(rows), self.config.epochs, self.config.seed, self.config.threads)
        self.settings |= {
            "CBA batch": config.batch,
            "CBA learning rate": config.learning_rate,
            "CBA augmentation": "study",
        }
        self.say(f"{SCRATCH}: {len(rows)} windows x {self.config.epochs} epochs")
        with peak_memory() as peak:
            model = train_scratch(self.sample, run_folder, self.output, config, self.say)
        done, spent = history(run_folder, config), costs(run_folder)
        self._picker(
            model, SCRATCH, trained_on=f"{len(rows)} windows of the train split, augmentation of the study",
            training_s=sum(spent.values()), training_windows=len(rows),
            presented=len(done) * config.epoch_windows, peak_mb=max(peak, default=None), history=done,
            costs=spent, artefacts={"model": str(model.file.relative_to(self.output))},
        )  # fmt: skip
        self.board.graph(SCRATCH, CBA(config.model), torch.zeros(1, 3, 6000))

    def shipped(self) -> None:
        """The model of the package."""
        note = SEEN[self.config.unseen]
        self.say("cba as shipped")
        self._picker(
            load(SHIPPED, self.config.threads),
            SHIPPED,
            trained_on="see its card",
            training_s=None,
            training_windows=None,
            note=note,
        )

    def _picker(self, model: OnnxModel, name: str, **about: Any) -> None:
        parameters = int(card_of(model.file)["parameters"])
        tuned = tune(self.sample, model)
        result = run_picker(self.sample, model, name, "cba", tuned, parameters=parameters, **about)
        self.add(result)
        self.components[name], self.component_scores[name] = by_components(self.sample, model, result, tuned)

    def peers(self, given: Found | None, download: bool) -> Sequence[str]:
        """Published pickers; returns what was left out, and why."""
        found, left_out = given or of_seisbench(download)
        notes = list(left_out)
        for peer in found:
            self.say(f"{peer.name}, published weights")
            try:
                result = self._peer(peer)
            except Exception as error:  # of code that is not ours, after hours of training
                notes.append(f"{peer.name} was left out: it cannot predict ({type(error).__name__}: {error})")
            else:
                self.add(result)
        for note in notes:
            self.say(note)
        return notes

    def _peer(self, peer: Published) -> ModelResult:
        return run_picker(
            self.sample, peer.model, peer.name, "peer", tune(self.sample, peer.model),
            trained_on=peer.trained_on, parameters=peer.parameters, training_s=None, training_windows=None,
            note="Published weights: windows of the data that it was trained on may be among the test windows.",
        )  # fmt: skip
