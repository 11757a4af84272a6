"""Measure what a catalogue run costs and write docs/scale.md: station-days per core-hour, commits, index, events.

    python benchmarks/scale.py [FOLDER]

FOLDER holds the archive that is made for it (1 GB at most); a temporary one is used unless it is given. Times of
computing are processor time of one thread, so that other programs on the machine hardly count.
"""

from __future__ import annotations

import os
import pickle
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from days import DAY, HOUR, START_NS
from jijin.catalog.day import MARGIN_NS, Picking, Task, pick_day
from jijin.data.synthetic import earthquake, noise
from jijin.io.archive import open_archive
from jijin.store import Coverage, DayResult, Store
from jijin.study.machine import peak_memory
from jijin.types import DAY_NS, NS, RATE, Pick, StationDay, samples_to_ns, utc
from made_up import made_up
from page import table, write
from timing import CPU, WALL, timed

STATIONS, QUAKES = 4, 60  # station-days that are picked, earthquakes on each
PICKS = 150  # a station-day, in the measurement of the store
COMMITS, FILES = 400, 30_000
NETWORKS = ((100, 150.0, 500), (300, 400.0, 1500))  # stations, extent in km, earthquakes a day
YEAR_OF = 1_000  # stations
DAYS = 365 * YEAR_OF
FEW, MANY = 16, 200  # cores


@dataclass(frozen=True, slots=True)
class Picked:
    """Medians over station-days."""

    core_s: float
    read_s: float  # of it, getting the samples from the archive
    memory_mb: float
    picks: float
    archive_mb: float  # of one station-day, Steim 2


def main(folder: Path) -> None:
    """All measurements, then the page."""
    picked = picking(folder / "sds")
    commit_s, bytes_per_pick = storing(folder / "run")
    files_per_s, bytes_per_file = indexing(folder / "index")
    events = [building(*size) for size in NETWORKS]
    write("scale", places(picked, commit_s, bytes_per_pick, files_per_s, bytes_per_file, events))


def picking(root: Path) -> Picked:
    """Station-days of three components at 100 Hz, with day files before and after, from an SDS tree."""
    for station in range(STATIONS):
        write_station(root, f"S{station:03d}", np.random.default_rng(station))
    archive = open_archive(f"sds://{root}")
    jobs = [job for job in archive.station_days() if job.day == DAY]
    pick_day(Task(jobs[0], archive.part(jobs[0]), Picking()))  # loads the model
    total, reading, found = [], [], []
    with peak_memory() as memory:
        for job in jobs:
            part = archive.part(job)
            reading.append(timed(CPU, part.segments, job.station, job.start_ns, job.end_ns)[0])
            core_s, result = timed(CPU, pick_day, Task(job, part, Picking()))
            assert not result.failed, result.note
            total.append(core_s)
            found.append(len(result.picks))
    size = sum(path.stat().st_size for path in root.rglob("*S000*.002") if path.is_file())
    middle = statistics.median
    return Picked(middle(total), middle(reading), memory[0] if memory else float("nan"), middle(found), size / 1e6)


