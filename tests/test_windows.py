"""The station buffer and the fixed grid: what windows hold, whatever the samples came in."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from fakes import START_NS, record, slices
from jijin.config import CutConfig
from jijin.errors import ConfigError, DataError
from jijin.types import IN_SAMPLES, Segment
from jijin.windows import Cutter, Stitcher, Window, edge_weights, rows_of

CHANNEL = "XX.AAA..HHZ"
GRID_0 = START_NS // 10_000_000
BLOCK_0 = GRID_0 // 3000  # START_NS is 20 s into its block


def cut(segments: list[Segment], config: CutConfig | None = None) -> list[Window]:
    cutter = Cutter(config or CutConfig())
    for segment in segments:
        cutter.add(segment)
    return [Window(w.instrument, w.block, w.data.copy()) for w in cutter.cut(final=True)]


def grid(windows: list[Window]) -> dict[int, tuple[float, ...]]:
    """Every sample that is there: index after START_NS -> Z, N, E."""
    out = {}
    for window in windows:
        for i in np.flatnonzero(~np.isnan(window.data).all(axis=0)).tolist():
            out[window.block * 3000 + i - GRID_0] = tuple(window.data[:, i])
    return out


def vertical(windows: list[Window]) -> dict[int, float]:
    return {index: values[0] for index, values in grid(windows).items()}


def samples(values: object, start_ns: int = START_NS, rate: float = 100.0, seed_id: str = CHANNEL) -> Segment:
    return Segment(seed_id, start_ns, rate, np.ma.asarray(values) if np.ma.isMA(values) else np.asarray(values))


def test_windows_start_at_multiples_of_the_stride_and_hold_every_sample() -> None:
    data = np.arange(8000)
    windows = cut([samples(data)])
    assert [w.block - BLOCK_0 for w in windows] == [-1, 0, 1, 2, 3, 4, 5]  # the last two are empty
    assert [bool(np.isnan(window.data).all()) for window in windows[-3:]] == [False, True, True]
    assert vertical(windows) == dict(enumerate(data.tolist()))
    assert all(w.data.shape == (3, IN_SAMPLES) for w in windows)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("rate", [20.0, 99.998, 100.0, 200.0, 1000.0])
def test_a_fragment_of_a_few_samples_is_used(count: int, rate: float) -> None:
    windows = cut([samples(np.full(count, 7), rate=rate)])
    assert {round(v, 9) for v in vertical(windows).values()} == {7}


def test_the_last_samples_are_used() -> None:
    assert max(vertical(cut([samples(np.ones(360_001))]))) == 360_000


def test_samples_at_100_hz_go_to_the_nearest_index_and_are_not_interpolated() -> None:
    early, late = samples([1, 2, 3], START_NS - 4_999_999), samples([1, 2, 3], START_NS + 4_999_999)
    assert vertical(cut([early])) == vertical(cut([late])) == {0: 1, 1: 2, 2: 3}


def test_a_piece_within_half_a_sample_of_the_expected_time_continues_the_record() -> None:
    windows = cut([samples([1, 2]), samples([3, 4], START_NS + 24_900_000)])
    assert vertical(windows) == {0: 1, 1: 2, 2: 3, 3: 4}


def test_a_gap_is_kept_and_logged_with_channel_and_times(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jijin")
    windows = cut([samples([1, 2]), samples([3], START_NS + 50_000_000)])
    assert vertical(windows) == {0: 1, 1: 2, 5: 3}
    assert "XX.AAA..HHZ: gap of 0.030 s from 2023-11-14T22:13:20.020000Z to 2023-11-14T22:13:20.05" in caplog.text


def test_of_overlapping_samples_the_first_ones_stay() -> None:
    windows = cut([samples([1, 1, 1]), samples([2, 2, 2], START_NS + 20_000_000)])
    assert vertical(windows) == {0: 1, 1: 1, 2: 1, 3: 2, 4: 2}


def test_a_piece_that_spans_a_gap_fills_only_the_gap() -> None:
    first, second = samples([1, 1]), samples([3, 3], START_NS + 50_000_000)
    windows = cut([first, second, samples(np.full(9, 2), START_NS - 10_000_000)])
    assert vertical(windows) == {-1: 2, 0: 1, 1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 6: 3, 7: 2}


def test_masked_nan_and_infinite_samples_are_gaps() -> None:
    masked = np.ma.masked_equal(np.array([1, 99, 3]), 99)
    bad = np.array([4, np.nan, np.inf, 6])
    assert vertical(cut([samples(masked), samples(bad, START_NS + 30_000_000)])) == {0: 1, 2: 3, 3: 4, 6: 6}


def test_pieces_out_of_order_are_put_in_order() -> None:
    windows = cut([samples([3, 4], START_NS + 20_000_000), samples([1, 2])])
    assert vertical(windows) == {0: 1, 1: 2, 2: 3, 3: 4}


@pytest.mark.parametrize(
    ("codes", "rows"),
    [("ZNE", "ZNE"), ("Z12", "Z12"), ("321", "321"), ("Z123", "Z12"), ("ZN1E2", "ZNE"), ("Z", "Z--"), ("N", "-N-")],
)
def test_orientation_codes_find_their_rows(codes: str, rows: str) -> None:
    windows = cut([samples([ord(code)], seed_id=f"XX.AAA..HH{code}") for code in codes])
    expected = tuple(np.nan if row == "-" else float(ord(row)) for row in rows)
    assert np.array_equal(grid(windows)[0], expected, equal_nan=True)


def test_an_unknown_orientation_alone_is_taken_as_vertical_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert vertical(cut([samples([5], seed_id="XX.AAA..HDH")])) == {0: 5}
    assert "XX.AAA..HDH: unknown orientation code 'H'; taken as vertical" in caplog.text


@pytest.mark.parametrize("codes", ["XZ", "ZX"])
def test_an_unknown_orientation_beside_a_vertical_is_not_used_whichever_comes_first(
    codes: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert vertical(cut([samples([ord(code)], seed_id=f"XX.AAA..HH{code}") for code in codes])) == {0: ord("Z")}
    assert "XX.AAA..HHX: unknown orientation code 'X'; the channel is not used" in caplog.text
    assert rows_of("UVW") == (("U",), (), ())


def test_the_second_best_channel_serves_only_where_the_best_is_absent() -> None:
    old = samples(np.full(9000, 1), seed_id="XX.AAA..HH1")
    new = samples(np.full(6000, 2), START_NS + 40 * 10**9, seed_id="XX.AAA..HHN")
    values = {index: row[1] for index, row in grid(cut([old, new])).items()}
    assert values[0] == 1 and values[4000] == 2 and values[9999] == 2


def test_two_instruments_of_one_station_are_cut_apart() -> None:
    windows = cut([samples([1], seed_id="XX.AAA..HHZ"), samples([2], seed_id="XX.AAA..HNZ")])
    assert {w.instrument for w in windows} == {"XX.AAA..HH", "XX.AAA..HN"}


def test_a_window_waits_for_all_three_components() -> None:
    cutter = Cutter(CutConfig())
    for code in "ZN":
        cutter.add(record(f"XX.AAA..HH{code}", 100, {}))
    assert list(cutter.cut()) == []
    cutter.add(record("XX.AAA..HHE", 80, {}))
    windows = list(cutter.cut())
    assert [w.block - BLOCK_0 for w in windows] == [-1, 0, 1]  # data end 100 s after the block's start
    assert not np.isnan(windows[1].data[:, 2000:]).any()


def test_a_single_component_waits_no_longer_than_max_wait_s() -> None:
    cutter = Cutter(CutConfig(max_wait_s=100))
    cutter.add(record(CHANNEL, 110, {}))
    assert [w.block - BLOCK_0 for w in cutter.cut()] == [-1]
    cutter.add(record("XX.AAA..HNZ", 200, {}))  # the station's newest sample counts, of whatever instrument
    assert [w.block - BLOCK_0 for w in cutter.cut() if w.instrument == "XX.AAA..HH"] == [0, 1, 2]


def test_late_data_are_dropped_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    cutter = Cutter(CutConfig())
    for code in "ZNE":
        cutter.add(record(f"XX.AAA..HH{code}", 200, {}))
    list(cutter.cut())
    for _ in range(2):
        cutter.add(record(CHANNEL, 10, {}))
    assert caplog.text.count("came after its window was cut") == 1
    assert "XX.AAA..HHZ: data at 2023-11-14T22:13:20" in caplog.text


def test_a_window_comes_with_a_minute_and_a_block_before_it() -> None:
    data = np.arange(40_000.0)
    cutter = Cutter(CutConfig())
    cutter.add(samples(data))
    for window in cutter.cut(final=True):
        first = (window.block - BLOCK_0) * 3000 - 2000  # the data start 20 s after the block
        for start in (-9000, -7487, -733, 0):
            wanted = np.full(6000, np.nan)
            low, high = np.clip([first + start, first + start + 6000], 0, len(data))
            wanted[low - first - start : high - first - start] = data[low:high]
            assert np.array_equal(window.from_sample(start)[0], wanted, equal_nan=True)


@pytest.mark.parametrize("rate", [50.0, 100.0, 128.0, 99.998])
def test_packets_give_the_same_windows_as_the_whole_to_the_last_bit(rate: float) -> None:
    parts = [record(f"XX.AAA..HH{c}", 300, {50.0: 1}, rate, START_NS + 3_333_333) for c in "ZNE"]
    whole = {w.block: w.data for w in cut(parts)}
    cutter, seen = Cutter(CutConfig()), {}
    packets = [list(slices(p, list(range(37, len(p.data), 211)))) for p in parts]
    for trio in zip(*packets, strict=True):
        for packet in trio:
            cutter.add(packet)
        seen.update({w.block: w.data.copy() for w in cutter.cut()})
    seen.update({w.block: w.data.copy() for w in cutter.cut(final=True)})
    assert list(seen) == list(whole)
    assert all(np.array_equal(seen[b], whole[b], equal_nan=True) for b in whole)


def test_the_time_of_a_sample_after_a_gap_does_not_depend_on_where_the_slice_began() -> None:
    data = np.ma.masked_invalid(np.where(np.arange(3000) // 700 % 2 == 1, np.nan, np.arange(3000.0)))
    whole = samples(data, START_NS + 1, 75.0)
    for first in (701, 1003, 1399):
        parts = cut(list(slices(whole, [first])))
        assert all(np.array_equal(a.data, b.data, equal_nan=True) for a, b in zip(cut([whole]), parts, strict=True))


def test_what_is_buffered_belongs_to_the_buffer() -> None:
    cutter, parts = Cutter(CutConfig()), [record(f"XX.AAA..HH{c}", 100, {}) for c in "ZNE"]
    expected = vertical(cut(parts))
    windows = []
    for part in parts:
        data = part.data.copy()
        cutter.add(Segment(part.seed_id, part.start_ns, part.sampling_rate, data))
        windows += [Window(w.instrument, w.block, w.data.copy()) for w in cutter.cut()]
        data[:] = -1
    assert vertical(windows + list(cutter.cut(final=True))) == expected


def test_the_buffer_stays_small_in_a_long_run() -> None:
    cutter = Cutter(CutConfig())
    for minute in range(120):
        for code in "ZNE":
            cutter.add(samples(np.zeros(6000, np.int32), START_NS + minute * 60 * 10**9, seed_id=f"XX.AAA..HH{code}"))
        list(cutter.cut())
    channels = cutter.instruments["XX.AAA..HH"].channels.values()
    assert sum(len(run) for c in channels for run in c.runs) < 3 * 9000
    assert sum(part.base is not None for c in channels for run in c.runs for part in run.parts) == 0


@pytest.mark.parametrize("gap_s", [100, 10**5, 10**9])
def test_a_long_gap_is_skipped_but_for_two_empty_windows(gap_s: int) -> None:
    windows = cut([samples([1]), samples([2], START_NS + gap_s * 10**9)])
    assert [bool(np.isnan(w.data).all()) for w in windows] == [False, False, True, True] * 2 and vertical(windows) == {
        0: 1,
        gap_s * 100: 2,
    }


def test_a_rate_out_of_range_names_the_channel() -> None:
    with pytest.raises(DataError, match=r"XX\.AAA\.\.LHZ: sampling rate"):
        Cutter(CutConfig()).add(samples([1], rate=1.0, seed_id="XX.AAA..LHZ"))


def test_a_stride_of_half_a_sample_is_refused() -> None:
    with pytest.raises(ConfigError, match="10 ms"):
        Cutter(CutConfig(stride_s=60 / 7))


def test_weights_fade_at_the_edges_of_a_window_only() -> None:
    weights = edge_weights(1.0)
    assert (
        weights[0] == weights[-1] < 1e-3
        and (weights[100:-100] == 1).all()
        and weights[50] == pytest.approx(0.5, abs=0.01)
    )


def test_where_there_is_one_window_its_value_stands_also_at_its_edge() -> None:
    curves = np.random.default_rng(0).random((3, 1, IN_SAMPLES), np.float32)
    assert np.allclose(Stitcher(CutConfig()).push(5, curves)[:, :100], curves[:, 0, :100], rtol=1e-5)


@pytest.mark.parametrize("stride_s", [60.0, 30.0, 20.0, 10.0])
def test_stitching_is_the_weighted_mean_of_the_windows(stride_s: float) -> None:
    stride, stitcher = round(stride_s * 100), Stitcher(CutConfig(stride_s))
    curves = np.random.default_rng(1).random((3, 9, IN_SAMPLES), np.float32)
    sums, weights = np.zeros((3, 8 * stride + IN_SAMPLES)), np.zeros(8 * stride + IN_SAMPLES)
    for i in range(9):
        sums[:, i * stride : i * stride + IN_SAMPLES] += curves[:, i] * edge_weights(CutConfig().blinding_s)
        weights[i * stride : i * stride + IN_SAMPLES] += edge_weights(CutConfig().blinding_s)
    out = np.concatenate([stitcher.push(7, curves[:, :2]), stitcher.push(9, curves[:, 2:])], axis=1)
    assert np.allclose(out, (sums / weights)[:, : 9 * stride], atol=1e-6)


def test_stitching_is_the_same_to_the_last_bit_however_it_is_pushed() -> None:
    curves = np.random.default_rng(2).random((3, 7, IN_SAMPLES), np.float32)
    config = CutConfig(stride_s=20)
    whole, single = Stitcher(config).push(3, curves), Stitcher(config)
    assert np.array_equal(whole, np.concatenate([single.push(3 + i, curves[:, i : i + 1]) for i in range(7)], axis=1))
