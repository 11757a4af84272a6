"""CSV and JSON out, and files that appear whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy import UTCDateTime

from jijin.io.tables import COLUMNS, iso, load_json, replacing, write_csv, write_json
from jijin.types import Detection, Pick, SourceType

FOUND = Detection(1_251_073_206_000_000_000, 1_251_073_220_500_000_000, 0.98765)
PICKS = [
    Pick("BW.RJOB..EHZ", "P", 1_251_073_207_720_001_400, 0.05126, 0.93, FOUND),
    Pick("BW.RJOB..EHN", "S", 1_251_073_208_700_000_000, 0.09, 0.81),
]


@given(st.integers(min_value=-(2**61), max_value=2**62))
def test_a_time_is_written_to_the_microsecond_obspy_would_write(time_ns: int) -> None:
    rounded = (time_ns + 500) // 1000 * 1000
    assert iso(time_ns) == str(UTCDateTime(ns=rounded))


def test_a_csv_row_is_what_docs_formats_promises() -> None:
    file = io.StringIO()
    write_csv(PICKS, file)
    head, first, second = file.getvalue().splitlines()
    assert head == ",".join(COLUMNS)
    assert first == (
        "BW.RJOB..EHZ,P,2009-08-24T00:20:07.720001Z,0.0513,0.93,"
        "2009-08-24T00:20:06.000000Z,2009-08-24T00:20:20.500000Z,0.9877"
    )
    assert second == "BW.RJOB..EHN,S,2009-08-24T00:20:08.700000Z,0.09,0.81,,,"


def test_source_types_are_two_columns_more_where_they_are_asked_for() -> None:
    typed = replace(FOUND, source_type=SourceType("explosion", 0.81234))
    assert typed == FOUND and hash(typed) == hash(FOUND)  # what a source was called changes no detection
    file = io.StringIO()
    write_csv([replace(PICKS[0], detection=typed), PICKS[1]], file, typed=True)
    head, first, second = file.getvalue().splitlines()
    assert head.endswith(",event_type,event_type_probability")
    assert first.endswith(",0.9877,explosion,0.8123") and second.endswith(",0.81,,,,,")


def test_json_holds_the_same_rows_below_its_header() -> None:
    file, table = io.StringIO(), io.StringIO()
    write_json(PICKS, file, {"jijin": "0.1.0", "model": "cba"})
    write_csv(PICKS, table)
    content = json.loads(file.getvalue())
    assert list(content) == ["jijin", "model", "picks"]
    as_text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in content["picks"]]
    assert as_text == list(csv.DictReader(io.StringIO(table.getvalue())))


def test_a_file_is_replaced_only_when_all_went_well(tmp_path: Path) -> None:
    path = tmp_path / "picks.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"half of")
        raise RuntimeError
    assert path.read_text() == "old"
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_the_file_that_is_replaced(tmp_path: Path) -> None:
    path, plain = tmp_path / "picks.csv", tmp_path / "plain.csv"
    path.touch(mode=0o640)
    path.chmod(0o640)
    plain.touch()
    for target, mode in ((path, 0o640), (tmp_path / "fresh.csv", plain.stat().st_mode & 0o777)):
        with replacing(target) as file:
            file.write(b"new")
        assert target.stat().st_mode & 0o777 == mode


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be written: No such file") as caught, replacing(tmp_path / "no/p.csv"):
        pass
    assert caught.value.filename == str(tmp_path / "no/p.csv")


def test_only_a_file_that_was_there_is_left_as_it_was(tmp_path: Path) -> None:
    for name, there in (("new.csv", False), ("old.csv", True)):
        if there:
            (tmp_path / name).touch()
        with pytest.raises(OSError, match="No space") as caught, replacing(tmp_path / name):
            raise OSError(28, "No space left on device")
        assert ("it is left as it was" in str(caught.value)) == there and (tmp_path / name).exists() == there


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_and_stays_a_pipe(tmp_path: Path) -> None:
    """As root a device would be replaced by a file: /dev/null would fill the disk from then on."""
    pipe, got = tmp_path / "p.csv", []
    os.mkfifo(pipe)
    reader = Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with replacing(pipe) as file:
        file.write(b"picks")
    reader.join(10)
    assert got == [b"picks"] and stat.S_ISFIFO(pipe.stat().st_mode) and list(tmp_path.iterdir()) == [pipe]


def test_a_link_stays_a_link_and_the_file_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there/picks.csv", tmp_path / "latest.csv"
    for content in (b"first", b"second"):  # a link may lead to a file that is not there yet
        if not link.is_symlink():
            link.symlink_to(target)
        with replacing(link) as file:
            file.write(content)
        assert link.is_symlink() and target.read_bytes() == content


@pytest.mark.parametrize(("text", "found"), [('{"a": 1}', {"a": 1}), ("{", None), ("[1]", None), ("", None)])
def test_an_object_in_a_file_of_json_is_read_and_anything_else_is_none(
    tmp_path: Path, text: str, found: dict[str, int] | None
) -> None:
    (tmp_path / "a.json").write_text(text)
    assert load_json(tmp_path / "a.json") == found
