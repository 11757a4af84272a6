"""The whole run: plan station-days, pick them, build events day by day, write the catalogue; each step resumable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jijin.catalog import workers
from jijin.catalog.day import Picking, Task, pick_day
from jijin.catalog.events import RESPONSE, build_days, builder_of
from jijin.catalog.outputs import write_outputs
from jijin.catalog.settings import LIVE, RunConfig, check_same, digest, from_tables, to_tables
from jijin.catalog.told import Report, Silence
from jijin.errors import DataError
from jijin.io.archive import Archive, Span, open_archive
from jijin.io.tables import replacing
from jijin.network.build import EventBuilder
from jijin.network.readings import read_corrections
from jijin.network.stations import Stations, read_stations
from jijin.network.velocity import read_velocity
from jijin.store import DayResult, Store, exists
from jijin.store.codec import encode
from jijin.types import StationDay, net_sta


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to be: where the data are, where the stations stand, and how to work.

    Paths are kept absolute, so that a run can be resumed from any folder.
    """

    source: str
    stations: Path
    span: Span = field(default_factory=Span)
    velocity: str = "regional"
    response: Path | None = None
    corrections: Path | None = None  # of stations, see jijin.network.readings.read_corrections
    config: RunConfig = field(default_factory=RunConfig)

    @property
    def inventory(self) -> Path | None:
        """Where responses are: StationXML given for stations has them too, if it was asked for that way."""
        is_xml = self.stations.is_file() and self.stations.read_bytes()[:512].lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<"
        return self.response or (self.stations if is_xml else None)

    def _corrections(self) -> dict[tuple[str, str], float]:
        return read_corrections(self.corrections) if self.corrections else {}

    def settings(self) -> dict[str, Any]:
        """As the run keeps and compares them; a model, a velocity model and a table are known by their content."""
        from jijin import __version__
        from jijin.models import find, load

        model = load(self.config.model, threads=1)
        return {
            "jijin": __version__,
            "method": f"{model.name}/{model.version}",
            "source": self.source if "://" in self.source else str(Path(self.source).absolute()),
            "stations": digest(self.stations),
            "start_ns": self.span.start_ns,
            "end_ns": self.span.end_ns,
            "corrections": {" ".join(key): late_s for key, late_s in self._corrections().items()},
            "velocity": json.loads(encode(read_velocity(self.velocity))),
            "response": digest(self.inventory) if self.inventory else None,
            "model": digest(find(self.config.model)),
            "config": to_tables(self.config),
        }


def run(
    folder: str | Path,
    request: Request | None = None,
    *,
    resume: bool = False,
    workers: int = 1,
    dask: str | None = None,
    report: Report | None = None,
) -> Store:
    """Make a catalogue in a folder, or go on with the one in it; returns its store, open for reading.

    request may be None to go on with a run as it was begun. DataError if the folder holds a run and resume is not
    set, or if it was begun with other settings; those of events may be others as long as there are none. What is
    wrong with any stage's settings is raised before anything is picked, and before the folder is made. Raises OSError
    when the disk is full: what was finished is kept.
    """
    folder, report = Path(folder), report or Silence()
    settings = _settings(folder, request, resume, report)
    config, span = from_tables(settings["config"], str(folder)), Span(settings["start_ns"], settings["end_ns"])
    builder = _builder(folder, request, settings, config)
    archive = open_archive(settings["source"], span, report.fail)
    with _store(folder, request, settings) as store:
        if not store.progress().total:
            store.plan(archive.station_days())
        _tell_strangers(store, report)
        _pick(store, archive, Picking(config.model, config.cut, config.pick, span), workers, dask, report)
        build_days(store, archive, workers, report)
        write_outputs(store, report.note)
        _tell_none(store, builder, report)
    return Store.open(folder)


def _settings(folder: Path, request: Request | None, resume: bool, report: Report) -> dict[str, Any]:
    """Of the run in the folder, checked against what is asked for; of the request where there is none."""
    if not exists(folder):
        if request is None:
            raise DataError(f"{folder}: no run to go on with; give a SOURCE and --stations to begin one")
        return request.settings()
    with Store.open(folder) as before:
        progress, settings, only_picks = before.progress(), before.settings, not before.event_days()
    if settings.get("kind") == LIVE:
        raise DataError(f"{folder}: holds a live run, which 'jijin live' goes on with; name another folder with -o")
    left = progress.todo + progress.failed
    state = f"{progress.done} of {progress.total} station-days done, {left} left"
    if not resume:
        raise DataError(f"{folder}: holds a run with {state}; --resume goes on with it")
    if request is not None:
        now = request.settings()
        check_same(folder, settings, now, only_picks=only_picks)
        settings |= {"config": now["config"]} if only_picks else {}
    report.note(f"{folder}: {state}" + (f" ({progress.failed} failed and are tried again)" if progress.failed else ""))
    return settings


