"""Station lists: good ones of every kind, and one clear sentence for each bad one."""

from __future__ import annotations

from pathlib import Path

import obspy
import pytest
from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network
from obspy.core.inventory import Station as XmlStation

from jijin.errors import DataError, ReadError
from jijin.network.stations import Stations, read_stations
from jijin.types import Station

HEADER = "network,station,latitude,longitude,elevation_m\n"
NOW = UTCDateTime("2020-01-01").ns


def ns(text: str) -> int:
    return UTCDateTime(text).ns


def table(tmp_path: Path, text: str) -> Stations:
    path = tmp_path / "stations.csv"
    path.write_text(text, encoding="utf-8")
    return read_stations(path)


def test_a_table_is_read_with_its_elevations(tmp_path: Path) -> None:
    stations = table(tmp_path, HEADER + "CH,AIGLE,46.34,6.95,800\nKS,0123,37.5,127,-20.5\n")
    assert stations.names == ("CH.AIGLE", "KS.0123")  # a code is text, whatever it looks like
    assert stations["KS.0123"] == (Station("KS.0123.", 37.5, 127.0, -20.5),)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffnet;sta;lat;lon;elev\nCH;AIGLE;46.34;6.95;800\n",
        "Network\tStation\tLatitude\tLongitude\tElevation (m)\nCH\tAIGLE\t46.34\t6.95\t800\n".replace(" (", "("),
        "#Network | Station | Latitude | Longitude | Elevation | SiteName\nCH|AIGLE|46.34|6.95|800.0|Aigle, VD\n",
        "id,longitude,latitude,elevation_km\nCH.AIGLE..,6.95,46.34,0.8\n",
        HEADER + "# a remark\n\nCH, AIGLE, 46.34, 6.95, 800\n",
    ],
)
def test_other_names_separators_and_units_mean_the_same(tmp_path: Path, text: str) -> None:
    (station,) = table(tmp_path, text)
    assert (station.nsl, station.latitude, station.elevation_m) == ("CH.AIGLE.", 46.34, 800.0)
    assert station.longitude == pytest.approx(6.95)


def test_longitudes_beyond_180_are_western_ones(tmp_path: Path) -> None:
    assert [s.longitude for s in table(tmp_path, HEADER + "A,B,1,350.5,0\nA,C,1,180,0\n")] == [-9.5, 180.0]


def test_depth_of_burial_is_taken_off_the_elevation(tmp_path: Path) -> None:
    (station,) = table(tmp_path, HEADER.strip() + ",depth_m\nBP,EADB,35.9,-120.4,469,245\n")
    assert station.elevation_m == 224.0


def test_a_table_without_elevations_says_that_it_takes_sea_level(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="no column elevation_m"):
        assert [s.elevation_m for s in table(tmp_path, "network,station,latitude,longitude\nA,B,1,2\n")] == [0.0]