def write_station(root: Path, name: str, rng: np.random.Generator) -> None:
    """Three components of noise with earthquakes for a day, and a quarter of an hour before and after it."""
    from obspy import Trace

    margin = HOUR // 4
    length = 24 * HOUR + 2 * margin
    ground = np.concatenate([noise(rng, HOUR) for _ in range(length // HOUR + 1)], axis=1)[:, :length] * 300
    for at in rng.integers(0, length - 20_000, QUAKES):
        wave = earthquake(rng).data * 10 ** rng.uniform(3, 5)
        ground[:, at : at + wave.shape[1]] += wave
    edges = [0, margin, length - margin, length]
    for day, first, stop in zip(range(DAY - 1, DAY + 2), edges[:-1], edges[1:], strict=True):
        start = utc(START_NS + samples_to_ns(first - margin, RATE))
        for component, row in zip("ZNE", ground, strict=True):
            codes = {"network": "XX", "station": name, "channel": f"HH{component}"}
            trace = Trace(
                np.round(row[first:stop]).astype(np.int32), {**codes, "sampling_rate": RATE, "starttime": start}
            )
            path = root / str(start.year) / "XX" / name / f"HH{component}.D"
            path.mkdir(parents=True, exist_ok=True)
            file = path / f"{trace.id}.D.{utc(day * DAY_NS).year}.{utc(day * DAY_NS).julday:03d}"
            trace.write(str(file), format="MSEED", encoding="STEIM2", reclen=4096)


def storing(folder: Path) -> tuple[float, float]:
    """Seconds on the clock of committing a station-day to this disk, and bytes of database for each pick."""
    with Store.create(folder, {}) as store:
        spent, _ = timed(WALL, lambda: [commit(store, n) for n in range(COMMITS)])
    return spent / COMMITS, (folder / "run.db").stat().st_size / (COMMITS * PICKS)


def commit(store: Store, number: int) -> None:
    """A station-day with its picks."""
    job = StationDay(f"XX.S{number % 100:03d}", DAY + number // 100)
    times = job.start_ns + np.arange(PICKS) * 500 * NS
    picks = tuple(Pick(f"{job.station}..HHZ", "PS"[i % 2], int(t), 0.05, 0.7) for i, t in enumerate(times))
    spans = tuple(Coverage(f"{job.station}..HH{c}", ((job.start_ns, job.end_ns),)) for c in "ZNE")
    store.add_station_day(DayResult(job, picks, spans))


def indexing(root: Path) -> tuple[float, float]:
    """Files a second that the names of an SDS tree are taken in with, and bytes that one takes in memory."""
    for n in range(FILES):
        station, day = f"S{n % 100:03d}", n // 100 + 1
        path = root / "2024" / "XX" / station / "HHZ.D"
        path.mkdir(parents=True, exist_ok=True)
        (path / f"XX.{station}..HHZ.D.2024.{day:03d}").touch()
    spent, archive = timed(WALL, open_archive, f"sds://{root}")
    return FILES / spent, len(pickle.dumps(archive)) / FILES


def building(count: int, extent_km: float, earthquakes: int) -> tuple[int, int, int, int, float]:
    """Stations, earthquakes, picks, events found and processor seconds: a tenth of a day, scaled to one."""
    builder, _, picks = made_up(count, extent_km, earthquakes // 10, 8640, lambda true: true * 3 // 7)
    builder.build(picks[:10])  # makes the tables
    core_s, events = timed(CPU, builder.build, picks)
    return count, earthquakes, 10 * len(picks), 10 * len(events), 10 * core_s


def places(
    picked: Picked,
    commit_s: float,
    bytes_per_pick: float,
    files_per_s: float,
    bytes_per_file: float,
    events: list[tuple[int, int, int, int, float]],
) -> dict[str, object]:
    """What the template is filled with."""
    core_hours, all_picks = DAYS * picked.core_s / 3600, DAYS * picked.picks
    hours = "core-hours a year"
    heads = ["stations", "earthquakes a day", "picks a day", "events found a day", "core-seconds a day", hours]
    rows = [[n, quakes, f"{picks:,}", f, core_s, 365 * core_s / 3600] for n, quakes, picks, f, core_s in events]
    return {
        "quakes": QUAKES,
        "stations": STATIONS,
        "archive_mb": f"{picked.archive_mb:.0f}",
        "margin": f"{100 * 2 * MARGIN_NS / DAY_NS:.1f}",
        "core_s": f"{picked.core_s:.1f}",
        "read_s": f"{picked.read_s:.2f}",
        "per_hour": f"{3600 / picked.core_s:,.0f}",
        "memory_mb": f"{picked.memory_mb:.0f}",
        "commit_ms": f"{commit_s * 1e3:.1f}",
        "pick_bytes": f"{bytes_per_pick:.0f}",
        "files_per_s": f"{files_per_s:,.0f}",
        "file_bytes": f"{bytes_per_file:.0f}",
        "events": table(heads, rows, {hours: ".1f", "core-seconds a day": ".0f"}),
        "year_of": YEAR_OF,
        "days": DAYS,
        "files": 3 * DAYS / 1e6,
        "few": FEW,
        "many": MANY,
        "core_hours": f"{core_hours:,.0f}",
        "days_on_few": f"{core_hours / 24 / FEW:.1f}",
        "hours_on_many": f"{core_hours / MANY:.1f}",
        "read_tb": f"{DAYS * picked.archive_mb / 1e6:.1f}",
        "mb_s": f"{picked.archive_mb * MANY / picked.core_s:,.0f}",
        "commit_hours": f"{DAYS * commit_s / 3600:.1f}",
        "picks_a_day": f"{picked.picks:.0f}",
        "all_picks": f"{all_picks / 1e6:.0f}",
        "db_gb": f"{all_picks * bytes_per_pick / 1e9:.1f}",
        "list_min": f"{3 * DAYS / files_per_s / 60:.1f}",
        "list_mb": f"{3 * DAYS * bytes_per_file / 1e6:.0f}",
        "event_hours": f"{365 * events[-1][4] / 3600 * YEAR_OF * picked.picks / events[-1][2]:,.0f}",
        "most_cores": f"{picked.core_s / commit_s:,.0f}",
    }


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if len(sys.argv) == 2:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
