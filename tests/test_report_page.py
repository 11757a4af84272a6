"""The page of a run: alone, complete, escaped, and drawn by a browser."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import made_up_run
from browser import picture, visit
from jijin.network.traveltime import TravelTimes
from jijin.network.velocity import read_velocity
from jijin.report.catalogue import availability, coast, data, expected, records, sections, svg
from jijin.report.catalogue.page import ReportConfig, write
from jijin.report.catalogue.view import RunView, largest
from jijin.types import NS, Event, Segment, Station

EVIL = "XX.<script>alert(1)</script>&\"'."
SMALL = ReportConfig(most_records=3)


class Elements(HTMLParser):
    """Names of elements, and the text in each script."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_data(self, content: str) -> None:
        if self.names and self.names[-1] == "script":
            self.scripts.append(content)


def known(page: Path) -> dict:
    """What the page's scripts are given."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def full() -> RunView:
    return made_up_run.run(travel_times=TravelTimes(read_velocity("regional"), 120.0))


@pytest.fixture(scope="module")
def page(full: RunView, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(full, tmp_path_factory.mktemp("report") / "report.html", SMALL)


def bare(event: Event) -> Event:
    return replace(event, magnitude=None, source_type=None)


CASES = {  # what is left out, and a word of what is said of it
    "nothing at all": ({"events": [], "stations": [], "coverage": {}, "picks": {}, "waveforms": None}, "no events"),
    "no event": ({"events": []}, "no events"),
    "one event": ({"coverage": {}}, "The run is shorter than a day"),
    "no magnitude, no type": ({}, "no event has a magnitude"),
    "no waveforms": ({"waveforms": None}, "Waveforms of this event are not in the page."),
    "no coverage": ({"coverage": {}}, "does not say when its stations had data"),
    "no station": ({"stations": []}, "<b>0</b><span>stations</span>"),
    "an event without arrivals": ({}, "No picks belong to this event."),
    "errors that are not known": ({}, "<dt>ellipse (1 σ)</dt><dd>– × – km, 30°</dd>"),
}


def changed(case: str, full: RunView) -> RunView:
    view = replace(full, **CASES[case][0])
    if case == "one event":
        return replace(view, events=full.events[:1])
    if case == "no magnitude, no type":
        return replace(view, events=[bare(event) for event in full.events[:40]])
    if case == "errors that are not known":
        nan, origin = float("nan"), full.events[0].origin
        lost = replace(origin, horizontal_uncertainty_km=(nan, nan), ellipse_azimuth_deg=30.0, depth_uncertainty_km=nan)
        return replace(view, events=[replace(full.events[0], origin=lost)])
    if case == "an event without arrivals":
        empty = replace(full.events[0], origin=replace(full.events[0].origin, arrivals=()))
        return replace(view, events=[empty])
    return view


@pytest.mark.parametrize("case", CASES)
def test_a_run_is_a_page_whatever_it_lacks(case: str, full: RunView, tmp_path: Path) -> None:
    path = write(changed(case, full), tmp_path / "report.html", SMALL)
    seen = visit(path, tmp_path)
    assert seen.console == []
    assert seen.requests == []
    assert len(known(path)["events"]) == len(changed(case, full).events)
    assert CASES[case][1] in re.sub("<script.*?</script>", "", seen.dom, flags=re.DOTALL)


def test_a_browser_draws_every_event_in_the_map_the_sections_and_the_plots(
    page: Path, full: RunView, tmp_path: Path
) -> None:
    seen = visit(page, tmp_path)
    assert (seen.console, seen.requests) == ([], [])
    marks = re.findall(r'<(?:circle|path)[^>]*data-e="(\d+)"', seen.dom)
    count = {k: marks.count(str(k)) for k in range(len(full.events))}
    pairs = {k: len(re.findall(rf'class="pair[^>]*data-e="{k}"', seen.dom)) for k in (0, 1)}
    assert min(count.values()) >= 4  # the map, two sections, the time line
    assert count[0] - pairs[0] == count[1] - pairs[1] == 4
    assert len(re.findall(r'<path[^>]*class="wave"', seen.dom)) == len(full.stations)
    assert len(re.findall(r'<tr data-e="', seen.dom)) == 100


def test_the_guard_against_requests_does_guard(tmp_path: Path) -> None:
    path = tmp_path / "asks.html"
    path.write_text("<body><img src='http://example.invalid/a.png'></body>")
    seen = visit(path, tmp_path, "nonsense();")
    assert seen.requests == ["http://example.invalid/a.png"]
    assert "nonsense is not defined" in seen.console[0]


def test_the_picture_has_the_colours_of_depth(page: Path, tmp_path: Path) -> None:
    from matplotlib.image import imread

    seen = imread(picture(page, tmp_path))[..., :3]
    for colour in ("#f9b03f", "#3d4fd8"):
        wanted = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        assert (np.abs(seen - wanted).max(axis=-1) < 0.12).sum() > 50, colour


def test_nothing_is_wider_than_a_phone(page: Path, tmp_path: Path) -> None:
    script = "document.title = document.documentElement.scrollWidth + ' ' + innerWidth;"
    wide, screen = re.search(r"<title>(\d+) (\d+)", visit(page, tmp_path, script, width=500).dom).groups()
    assert int(wide) <= int(screen)


def test_choosing_sorting_and_filtering_work(page: Path, full: RunView, tmp_path: Path) -> None:
    script = """
      document.querySelectorAll('#event-table th button')[4].click();  // by magnitude, the largest first
      const rows = [...document.querySelectorAll('#event-table tbody tr')];
      const sizes = rows.map(row => +row.cells[4].textContent);
      document.querySelector('#map path[data-e="5"]').dispatchEvent(new Event('click', {bubbles: true}));
      const onMap = document.querySelector('#panel h3').textContent;
      rows[1].click();
      const title = document.querySelector('#panel h3').textContent, chosen = rows[1].cells[0].textContent.slice(0, 19);
      const kind = document.getElementById('of-kind');
      kind.value = 'quarry blast'; kind.dispatchEvent(new Event('input'));
      const shown = [...document.querySelectorAll('#map path.dot')].filter(one => one.style.display !== 'none');
      const told = document.getElementById('passing').textContent;
      const left = document.querySelectorAll('#event-table tbody tr').length;
      const found = {sizes, onMap, title, chosen, shown: shown.length, told, rows: left};
      document.body.dataset.found = JSON.stringify(found);
    """
    seen = visit(page, tmp_path, script)
    assert seen.console == []
    found = json.loads(re.search(r'data-found="([^"]*)"', seen.dom)[1].replace("&quot;", '"'))
    blasts = sum(e.source_type.event_type == "quarry blast" for e in full.events)
    assert found["sizes"] == sorted(found["sizes"], reverse=True)
    assert found["sizes"][0] == pytest.approx(max(e.magnitude.value for e in full.events), abs=0.051)
    assert found["title"].startswith(found["chosen"])
    assert found["onMap"].startswith(known(page)["events"][5]["time"][:19])
    assert (found["shown"], found["rows"]) == (blasts, blasts)
    assert found["told"] == f"{blasts} of {len(full.events)} events shown"


def test_names_that_look_like_html_are_names(full: RunView, tmp_path: Path) -> None:
    station = replace(full.stations[0], nsl=EVIL)
    evil = replace(
        full.events[0],
        event_id=EVIL,
        source_type=replace(full.events[0].source_type, event_type=EVIL, reasons=((EVIL, 1.0),)),
    )
    view = RunView(
        EVIL, [evil], [station], {EVIL: full.coverage[full.stations[0].nsl]}, {EVIL: 3}, {EVIL: EVIL}, [EVIL]
    )
    path = write(view, tmp_path / "report.html")
    elements = Elements()
    elements.feed(path.read_text(encoding="utf-8"))
    assert elements.names.count("script") == 6  # the data, Leaflet and our four
    seen = visit(path, tmp_path, "document.querySelector('#event-table tbody tr').click()")
    assert seen.console == []
    assert "alert(1)" in seen.dom
    assert seen.dom.count("<script") == 7  # and the test's own


def test_the_page_forbids_itself_the_network(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r'<\w+[^>]* (?:src|href)="(?!#)', re.sub("<script>.*?</script>", "", text, flags=re.DOTALL))
    assert "url(" not in text.partition("</style>")[0]


def test_the_size_of_the_page_is_bounded_and_what_is_left_out_is_said(full: RunView, tmp_path: Path) -> None:
    path = write(full, tmp_path / "report.html", ReportConfig(most_events=50, most_details=20, most_records=2))
    found = known(path)
    big = set(largest(full.events, 50))
    assert {k for k, event in enumerate(found["events"]) if event} == big
    assert (len(found["details"]), len(found["records"])) == (20, 2)
    text = path.read_text(encoding="utf-8")
    assert "the 50 largest of 340 events" in text
    assert "waveforms of the 2 largest events, arrivals of the 20 largest" in text


def test_events_with_waveforms_have_their_arrivals_too(full: RunView, tmp_path: Path) -> None:
    found = known(write(full, tmp_path / "report.html", ReportConfig(most_details=1, most_records=3)))
    assert found["details"].keys() == found["records"].keys()
    assert len(found["records"]) == 3


def test_the_largest_event_without_a_magnitude_comes_after_the_smallest_with_one(full: RunView) -> None:
    some = [bare(full.events[0]), *full.events[1:4]]
    assert largest(some, 3) == [1, 2, 3]


def test_a_spike_stays_in_the_columns_of_a_trace(full: RunView) -> None:
    event = full.events[0]
    start, spike = event.origin.time_ns - 20 * NS, event.origin.time_ns + 5 * NS

    def read(name: str, start_ns: int, end_ns: int) -> list[Segment]:
        samples = np.full(6000, 7.0)
        samples[2500] += 1000  # 5 s after the origin at 100 Hz
        return [Segment(f"{name}.HHE", start, 100.0, -samples), Segment(f"{name}.HHZ", start, 100.0, samples)]

    (trace,) = records.traces(event, ["XX.A."], read)
    high = int(np.argmax(trace.high))
    assert trace.seed_id == "XX.A..HHZ"
    assert trace.high[high] == 127
    at_ns = event.origin.time_ns + (trace.start_s + high * trace.step_s) * NS
    assert 0 <= spike - at_ns < trace.step_s * NS
    packed = np.frombuffer(base64.b64decode(trace.encoded()["d"]), np.int8).reshape(-1, 2)
    assert (packed[:, 1] == trace.high).all()


def test_a_record_section_begins_before_the_first_p_and_ends_after_the_last_s_even_if_only_p_is_picked(
    full: RunView,
) -> None:
    arrivals = [a for a in full.events[0].origin.arrivals if a.pick.phase_hint == "P"]
    far = [replace(a, pick=replace(a.pick, time_ns=a.pick.time_ns + 25 * NS)) for a in arrivals]
    event = replace(full.events[0], origin=replace(full.events[0].origin, arrivals=tuple(far)))
    (trace,) = records.traces(
        event, ["XX.A."], lambda name, a, b: [Segment(f"{name}.HHZ", a, 100.0, np.arange(9000.0))]
    )
    travel_s = [(a.pick.time_ns - event.origin.time_ns) / NS for a in far]
    assert min(travel_s) - 8 < trace.start_s < min(travel_s) - 2
    assert trace.start_s + trace.step_s * records.COLUMNS > made_up_run.VP_VS * max(travel_s)


def test_a_gap_is_left_open_and_an_archive_that_fails_leaves_no_trace(
    full: RunView, caplog: pytest.LogCaptureFixture
) -> None:
    event = full.events[0]
    rng = np.random.default_rng(1)

    def read(name: str, start_ns: int, end_ns: int) -> list[Segment]:
        if name == "XX.B.":
            raise OSError("disk gone")
        return [Segment(f"{name}.HHZ", at, 100.0, rng.normal(size=1500)) for at in (start_ns, start_ns + 17 * NS)]

    (trace,) = records.traces(event, ["XX.A.", "XX.B."], read)
    empty = trace.low == records.EMPTY
    assert 1.5 < empty[: np.flatnonzero(~empty)[-1]].sum() * trace.step_s < 2.5
    assert "XX.B." in caplog.text and "disk gone" in caplog.text


def test_a_station_that_ran_and_has_no_pick_is_in_the_record_section_with_its_expected_times(full: RunView) -> None:
    from jijin.network.stations import Stations

    event = max(full.events, key=lambda e: len(e.origin.arrivals))
    name = full.stations[3].nsl
    without = replace(
        event,
        origin=replace(
            event.origin, arrivals=tuple(a for a in event.origin.arrivals if not a.pick.seed_id.startswith(name))
        ),
    )
    view = replace(full, coverage={name: [(event.origin.time_ns - NS, event.origin.time_ns + NS)]})
    found = {one.nsl: one for one in expected.expected(without, view, Stations(tuple(full.stations)))}
    slant = np.hypot(found[name].distance_km, event.origin.depth_km)
    assert slant / 8 < found[name].p_s < slant / 4
    assert 1.5 < found[name].s_s / found[name].p_s < 2


def test_coverage_is_the_share_of_time_with_data_on_any_channel() -> None:
    spans = [(0, 10), (5, 20), (30, 40)]
    assert availability.union(spans) == [(0, 20), (30, 40)]
    assert availability.share(spans, (0, 100)) == 0.3


def test_many_gaps_make_no_endless_row(full: RunView) -> None:
    spans = [(k * 2 * NS, (k * 2 + 1) * NS) for k in range(20_000)]
    view = RunView("", [], [], {"XX.A.": spans})
    assert availability.rows(view).count('class="data"') <= availability.MOST_BARS


def test_an_ellipse_along_the_diagonal_reaches_as_far_east_as_north(full: RunView) -> None:
    origin = replace(full.events[0].origin, horizontal_uncertainty_km=(5.0, 1.0), ellipse_azimuth_deg=45.0)
    east, north = sections.spread_km(replace(full.events[0], origin=origin))
    assert east == pytest.approx(north) == pytest.approx(np.sqrt((25 + 1) / 2))
    turned = replace(origin, ellipse_azimuth_deg=90.0)
    assert sections.spread_km(replace(full.events[0], origin=turned)) == pytest.approx((5.0, 1.0))


def test_the_coast_of_sicily_is_where_messina_lies() -> None:
    found = coast.shapes((37.9, 15.3, 38.4, 15.8))
    points = np.concatenate([np.array(line) for line in found["coast"]])
    assert np.hypot(points[:, 0] - 38.19, (points[:, 1] - 15.56) * 0.79).min() * 111 < 3
    assert found["border"] == []
    assert coast.shapes((46.9, 7.4, 47.7, 8.0))["border"]  # Switzerland and France, Switzerland and Germany


def test_a_map_over_the_date_line_is_one_map() -> None:
    stations = [Station("XX.A.", -17.0, 179.5), Station("XX.B.", -17.5, -179.0)]
    box, middle = data.box(RunView("", [], stations))
    assert box[1] < 179.5 < 181 < box[3] < 185
    assert 179 < middle < 181
    assert coast.shapes(box)["coast"]  # of Fiji


def test_ticks_of_time_are_whole_hours_or_days() -> None:
    day = made_up_run.START_NS
    hours = svg.moments(day + 5 * NS, day + 8 * 3600 * NS)
    assert [name for _, name in hours.ticks] == ["02:00", "04:00", "06:00", "08:00"]
    assert hours.title == "time (UTC, from 2024-03-01)"
    assert len(svg.moments(0, 50 * 365 * 86_400 * NS).ticks) < 12