@pytest.mark.parametrize("column", ["elevation_m", "elevation_km"])
def test_a_table_with_empty_elevations_says_that_it_takes_sea_level(tmp_path: Path, column: str) -> None:
    head = f"network,station,latitude,longitude,{column}\n"
    with pytest.warns(UserWarning, match=rf"stations\.csv: column {column} is empty in 2 of 2 rows; these"):
        assert [s.elevation_m for s in table(tmp_path, head + "A,B,1,2,\nA,C,1,2.1,\n")] == [0.0, 0.0]
    with pytest.warns(UserWarning, match=f"column {column} is empty in 1 of 2 rows; these stations are taken to stand"):
        assert table(tmp_path, head + "A,B,1,2,\nA,C,1,2.1,1\n")["A.B"][0].elevation_m == 0.0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        (HEADER, "no stations in it"),
        (
            "network,station,lat,elevation_m\nA,B,1,2\n",
            "no column longitude .found: network, station, lat, elevation_m",
        ),
        ("code,where\nB,1\n", "no column network and no latitude and no longitude"),
        (HEADER + "A,B,127.5,37.1,0\n", "A.B.: latitude 127.5 is out of range .* swapped"),
        (HEADER + "A,B,37.1,400,0\n", "longitude 400 is out of range"),
        (HEADER + "A,B,0,0.0,100\n", "both 0"),
        (HEADER + "A,B,1,2,88000\n", "elevation 88000 m"),
        (HEADER + "A,B,37°,2,0\n", "row 2: latitude must be a number .got '37°'"),
        (HEADER + "A,B,,2,0\n", "row 2: latitude must be a number .got ''"),
        (HEADER + "A,B,nan,2,0\n", "latitude must be a number"),
        (HEADER + "A,,1,2,0\n", "row 2: no station code"),
        (HEADER + "A,B,1,2,0\nA,B,1.5,2,0\n", "A.B. is given twice for the same time, 55.3 km apart"),
        (HEADER.strip() + ",start\nA,B,1,2,0,soon\n", "start must be a time such as"),
        (HEADER.strip() + ",start,end\nA,B,1,2,0,2020-01-02,2020-01-01\n", "ends before it starts"),
    ],
)
def test_a_bad_table_is_one_sentence_that_names_the_file(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=f"stations.csv.*{sentence}") as caught:
        table(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_station_with_swapped_coordinates_is_seen_among_others(tmp_path: Path) -> None:
    rows = "A,B,46.1,7.1,0\nA,C,46.2,7.0,0\nA,D,7.2,46.3,0\nA,E,46.0,7.5,0\n"
    with pytest.raises(DataError, match=r"A.D. is \d+ km from the others .* swapped"):
        table(tmp_path, HEADER + rows)


def test_a_station_that_is_only_far_away_is_kept(tmp_path: Path) -> None:
    assert len(table(tmp_path, HEADER + "A,B,46.1,7.1,0\nA,C,46.2,7.0,0\nIU,ANMO,34.9,-106.5,1820\n")) == 3


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be read"):
        read_stations(tmp_path / "stations.csv")


def test_rows_that_agree_are_one_station(tmp_path: Path) -> None:
    assert len(table(tmp_path, HEADER + "A,B,1,2,5\nA,B,1,2,5\n")) == 1


def test_a_station_that_moved_is_where_it_stood_at_the_time(tmp_path: Path) -> None:
    rows = "A,B,1,2,0,2010-01-01,2015-06-01T12:00:00Z\nA,B,3,4,0,2015-06-01T12:00:00,2599-12-31T23:59:59\n"
    stations = table(tmp_path, HEADER.strip() + ",start,end\n" + rows)
    places = [stations.lookup("A.B..HHZ", ns(t)) for t in ("2009-01-01", "2015-06-01T11:59:59", "2015-06-01T12:00:00")]
    assert [place and place.latitude for place in places] == [None, 1.0, 3.0]
    assert [s.end_ns for s in stations] == [ns("2015-06-01T12:00:00"), None]


def test_an_entry_without_location_holds_for_every_location() -> None:
    stations = Stations((Station("A.B.", 1, 2), Station("A.B.10", 1, 2, -300.0)))
    assert [stations.lookup(f"A.B.{loc}.HHZ", NOW).elevation_m for loc in ("", "00", "10")] == [0, 0, -300]
    assert stations.lookup("A.C..HHZ", NOW) is None


def test_another_location_of_the_same_place_stands_in_and_of_another_place_does_not() -> None:
    near = Stations((Station("A.B.00", 1, 2), Station("A.B.10", 1, 2, 30.0)))
    far = Stations((Station("A.B.00", 1, 2), Station("A.B.10", 1, 2, -300.0)))
    assert near.lookup("A.B.20.HHZ", NOW) is not None and far.lookup("A.B.20.HHZ", NOW) is None


def channel(code: str, location: str, depth: float, start: str, end: str | None = None) -> Channel:
    dates = {"start_date": UTCDateTime(start), "end_date": UTCDateTime(end) if end else None}
    return Channel(code, location, 46.0, 7.0, 500.0, depth, **dates)


def test_channels_of_stationxml_give_burial_and_epochs(tmp_path: Path) -> None:
    channels = [
        channel("HHZ", "", 0.0, "2010-01-01", "2015-01-01"),
        channel("HHZ", "", 0.0, "2015-01-01"),
        channel("HHZ", "10", 300.0, "2012-01-01"),
        channel("LDO", "30", 400.0, "2012-01-01"),  # a barometer
        channel("HNZ", "10", 0.0, "2012-01-01"),  # at the surface, above the seismometer of the same location
    ]
    station = XmlStation("AIGLE", 46.0, 7.0, 500.0, channels=channels)
    path = tmp_path / "stations.xml"
    Inventory([Network("CH", [station])]).write(str(path), format="STATIONXML")
    assert [(s.nsl, s.elevation_m, s.start_ns, s.end_ns) for s in read_stations(path)] == [
        ("CH.AIGLE.", 500.0, ns("2010-01-01"), None),
        ("CH.AIGLE.10", 200.0, ns("2012-01-01"), None),
    ]


def test_obspys_example_inventory_is_read_as_obspy_reads_it(tmp_path: Path) -> None:
    inventory = obspy.read_inventory()
    path = tmp_path / "inventory.xml"
    inventory.write(str(path), format="STATIONXML")
    stations = read_stations(path)
    there = {f"{n.code}.{s.code}": (s.latitude, s.longitude, s.elevation) for n in inventory for s in n}
    assert set(stations.names) == set(there)
    found = stations.lookup("BW.RJOB..EHZ", ns("2009-08-24"))
    assert found and (found.latitude, found.longitude, found.elevation_m) == there["BW.RJOB"]


def test_xml_that_is_no_station_list_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "stations.xml"
    path.write_text("<html><body>503</body></html>")
    with pytest.raises(ReadError, match="cannot read it as station metadata"):
        read_stations(path)


def test_a_row_with_other_fields_than_the_first_row_is_told(tmp_path: Path) -> None:
    head = "network,station,latitude,longitude,elevation_m\n"
    for row, sentence in (
        ("2C,BIT06,64,049,-21.267,414", r"row 3: 6 fields, the first row has 5 \(a decimal comma\?\)"),
        ("2C,BIT06,64.049", "row 3: 3 fields, the first row has 5"),
    ):
        (tmp_path / "s.csv").write_text(f"{head}2C,BLK22,64.041,-21.476,320,,\n{row}\n")
        with pytest.raises(DataError, match=f"s.csv, {sentence}"):
            read_stations(tmp_path / "s.csv")


def test_empty_fields_at_the_end_of_a_row_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "network,station,latitude,longitude,elevation_m\n2C,BIT06,64.049,-21.267,414,,\n2C,BLK22,64.041,-21.476,\n"
    )
    assert [(s.longitude, s.elevation_m) for s in read_stations(tmp_path / "s.csv")] == [(-21.267, 414), (-21.476, 0)]


def test_a_table_across_more_than_twenty_degrees_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    head = "network,station,latitude,longitude,elevation_m\n"
    (tmp_path / "s.csv").write_text(head + "XX,A,0,1,0\nXX,B,0,-9,0\nXX,C,0,9,0\n")
    read_stations(tmp_path / "s.csv")
    assert not caplog.records
    (tmp_path / "s.csv").write_text(head + "XX,A,0,1,0\nXX,B,0,-15,0\nXX,C,0,15,0\n")
    read_stations(tmp_path / "s.csv")
    assert "up to 3340 km apart" in caplog.text  # 30 degrees of 111.32 km along the equator