def _builder(folder: Path, request: Request | None, settings: dict[str, Any], config: RunConfig) -> EventBuilder:
    """What makes events, made before anything is picked: days of picking are not to end in an error."""
    if request is not None and not exists(folder):
        return builder_of(settings, read_stations(request.stations), request.inventory, config)
    with Store.open(folder) as before:
        return builder_of(settings, Stations(tuple(before.stations())), folder / RESPONSE, config)


def _store(folder: Path, request: Request | None, settings: dict[str, Any]) -> Store:
    """The run to work on, locked; a new one keeps the stations and a copy of the responses."""
    if request is None or exists(folder):
        store = Store.open(folder, write=True)
        if store.settings != settings:
            store.change_settings(settings)
        return store
    stations = read_stations(request.stations)
    folder.mkdir(parents=True, exist_ok=True)
    if request.inventory:
        with replacing(folder / RESPONSE) as file:
            file.write(request.inventory.read_bytes())
    return Store.create(folder, settings, stations)


def _tell_strangers(store: Store, report: Report) -> None:
    """Name the stations with waveforms whose place is not known."""
    known, jobs = Stations(tuple(store.stations())), store.station_names()
    strangers = [name for name in jobs if name not in known]
    if len(strangers) == len(jobs):
        report.fail(
            f"none of the {len(jobs)} station(s) with waveforms is in the table of stations: nothing is located"
        )
    elif strangers:
        report.note(f"{', '.join(strangers)}: not in the table of stations; picked, but not used to locate")


def _tell_none(store: Store, builder: EventBuilder, report: Report) -> None:
    """Why picks made no event, where none did."""
    if store.event_ids() or not (count := store.count_picks()):
        return
    sites, asks = builder.associator.sites, builder.associator.config
    placed = [net_sta(pick.seed_id) for pick in store.each_pick() if sites.name(pick)]
    alone = f", or {asks.n_picks_p_only} P" if asks.n_picks_p_only else ""
    report.note(
        f"no event: {count} picks, {len(placed)} of them at {len(set(placed))} station(s) of the table; an event needs "
        f"{asks.n_picks} picks that fit one place, of them {asks.n_p_picks} P and {asks.n_s_picks} S, both at "
        f"{asks.n_p_and_s_picks} station(s){alone} ([associate] of --config asks for others)"
    )


def _pick(store: Store, archive: Archive, picking: Picking, count: int, dask: str | None, report: Report) -> None:
    """Pick what is left; each station-day is committed as it comes in."""
    jobs = store.todo()
    tasks = (Task(job, archive.part(job), picking) for job in jobs)
    told: set[str] = set()
    with report.progress("picking", len(jobs), "station-days") as advance:
        for result in _results(tasks, min(count, max(len(jobs), 1)), dask):
            store.add_station_day(result)
            for remark in result.remarks:
                if remark not in told:
                    told.add(remark)
                    report.note(remark)
            advance(1)
    _tell_losses(store, archive, report)


def _tell_losses(store: Store, archive: Archive, report: Report) -> None:
    """Each once, however many station-days it costs: a damaged file may hold a whole network."""
    lost: dict[str, list[StationDay]] = {}
    for job, note in store.progress().notes.items():
        lost.setdefault(note, []).append(job)
    for note, jobs in lost.items():
        report.fail(f"{jobs[0]}: {note}" if len(jobs) == 1 else f"{note} ({len(jobs)} station-days)")
    for where, what in archive.problems.items():
        if not any(where in note for note in lost):
            report.fail(f"{where}: {what}")


def _results(tasks: Iterator[Task], count: int, dask: str | None) -> Iterator[DayResult]:
    if dask:
        return workers.on_dask(tasks, pick_day, _given_up, dask)
    if count > 1:
        return workers.in_processes(tasks, pick_day, _given_up, count)
    return workers.here(tasks, pick_day)


def _given_up(task: Task, reason: str) -> DayResult:
    return DayResult(task.job, note=reason, failed=True)
